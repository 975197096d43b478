#pragma once

// A zip archive read by name: stored and deflated entries, zip64. Private to io/.
//
// Sizes are compared with the archive's own before memory is taken, checksums are checked. Several
// threads may read at once.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace saithe::io {

/// A file that several threads read at any place.
class RandomAccessFile {
 public:
  /// Throws Error(NotFound) if it cannot be opened.
  explicit RandomAccessFile(const std::filesystem::path& path);
  ~RandomAccessFile();
  RandomAccessFile(const RandomAccessFile&) = delete;
  RandomAccessFile& operator=(const RandomAccessFile&) = delete;

  [[nodiscard]] std::int64_t size() const { return size_; }
  /// Bytes [begin, begin + n). Throws Error(BadFormat) if the file does not have them.
  [[nodiscard]] std::string read(std::int64_t begin, std::int64_t n) const;

 private:
  std::string where_;
  int descriptor_ = -1;
  std::int64_t size_ = 0;
};

/// Whether the first bytes of a file are those of a zip archive.
bool is_zip(std::string_view head);

class ZipArchive {
 public:
  /// Reads the directory at the end. Throws Error(BadFormat) if it is damaged or cut off.
  explicit ZipArchive(const std::filesystem::path& path);

  [[nodiscard]] bool has(const std::string& name) const { return entries_.contains(name); }
  /// The size of an entry's content; nothing if there is none of that name.
  [[nodiscard]] std::optional<std::int64_t> size(const std::string& name) const;
  /// Bytes [begin, begin + n) of an entry's content; the name must be there. A stored entry is read
  /// in part, a deflated one as a whole. Throws Error(BadFormat).
  [[nodiscard]] std::string read(const std::string& name, std::int64_t begin, std::int64_t n) const;
  /// Writes an entry's content into the existing file `target`, in blocks where it is stored;
  /// `output` is what messages call the target. Throws Error(BadFormat), Error(Output).
  void unpack(const std::string& name, const std::filesystem::path& target,
              const std::string& output) const;
  /// The names of all entries, sorted; of a name that stands twice the last one counts.
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  struct Entry {
    std::int64_t header = 0;  // place of the local header
    std::int64_t stored_bytes = 0;
    std::int64_t bytes = 0;
    std::uint32_t checksum = 0;
    int method = 0;
    bool is_encrypted = false;
  };
  void read_directory();
  [[nodiscard]] Entry parse_entry(std::string_view directory, std::size_t at, std::size_t n_name,
                                  std::size_t n_extra) const;
  [[nodiscard]] std::int64_t place_of_content(const Entry& entry, const std::string& name) const;
  [[noreturn]] void fail_damaged(const std::string& what) const;

  std::string where_;
  RandomAccessFile file_;
  std::map<std::string, Entry> entries_;
};

}  // namespace saithe::io
