#pragma once

// A file without a name for what does not fit into memory: gone when the process ends, however it
// ends.

#include <cstdint>
#include <filesystem>
#include <span>
#include <type_traits>

namespace saithe {

/// Bytes on disk, appended and read back.
class TemporaryFile {
 public:
  /// In the system's folder for temporary files (TMPDIR). Throws Error(Output) naming it if no file
  /// can be made there.
  TemporaryFile();
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  /// Writes at the end; returns where the bytes begin. Throws Error(Output), as on a full disk.
  std::int64_t append(std::span<const unsigned char> bytes);
  /// Fills `bytes` from a position on; several threads may read at once. Throws Error(Output).
  void read(std::int64_t position, std::span<unsigned char> bytes) const;
  /// The same of values, which lie in the file as in memory.
  template <typename Value>
  std::int64_t append_values(std::span<const Value> values) {
    static_assert(std::is_trivially_copyable_v<Value>);
    return append({reinterpret_cast<const unsigned char*>(values.data()), values.size_bytes()});
  }
  template <typename Value>
  void read_values(std::int64_t position, std::span<Value> values) const {
    static_assert(std::is_trivially_copyable_v<Value>);
    read(position, {reinterpret_cast<unsigned char*>(values.data()), values.size_bytes()});
  }
  [[nodiscard]] std::int64_t size() const { return size_; }

 private:
  std::filesystem::path folder_;
  int file_ = -1;
  std::int64_t size_ = 0;
};

}  // namespace saithe
