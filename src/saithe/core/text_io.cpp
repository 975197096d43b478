#include "saithe/core/text_io.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>

#include "saithe/core/error.h"
#include "saithe/core/gzip_input.h"
#include "saithe/core/open_input.h"
#include "saithe/core/read_ahead.h"
#include "saithe/core/symbolic_links.h"
#include "saithe/core/text_output.h"
#include "saithe/core/types.h"
#include "saithe/core/utf8.h"

namespace saithe {

namespace fs = std::filesystem;

// ---- reading --------------------------------------------------------------------------------

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

struct LineReader::Stream {
  std::optional<GzipInput> input;
  std::optional<ReadAhead> ahead;

  std::size_t read(char* bytes, std::size_t size) {
    return ahead ? ahead->read(bytes, size) : input->read(bytes, size);
  }
};

LineReader::LineReader(const fs::path& path, Encoding encoding, bool reads_ahead)
    : stream_(std::make_unique<Stream>()), path_(path), encoding_(encoding) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    fail(ErrorKind::NotFound, "{}: is a folder where a file is expected", path.string());
  }
  if (reads_ahead) {
    stream_->ahead.emplace(open_input(path));
  } else {
    stream_->input.emplace(open_input(path));
  }
}

LineReader::~LineReader() = default;

bool LineReader::fill() {
  static constexpr std::size_t kBlock = std::size_t{1} << 18;
  buffer_.erase(0, begin_);
  begin_ = 0;
  const std::size_t old_size = buffer_.size();
  buffer_.resize(old_size + kBlock);
  std::size_t n_read = 0;
  try {
    n_read = stream_->read(buffer_.data() + old_size, kBlock);
  } catch (const Error& error) {
    fail(error.kind(),
         "{}: the gzip data are damaged or cut off after line {} ({}). Copy the file again.",
         path_.string(), line_number_, error.what());
  }
  buffer_.resize(old_size + n_read);
  is_all_ascii_ = is_all_ascii_ && is_ascii(std::string_view(buffer_).substr(old_size));
  if (n_read == 0) is_at_end_ = true;
  return n_read > 0;
}

bool LineReader::next(std::string_view& line) {
  std::size_t search_from = begin_;
  for (;;) {
    const std::size_t end = buffer_.find('\n', search_from);
    if (end != std::string::npos) {
      line = std::string_view(buffer_).substr(begin_, end - begin_);
      begin_ = end + 1;
      break;
    }
    if (is_at_end_) {
      if (begin_ == buffer_.size()) return false;
      line = std::string_view(buffer_).substr(begin_);
      begin_ = buffer_.size();
      break;
    }
    const std::size_t n_pending = buffer_.size() - begin_;
    fill();
    search_from = n_pending;
  }
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  ++line_number_;
  if (is_all_ascii_) return true;
  if (line_number_ == 1 && line.starts_with(kByteOrderMark)) {
    line.remove_prefix(kByteOrderMark.size());
  }
  if (encoding_ == Encoding::Utf8 && !is_utf8(line)) fail_encoding(line);
  return true;
}

void LineReader::fail_encoding(std::string_view line) const {
  if (line_number_ == 1 && line.starts_with("\x89HDF")) {
    fail(ErrorKind::BadFormat, "{}: is an HDF5 file; expected text", path_.string());
  }
  std::string_view rest = line;
  for (std::uint32_t code = 0; take_utf8(rest, code);) {
  }
  const bool is_utf16 =
      line_number_ == 1 && (line.starts_with("\xFF\xFE") || line.starts_with("\xFE\xFF"));
  const std::string path = printable(path_.string());
  const std::string from = is_utf16 ? "UTF-16" : "WINDOWS-1252";
  fail(ErrorKind::BadFormat,
       "{}: is not text in UTF-8: its byte {} is 0x{:02X}. Write the file as UTF-8: {}", where(),
       line.size() - rest.size() + 1, static_cast<unsigned char>(rest.front()),
       path.ends_with(".gz")
           ? fmt::format("gzip -dc \"{}\" | iconv -f {} -t UTF-8 | gzip > utf8.gz", path, from)
           : fmt::format("iconv -f {} -t UTF-8 \"{}\" > utf8.txt", from, path));
}

