#include "saithe/classify/checksummed_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include "saithe/core/pending_outputs.h"
#include "saithe/core/text_io.h"

namespace saithe {
namespace {

namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little, "tensors are stored little-endian");

// Every file begins so; the checksum stands at a fixed place (docs/model_format.md).
constexpr std::string_view kBeginning = R"({"__metadata__":{"sha256":")";
constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kDigestChars = 64;
const std::string kNoDigest(kDigestChars, '0');

std::array<char, kLengthBytes> length_bytes(std::uint64_t length) {
  return std::bit_cast<std::array<char, kLengthBytes>>(length);
}

/// Starts the checksum: length and header, the digits of the checksum itself taken as zeros.
Sha256 hash_header(std::string header) {
  header.replace(kBeginning.size(), kDigestChars, kNoDigest);
  Sha256 hash;
  hash.update(length_bytes(header.size()).data(), kLengthBytes);
  hash.update(header.data(), header.size());
  return hash;
}

/// The first bytes of a file's header; none where there is no file of so many.
std::string read_beginning(const fs::path& path, std::size_t n_bytes) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return {};
  std::ifstream file(path, std::ios::binary);
  std::string beginning(kLengthBytes + n_bytes, '\0');
  file.read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
  return file ? beginning.substr(kLengthBytes) : std::string();
}

}  // namespace

void write_checksummed_file(const fs::path& path, bool overwrite,
                            const std::pair<std::string, std::string>& metadata,
                            const std::vector<TensorInfo>& tensors,
                            const std::vector<TensorBytes>& pieces) {
  PendingOutputs outputs;
  write_checksummed_file(path, overwrite, metadata, tensors, pieces, outputs);
  outputs.commit();
}

void write_checksummed_file(const fs::path& path, bool overwrite,
                            const std::pair<std::string, std::string>& metadata,
                            const std::vector<TensorInfo>& tensors,
                            const std::vector<TensorBytes>& pieces, PendingOutputs& outputs) {
  std::string header = format_safetensors_header({{"sha256", kNoDigest}, metadata}, tensors);
  if (static_cast<std::int64_t>(header.size()) > kMaxSafetensorsHeader) {
    fail(ErrorKind::InvalidArgument, "{}: the model's names take {} bytes; at most {} fit",
         path.string(), header.size(), kMaxSafetensorsHeader);
  }
  SAITHE_ASSERT(pieces.size() == tensors.size());
  Sha256 hash = hash_header(header);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    SAITHE_ASSERT(pieces[i].n_bytes == as_size(tensors[i].end - tensors[i].begin));
    hash.update(pieces[i].bytes, pieces[i].n_bytes);
  }
  header.replace(kBeginning.size(), kDigestChars, hash.hex_digest());

  OutputFile output(path, overwrite);
  errno = 0;
  std::ofstream file(output.temporary_path(), std::ios::binary);
  file.write(length_bytes(header.size()).data(), kLengthBytes);
  file.write(header.data(), static_cast<std::streamsize>(header.size()));
  for (const TensorBytes& piece : pieces) {
    file.write(static_cast<const char*>(piece.bytes), static_cast<std::streamsize>(piece.n_bytes));
  }
  file.close();
  if (!file) {
    fail(ErrorKind::Output, "{}: cannot be written: {}", path.string(), std::strerror(errno));
  }
  outputs.add(std::move(output));
}

bool is_checksummed_file(const fs::path& path) {
  return read_beginning(path, kBeginning.size()) == kBeginning;
}

bool is_checksummed_file(const fs::path& path, std::string_view metadata_key) {
  const std::string entry = fmt::format(R"(","{}":")", metadata_key);
  const std::string beginning =
      read_beginning(path, kBeginning.size() + kDigestChars + entry.size());
  return beginning.starts_with(kBeginning) && beginning.ends_with(entry);
}

