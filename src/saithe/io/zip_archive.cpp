#include "saithe/io/zip_archive.h"

#include <fcntl.h>
#include <libdeflate.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <utility>

#include "saithe/core/error.h"
#include "saithe/core/text_io.h"
#include "saithe/core/types.h"

namespace saithe::io {
namespace {

// PKWARE's APPNOTE 6.3, sections 4.3 and 4.5.
constexpr std::uint32_t kLocalHeader = 0x04034b50;
constexpr std::uint32_t kDirectoryHeader = 0x02014b50;
constexpr std::uint32_t kDirectoryEnd = 0x06054b50;
constexpr std::uint32_t kZip64Locator = 0x07064b50;
constexpr std::uint32_t kZip64End = 0x06064b50;
constexpr std::int64_t kEndBytes = 22;
constexpr std::int64_t kLocatorBytes = 20;
constexpr std::int64_t kZip64EndBytes = 56;
constexpr std::size_t kDirectoryHeaderBytes = 46;
constexpr std::int64_t kLocalHeaderBytes = 30;
constexpr std::int64_t kMaxCommentBytes = 65535;
constexpr std::uint32_t kInZip64 = 0xffffffff;
constexpr std::uint16_t kZip64Field = 1;
constexpr int kStored = 0;
constexpr int kDeflated = 8;
// No deflated byte stands for more than 1032.
constexpr std::int64_t kMaxRatio = 1032;

/// `n` bytes, the lowest first; the caller has checked that they are there.
std::uint64_t number_at(std::string_view bytes, std::size_t begin, std::size_t n) {
  std::uint64_t value = 0;
  for (std::size_t i = n; i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[begin + i]);
  }
  return value;
}

}  // namespace

RandomAccessFile::RandomAccessFile(const std::filesystem::path& path) : where_(path.string()) {
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status {};
  if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) {
    const int why = errno;
    if (descriptor_ >= 0) ::close(descriptor_);
    fail(ErrorKind::NotFound, "{}: cannot be opened for reading: {}", where_, std::strerror(why));
  }
  size_ = status.st_size;
}

RandomAccessFile::~RandomAccessFile() {
  ::close(descriptor_);
}