std::string LineReader::where() const {
  return fmt::format("{}:{}", path_.string(), line_number_);
}

void split_fields(std::string_view line, char delimiter, std::vector<std::string_view>& fields) {
  fields.clear();
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = line.find(delimiter, begin);
    if (end == std::string_view::npos) break;
    fields.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  fields.push_back(line.substr(begin));
}

namespace {

template <typename Number>
bool parse_whole(std::string_view text, Number& value) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size() && !text.empty();
}

template <typename Number>
std::string shortest(Number value) {
  if (std::isnan(value)) return "nan";
  char text[64];
  const auto result = std::to_chars(text, text + sizeof text, value);
  return std::string(text, result.ptr);
}

}  // namespace

bool parse_number(std::string_view text, std::int64_t& value) {
  return parse_whole(text, value);
}
bool parse_number(std::string_view text, double& value) {
  return parse_whole(text, value);
}
std::string format_number(double value) {
  return shortest(value);
}
std::string format_number(float value) {
  return shortest(value);
}

std::int64_t parse_bytes(std::string_view text, std::string_view option) {
  static constexpr std::string_view kUnits = "KMGTkmgt";
  std::string_view number = text;
  double factor = 1;
  const auto unit = text.empty() ? std::string_view::npos : kUnits.find(text.back());
  if (unit != std::string_view::npos) {
    factor = std::pow(1024.0, static_cast<double>(unit % (kUnits.size() / 2) + 1));
    number.remove_suffix(1);
  }
  double value = 0;
  const bool is_number = parse_number(number, value);
  const double bytes = value * factor;
  if (!is_number || !(bytes >= 1) || bytes > 0x1p62) {
    fail(ErrorKind::InvalidArgument, "--{}: '{}' is no size; expected one as 500M, 2G or 1.5T",
         option, text);
  }
  return static_cast<std::int64_t>(bytes);
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  });
  return result;
}

std::string counted(std::int64_t n, std::string_view noun) {
  return std::to_string(n) + " " + std::string(noun) + (n == 1 ? "" : "s");
}

std::string read_file(const fs::path& path, std::int64_t max_bytes) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    fail(ErrorKind::NotFound, "{}: cannot be opened: it is a folder", path.string());
  }
  const int descriptor = open_input(path);
  std::string content;
  std::string block(std::size_t{1} << 18, '\0');
  ssize_t n_read = 0;
  while (std::ssize(content) <= max_bytes &&
         (n_read = read(descriptor, block.data(), block.size())) > 0) {
    content.append(block, 0, as_size(n_read));
  }
  close(descriptor);
  if (n_read < 0) fail(ErrorKind::BadFormat, "{}: cannot be read to its end", path.string());
  if (std::ssize(content) > max_bytes) {
    fail(ErrorKind::BadFormat, "{}: is larger than what is read of such a file, at most {} bytes",
         path.string(), max_bytes);
  }
  return content;
}

std::string read_head(const fs::path& path, std::size_t max_bytes) {
  std::error_code error;
  const gzFile file = fs::is_directory(path, error) ? nullptr : gzopen(path.c_str(), "rb");
  if (file == nullptr) {
    fail(ErrorKind::NotFound, "{}: cannot be opened: {}", path.string(), std::strerror(errno));
  }
  std::string head(max_bytes, '\0');
  const int n_read = gzread(file, head.data(), static_cast<unsigned>(max_bytes));
  gzclose(file);
  head.resize(n_read > 0 ? as_size(n_read) : 0);
  return head;
}