ChecksummedReader::ChecksummedReader(const fs::path& path, std::string what, std::string remedy)
    : what_(std::move(what)), remedy_(std::move(remedy)), where_(path.string()) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    fail(ErrorKind::NotFound, "{}: there is no such {} file", where_, what_);
  }
  if (error) fail(ErrorKind::NotFound, "{}: cannot be opened: {}", where_, error.message());
  if (!fs::is_regular_file(status)) {
    fail(ErrorKind::NotFound, "{}: is not a file; name a {} file", where_, what_);
  }
  errno = 0;
  file_.open(path, std::ios::binary);
  if (!file_) fail(ErrorKind::NotFound, "{}: cannot be opened: {}", where_, std::strerror(errno));
  file_.seekg(0, std::ios::end);
  n_file_bytes_ = static_cast<std::int64_t>(file_.tellg());
  file_.seekg(0);
}

std::string ChecksummedReader::read_header() {
  constexpr auto kLength = static_cast<std::int64_t>(kLengthBytes);
  std::array<char, kLengthBytes> bytes{};
  if (n_file_bytes_ < kLength) fail_not_one();
  read(bytes.data(), kLengthBytes);
  const auto length = std::bit_cast<std::uint64_t>(bytes);
  if (length > static_cast<std::uint64_t>(kMaxSafetensorsHeader)) fail_not_one();
  const auto n_header = static_cast<std::int64_t>(length);
  // The beginning is looked at before the length is believed.
  std::string header(std::min(as_size(n_header), kBeginning.size()), '\0');
  if (as_size(n_file_bytes_ - kLength) < header.size()) fail_not_one();
  read(header.data(), header.size());
  if (header != kBeginning) fail_not_one();
  if (n_header > n_file_bytes_ - kLength || as_size(n_header) < kBeginning.size() + kDigestChars) {
    fail(ErrorKind::BadFormat,
         "{}: the header takes {} bytes, but the file has {}; it is truncated. Copy it again, or "
         "{}.",
         where_, n_header, n_file_bytes_, remedy_);
  }
  header.resize(as_size(n_header));
  read(header.data() + kBeginning.size(), header.size() - kBeginning.size());
  n_buffer_bytes_ = n_file_bytes_ - kLength - n_header;
  digest_ = header.substr(kBeginning.size(), kDigestChars);
  hash_ = hash_header(header);
  return header;
}

void ChecksummedReader::require_digest() {
  if (hash_.hex_digest() == digest_) return;
  fail(ErrorKind::BadFormat,
       "{}: the checksum does not match the content; the file was changed or damaged. Copy it "
       "again, or {}.",
       where_, remedy_);
}

void ChecksummedReader::fail_if_damaged(const std::string& found) {
  std::array<char, std::size_t{1} << 16> block{};
  for (std::int64_t left = n_buffer_bytes_; left > 0;) {
    const std::size_t n = std::min(as_size(left), block.size());
    read(block.data(), n);
    hash_.update(block.data(), n);
    left -= static_cast<std::int64_t>(n);
  }
  if (hash_.hex_digest() == digest_) return;
  fail(ErrorKind::BadFormat,
       "{}; its checksum does not match the content: the file was changed, damaged or truncated. "
       "Copy it again, or {}.",
       found, remedy_);
}

void ChecksummedReader::read(char* target, std::size_t n_bytes) {
  file_.read(target, static_cast<std::streamsize>(n_bytes));
  if (!file_) fail(ErrorKind::BadFormat, "{}: cannot be read to its end", where_);
}

void ChecksummedReader::fail_not_one() const {
  fail(ErrorKind::BadFormat,
       "{}: is not a {} of saithe: expected a safetensors file whose header begins with {}. {}",
       where_, what_, kBeginning,
       where_.ends_with(".pkl")
           ? "A model of CellTypist becomes one by saithe import-celltypist"
           : fmt::format("If it was one, it is damaged: copy it again, or {}.", remedy_));
}

}  // namespace saithe
