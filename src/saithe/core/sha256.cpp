#include "saithe/core/sha256.h"

#include <fmt/ranges.h>
#include <openssl/evp.h>

#include <array>
#include <span>

#include "saithe/core/error.h"

namespace saithe {
namespace {

// It fails where a policy of the system forbids SHA-256.
void require(bool is_done) {
  if (!is_done) fail(ErrorKind::Internal, "OpenSSL does not compute SHA-256");
}

}  // namespace

void Sha256::Free::operator()(evp_md_ctx_st* state) const {
  EVP_MD_CTX_free(state);
}

Sha256::Sha256() : state_(EVP_MD_CTX_new()) {
  require(state_ != nullptr && EVP_DigestInit_ex(state_.get(), EVP_sha256(), nullptr) == 1);
}

void Sha256::update(const void* bytes, std::size_t n_bytes) {
  require(EVP_DigestUpdate(state_.get(), bytes, n_bytes) == 1);
}

std::string Sha256::hex_digest() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int n_bytes = 0;
  require(EVP_DigestFinal_ex(state_.get(), digest.data(), &n_bytes) == 1);
  return fmt::format("{:02x}", fmt::join(std::span(digest).first(n_bytes), ""));
}

}  // namespace saithe
