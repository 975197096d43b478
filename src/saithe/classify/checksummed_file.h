#pragma once

// A safetensors file whose metadata begins with the SHA-256 of all its bytes, the digits of the
// checksum itself taken as zeros: what models and checkpoints are stored in. Private to classify.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "saithe/classify/safetensors.h"
#include "saithe/core/sha256.h"
#include "saithe/core/types.h"

namespace saithe {

class PendingOutputs;

/// The bytes of one tensor, borrowed.
struct TensorBytes {
  const void* bytes = nullptr;
  std::size_t n_bytes = 0;
};

/// Writes a file, beside and renamed: `metadata` is its one entry beside the checksum, `pieces` are
/// the bytes of `tensors` in their order. Throws Error(Output), and Error(InvalidArgument) if the
/// metadata do not fit.
void write_checksummed_file(const std::filesystem::path& path, bool overwrite,
                            const std::pair<std::string, std::string>& metadata,
                            const std::vector<TensorInfo>& tensors,
                            const std::vector<TensorBytes>& pieces);
/// The same, renamed with the other outputs of a run.
void write_checksummed_file(const std::filesystem::path& path, bool overwrite,
                            const std::pair<std::string, std::string>& metadata,
                            const std::vector<TensorInfo>& tensors,
                            const std::vector<TensorBytes>& pieces, PendingOutputs& outputs);

/// Whether a file begins like one of these.
bool is_checksummed_file(const std::filesystem::path& path);
/// The same with `metadata_key` as the name of the entry beside the checksum.
bool is_checksummed_file(const std::filesystem::path& path, std::string_view metadata_key);

/// An open file, read from front to back; every byte goes into the checksum.
class ChecksummedReader {
 public:
  /// `what` it is to hold, for messages: "model"; `remedy` of damage, beside another copy: "train
  /// the model anew". Throws Error(NotFound).
  ChecksummedReader(const std::filesystem::path& path, std::string what, std::string remedy);

  /// The path, for messages.
  [[nodiscard]] const std::string& where() const { return where_; }
  /// Bytes after the header; known once that is read.
  [[nodiscard]] std::int64_t n_buffer_bytes() const { return n_buffer_bytes_; }
  /// The JSON at its beginning. Throws Error(BadFormat) unless it begins as it must.
  std::string read_header();
  /// What `parse()` makes of the header. An Error(BadFormat) of a file whose checksum does not fit
  /// is one of damage, and says what to do.
  template <typename Parse>
  auto parse_header(Parse parse) {
    try {
      return parse();
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::BadFormat) fail_if_damaged(error.what());
      throw;
    }
  }
  /// The next tensor. Its size was compared with the file's before.
  template <typename Values>
  void read_tensor(const TensorInfo& tensor, Values& values) {
    using Value = typename Values::value_type;
    values.resize(as_size(tensor.end - tensor.begin) / sizeof(Value));
    read(reinterpret_cast<char*>(values.data()), values.size() * sizeof(Value));
    hash_.update(values.data(), values.size() * sizeof(Value));
  }
  /// After the last tensor. Throws Error(BadFormat) if a byte was changed.
  void require_digest();

 private:
  void read(char* target, std::size_t n_bytes);
  void fail_if_damaged(const std::string& found);
  [[noreturn]] void fail_not_one() const;

  std::string what_;
  std::string remedy_;
  std::string where_;
  std::ifstream file_;
  std::int64_t n_file_bytes_ = 0;
  std::int64_t n_buffer_bytes_ = 0;
  std::string digest_;
  Sha256 hash_;
};

}  // namespace saithe
