#pragma once

// Text in and out: lines of plain or gzip files with their numbers, numbers as text independent of
// the locale, and files that appear whole or not at all.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace saithe {

/// Reads a plain or gzip file (also of several members) line by line; a byte-order mark is no part
/// of its first line.
class LineReader {
 public:
  /// Any: where no text is kept of the lines, as of a matrix with comments.
  enum class Encoding { Utf8, Any };

  /// Throws Error(NotFound) if the file cannot be opened. `reads_ahead`: a thread of its own reads
  /// and unpacks, which large files are worth.
  explicit LineReader(const std::filesystem::path& path, Encoding encoding = Encoding::Utf8,
                      bool reads_ahead = false);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  /// Reads the next line without its "\n" or "\r\n" into `line`; false at the end of the file.
  /// The view lives until the next call. Throws Error(BadFormat) on a damaged or cut gzip file, and
  /// on a line that is not UTF-8, with the command that makes it so.
  bool next(std::string_view& line);
  /// The number of the line last read, from 1.
  [[nodiscard]] std::int64_t line_number() const { return line_number_; }
  /// "FILE:LINE", for messages.
  [[nodiscard]] std::string where() const;

 private:
  bool fill();
  [[noreturn]] void fail_encoding(std::string_view line) const;
  struct Stream;
  std::unique_ptr<Stream> stream_;
  std::filesystem::path path_;
  std::string buffer_;
  std::size_t begin_ = 0;
  bool is_at_end_ = false;
  Encoding encoding_;
  bool is_all_ascii_ = true;  // of what was read so far: then no line need be looked at
  std::int64_t line_number_ = 0;
};

/// Cuts a line at every `delimiter`; n delimiters give n + 1 fields.
void split_fields(std::string_view line, char delimiter, std::vector<std::string_view>& fields);

/// Parses the whole text as a number; false if it is none. Independent of the locale.
bool parse_number(std::string_view text, std::int64_t& value);
bool parse_number(std::string_view text, double& value);

/// "2G", "500M", "1.5T", "800000": bytes, with K, M, G and T as powers of 1024. Throws
/// Error(InvalidArgument) naming --`option` unless it is a size above 0 that fits 64 bits.
std::int64_t parse_bytes(std::string_view text, std::string_view option);

/// "1 donor", "2 donors".
std::string counted(std::int64_t n, std::string_view noun);

/// The letters A to Z of a text made small; every other byte stays.
std::string lower(std::string_view text);

/// The shortest text that reads back as the same number: "0.1", "nan".
std::string format_number(double value);
std::string format_number(float value);

/// A file under construction: written beside its final name as ".saithe-NAME.XXXXXX", which a kill
/// leaves there; renamed by commit(), removed otherwise.
///
/// An existing file is an Error(Output) that names it unless `overwrite`; it stays untouched until
/// commit(). What is no plain file, as /dev/null, is never replaced.
class OutputFile {
 public:
  explicit OutputFile(std::filesystem::path path, bool overwrite);
  ~OutputFile();
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;

  /// Where to write until commit().
  [[nodiscard]] const std::filesystem::path& temporary_path() const { return temporary_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Flushes to disk, renames, flushes the folder. Throws Error(Output) if one fails.
  void commit();

  // The steps of commit(), for outputs that take their places together (pending_outputs.h).

  /// Throws Error(Output) if the bytes cannot be flushed to the disk.
  void flush() const;
  /// Throws Error(Output) if another program made a file there that may not be replaced.
  void require_place() const;
  /// Throws Error(Output).
  void rename();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  bool overwrite_ = false;
  bool is_pending_ = false;
};

/// A rename outlives a power cut only once its folder is on the disk. Folders that cannot be opened
/// or flushed (some network file systems) are left to the system. Throws Error(Output) if the disk
/// fails.
void flush_folder_of(const std::filesystem::path& file);

/// Writes `content` as a whole file, beside and renamed; compressed if its name ends in .gz. Throws
/// Error(Output).
void write_file(const std::filesystem::path& path, std::string_view content, bool overwrite);

/// The file's bytes. Throws Error(NotFound), or Error(BadFormat) above `max_bytes`.
std::string read_file(const std::filesystem::path& path, std::int64_t max_bytes);

/// The first bytes of a file, at most `max_bytes`, inflated if it is gzip (as far as it can be:
/// who reads it all finds the damage). Throws Error(NotFound).
std::string read_head(const std::filesystem::path& path, std::size_t max_bytes);

/// `text` with control characters, and what is no UTF-8, replaced by '?', so that a name from a
/// file cannot steer a terminal.
std::string printable(std::string_view text);

}  // namespace saithe