std::string printable(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // C1 controls are U+0080 to U+009F: in UTF-8 the byte C2 before 80 to 9F.
    const bool is_c1 = byte == 0xC2 && i + 1 < text.size() &&
                       static_cast<unsigned char>(text[i + 1]) >= 0x80 &&
                       static_cast<unsigned char>(text[i + 1]) <= 0x9F;
    if (is_c1) {
      clean += '?';
      ++i;
      continue;
    }
    std::string_view rest = text.substr(i);
    std::uint32_t code = 0;
    if (byte < 0x20 || byte == 0x7F || !take_utf8(rest, code)) {
      clean += '?';
      continue;
    }
    const std::size_t n_bytes = text.size() - i - rest.size();
    clean += text.substr(i, n_bytes);
    i += n_bytes - 1;
  }
  return clean;
}

// ---- writing --------------------------------------------------------------------------------

OutputFile::OutputFile(fs::path path, bool overwrite)
    : path_(std::move(path)), overwrite_(overwrite) {
  std::error_code error;
  if (fs::is_directory(path_, error)) {
    fail(ErrorKind::Output, "{}: is a folder; name a file", path_.string());
  }
  // A rename would put a file in the place of /dev/null, for everyone.
  const fs::file_status status = fs::status(path_, error);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    fail(ErrorKind::Output, "{}: is a device, pipe or socket; name a file", path_.string());
  }
  if (!overwrite && fs::exists(fs::symlink_status(path_, error))) {
    fail(ErrorKind::Output, "{}: exists already; choose another name or add --overwrite",
         path_.string());
  }
  // A link is written through: the file it names is made or replaced, the link stays.
  path_ = place_of_output(path_);
  const fs::path folder = path_.has_parent_path() ? path_.parent_path() : fs::path(".");
  std::string pattern = (folder / (".saithe-" + path_.filename().string() + ".XXXXXX")).string();
  const int descriptor = mkstemp(pattern.data());
  if (descriptor < 0) {
    fail(ErrorKind::Output, "{}: cannot be written: {} ({})", path_.string(), std::strerror(errno),
         folder.string());
  }
  // mkstemp makes the file private; give it the permissions of any new file.
  const mode_t mask = umask(0);
  umask(mask);
  const int changed = fchmod(descriptor, 0666 & ~mask);
  close(descriptor);
  temporary_ = pattern;
  is_pending_ = true;
  if (changed != 0) {
    fs::remove(temporary_, error);
    fail(ErrorKind::Output, "{}: cannot be written: {}", path_.string(), std::strerror(errno));
  }
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      overwrite_(other.overwrite_),
      is_pending_(std::exchange(other.is_pending_, false)) {}

OutputFile::~OutputFile() {
  if (!is_pending_) return;
  std::error_code ignored;
  fs::remove(temporary_, ignored);
}

void OutputFile::flush() const {
  SAITHE_ASSERT(is_pending_);
  const int descriptor = open(temporary_.c_str(), O_RDWR | O_CLOEXEC);
  const bool is_flushed = descriptor >= 0 && fsync(descriptor) == 0;
  const int flush_error = errno;
  if (descriptor >= 0) close(descriptor);
  if (!is_flushed) {
    fail(ErrorKind::Output, "{}: cannot be written: {}", path_.string(),
         std::strerror(flush_error));
  }
}

void OutputFile::require_place() const {
  std::error_code error;
  if (overwrite_ || !fs::exists(fs::symlink_status(path_, error))) return;
  fail(ErrorKind::Output, "{}: was made by another program meanwhile; nothing was replaced",
       path_.string());
}

void OutputFile::rename() {
  SAITHE_ASSERT(is_pending_);
  std::error_code error;
  fs::rename(temporary_, path_, error);
  if (error) {
    fail(ErrorKind::Output, "{}: cannot be renamed into place: {}", path_.string(),
         error.message());
  }
  is_pending_ = false;
}

void OutputFile::commit() {
  flush();
  require_place();
  rename();
  flush_folder_of(path_);
}

void flush_folder_of(const fs::path& file) {
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  const bool is_lost = fsync(descriptor) != 0 && errno == EIO;
  close(descriptor);
  if (is_lost) fail(ErrorKind::Output, "{}: cannot be written: the disk fails", file.string());
}

void write_file(const fs::path& path, std::string_view content, bool overwrite) {
  write_text(path, overwrite, [&](const PutText& put) { put(content); });
}

}  // namespace saithe
