#pragma once

// A file's bytes at any place, for all threads. Private to io/.

#include <cstdint>
#include <filesystem>
#include <span>

namespace saithe::io {

/// A file that stays open, whatever becomes of its name.
class FileBytes {
 public:
  /// Throws Error(NotFound) where it cannot be opened.
  explicit FileBytes(const std::filesystem::path& path);
  /// The file that is open as `descriptor`, which stays with the caller.
  explicit FileBytes(int descriptor);
  ~FileBytes();
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;

  /// Whether the name still leads to this file.
  [[nodiscard]] bool is_at(const std::filesystem::path& path) const;
  /// Fills `bytes` with those from `first` on; false where the file does not have them, or they
  /// cannot be read.
  [[nodiscard]] bool read(std::int64_t first, std::span<unsigned char> bytes) const;

 private:
  int descriptor_ = -1;
};

}  // namespace saithe::io
