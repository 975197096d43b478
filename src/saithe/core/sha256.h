#pragma once

// SHA-256 (FIPS 180-4) by OpenSSL, for the checksum of the model file.

#include <cstddef>
#include <memory>
#include <string>

struct evp_md_ctx_st;

namespace saithe {

/// Hash of bytes given piece by piece.
class Sha256 {
 public:
  Sha256();
  void update(const void* bytes, std::size_t n_bytes);
  /// 64 lower-case hexadecimal digits of everything given so far; ends the computation.
  std::string hex_digest();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* state) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> state_;
};

}  // namespace saithe