std::string RandomAccessFile::read(std::int64_t begin, std::int64_t n) const {
  if (begin < 0 || n < 0 || begin > size_ || n > size_ - begin) {
    fail(ErrorKind::BadFormat,
         "{}: {} bytes at {} are asked for, but the file has {}; it is damaged or cut off", where_,
         n, begin, size_);
  }
  std::string bytes(as_size(n), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::pread(descriptor_, bytes.data() + done, bytes.size() - done,
                                begin + static_cast<std::int64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      fail(ErrorKind::BadFormat, "{}: cannot be read at {}: {}", where_, begin,
           std::strerror(errno));
    }
    if (got == 0) fail(ErrorKind::BadFormat, "{}: cannot be read at {}", where_, begin);
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

bool is_zip(std::string_view head) {
  return head.size() >= 4 &&
         (number_at(head, 0, 4) == kLocalHeader || number_at(head, 0, 4) == kDirectoryEnd);
}

ZipArchive::ZipArchive(const std::filesystem::path& path) : where_(path.string()), file_(path) {
  read_directory();
}

void ZipArchive::fail_damaged(const std::string& what) const {
  fail(ErrorKind::BadFormat, "{}: {}; the zip archive is damaged or cut off", where_, what);
}

/// An entry of the directory; its header, name and extra fields lie inside of it.
ZipArchive::Entry ZipArchive::parse_entry(std::string_view directory, std::size_t at,
                                          std::size_t n_name, std::size_t n_extra) const {
  const auto size = static_cast<std::uint64_t>(file_.size());
  std::uint64_t stored_bytes = number_at(directory, at + 20, 4);
  std::uint64_t bytes = number_at(directory, at + 24, 4);
  std::uint64_t header = number_at(directory, at + 42, 4);
  // zip64: the values that do not fit 32 bits stand in an extra field, in this order.
  const std::size_t extra_end = at + kDirectoryHeaderBytes + n_name + n_extra;
  for (std::size_t e = at + kDirectoryHeaderBytes + n_name; e + 4 <= extra_end;) {
    const std::size_t n_field = number_at(directory, e + 2, 2);
    const std::size_t field_end = std::min(e + 4 + n_field, extra_end);
    if (number_at(directory, e, 2) == kZip64Field) {
      std::size_t f = e + 4;
      for (std::uint64_t* value : {&bytes, &stored_bytes, &header}) {
        if (*value != kInZip64 || f + 8 > field_end) continue;
        *value = number_at(directory, f, 8);
        f += 8;
      }
    }
    e += 4 + n_field;
  }
  if (stored_bytes > size || header > size || bytes / kMaxRatio > stored_bytes) {
    fail_damaged("an entry of its directory is larger than can be");
  }
  Entry entry;
  entry.header = static_cast<std::int64_t>(header);
  entry.stored_bytes = static_cast<std::int64_t>(stored_bytes);
  entry.bytes = static_cast<std::int64_t>(bytes);
  entry.checksum = static_cast<std::uint32_t>(number_at(directory, at + 16, 4));
  entry.method = static_cast<int>(number_at(directory, at + 10, 2));
  entry.is_encrypted = (number_at(directory, at + 8, 2) & 1) != 0;
  return entry;
}

void ZipArchive::read_directory() {
  const std::int64_t n_tail = std::min(file_.size(), kEndBytes + kMaxCommentBytes);
  const std::string tail = file_.read(file_.size() - n_tail, n_tail);
  std::int64_t end = n_tail - kEndBytes;
  while (end >= 0 && number_at(tail, as_size(end), 4) != kDirectoryEnd) --end;
  if (end < 0) fail_damaged("has no directory at its end");
  std::uint64_t n_entries = number_at(tail, as_size(end) + 10, 2);
  std::uint64_t n_bytes = number_at(tail, as_size(end) + 12, 4);
  std::uint64_t begin = number_at(tail, as_size(end) + 16, 4);
  if (end >= kLocatorBytes && number_at(tail, as_size(end - kLocatorBytes), 4) == kZip64Locator) {
    const std::uint64_t place = number_at(tail, as_size(end - kLocatorBytes) + 8, 8);
    if (place > static_cast<std::uint64_t>(file_.size())) fail_damaged("its zip64 end is outside");
    const std::string zip64 = file_.read(static_cast<std::int64_t>(place), kZip64EndBytes);
    if (number_at(zip64, 0, 4) != kZip64End)
      fail_damaged("its zip64 end is not where it should be");
    n_entries = number_at(zip64, 32, 8);
    n_bytes = number_at(zip64, 40, 8);
    begin = number_at(zip64, 48, 8);
  }
  const auto size = static_cast<std::uint64_t>(file_.size());
  if (begin > size || n_bytes > size - begin) fail_damaged("its directory is outside");
  const std::string directory =
      file_.read(static_cast<std::int64_t>(begin), static_cast<std::int64_t>(n_bytes));
  std::size_t at = 0;
  for (std::uint64_t i = 0; i < n_entries; ++i) {
    if (at + kDirectoryHeaderBytes > directory.size() ||
        number_at(directory, at, 4) != kDirectoryHeader) {
      fail_damaged(fmt::format("its directory has {} of {} entries", i, n_entries));
    }
    const std::size_t n_name = number_at(directory, at + 28, 2);
    const std::size_t n_extra = number_at(directory, at + 30, 2);
    const std::size_t next =
        at + kDirectoryHeaderBytes + n_name + n_extra + number_at(directory, at + 32, 2);
    if (next > directory.size()) fail_damaged("an entry of its directory is cut off");
    const Entry entry = parse_entry(directory, at, n_name, n_extra);
    entries_[directory.substr(at + kDirectoryHeaderBytes, n_name)] = entry;
    at = next;
  }
}

std::optional<std::int64_t> ZipArchive::size(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return std::nullopt;
  return found->second.bytes;
}

std::int64_t ZipArchive::place_of_content(const Entry& entry, const std::string& name) const {
  const std::string header = file_.read(entry.header, kLocalHeaderBytes);
  if (number_at(header, 0, 4) != kLocalHeader) {
    fail_damaged(fmt::format("{}: has no header", printable(name)));
  }
  return entry.header + kLocalHeaderBytes + static_cast<std::int64_t>(number_at(header, 26, 2)) +
         static_cast<std::int64_t>(number_at(header, 28, 2));
}

std::string ZipArchive::read(const std::string& name, std::int64_t begin, std::int64_t n) const {
  const Entry& entry = entries_.at(name);
  if (entry.is_encrypted || (entry.method != kStored && entry.method != kDeflated)) {
    fail(ErrorKind::BadFormat,
         "{}: {}: {}; stored and deflated entries are read. Pack the folder again without it.",
         where_, printable(name),
         entry.is_encrypted ? "is encrypted" : fmt::format("has the zip method {}", entry.method));
  }
  if (begin < 0 || n < 0 || begin > entry.bytes || n > entry.bytes - begin) {
    fail_damaged(fmt::format("{}: has {} bytes, {} at {} are asked for", printable(name),
                             entry.bytes, n, begin));
  }
  const std::int64_t place = place_of_content(entry, name);
  std::string content;
  if (entry.method == kStored) {
    if (entry.stored_bytes != entry.bytes) {
      fail_damaged(fmt::format("{}: has two sizes", printable(name)));
    }
    content = file_.read(place + begin, n);
    if (n < entry.bytes) return content;
  } else {
    const std::string stored = file_.read(place, entry.stored_bytes);
    content.resize(as_size(entry.bytes));
    const std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> inflater(
        libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
    std::size_t n_inflated = 0;
    if (libdeflate_deflate_decompress(inflater.get(), stored.data(), stored.size(), content.data(),
                                      content.size(), &n_inflated) != LIBDEFLATE_SUCCESS ||
        n_inflated != content.size()) {
      fail_damaged(fmt::format("{}: cannot be inflated", printable(name)));
    }
  }
  if (libdeflate_crc32(0, content.data(), content.size()) != entry.checksum) {
    fail_damaged(fmt::format("{}: its checksum is wrong", printable(name)));
  }
  return n == entry.bytes ? content : content.substr(as_size(begin), as_size(n));
}

void ZipArchive::unpack(const std::string& name, const std::filesystem::path& target,
                        const std::string& output) const {
  static constexpr std::int64_t kBlock = std::int64_t{1} << 26;
  const Entry& entry = entries_.at(name);
  std::ofstream file(target, std::ios::binary);
  std::uint32_t checksum = 0;
  const std::int64_t block = entry.method == kStored ? kBlock : std::max(entry.bytes, kBlock);
  for (std::int64_t begin = 0; begin < entry.bytes; begin += block) {
    const std::string part = read(name, begin, std::min(block, entry.bytes - begin));
    checksum = libdeflate_crc32(checksum, part.data(), part.size());
    file.write(part.data(), static_cast<std::streamsize>(part.size()));
  }
  if (checksum != entry.checksum) {
    fail_damaged(fmt::format("{}: its checksum is wrong", printable(name)));
  }
  errno = 0;
  file.close();
  if (!file) fail(ErrorKind::Output, "{}: cannot be written: {}", output, std::strerror(errno));
}

std::vector<std::string> ZipArchive::names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

}  // namespace saithe::io
