#include "saithe/core/temporary_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "saithe/core/error.h"
#include "saithe/core/types.h"

namespace saithe {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_file(const fs::path& folder, const char* what) {
  fail(ErrorKind::Output,
       "{}: a temporary file cannot be {}: {}. Set TMPDIR to a folder with room, or raise --memory",
       folder.string(), what, std::strerror(errno));
}

}  // namespace

TemporaryFile::TemporaryFile() {
  std::error_code error;
  folder_ = fs::temp_directory_path(error);
  if (error) {
    const char* wanted = std::getenv("TMPDIR");
    folder_ = wanted != nullptr ? wanted : "/tmp";
  }
  file_ = ::open(folder_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file_ >= 0) return;
  // Not every file system has nameless files.
  std::string name = (folder_ / "saithe-XXXXXX").string();
  file_ = ::mkostemp(name.data(), O_CLOEXEC);
  if (file_ < 0) fail_file(folder_, "made");
  ::unlink(name.c_str());
}

TemporaryFile::~TemporaryFile() {
  if (file_ >= 0) ::close(file_);
}

std::int64_t TemporaryFile::append(std::span<const unsigned char> bytes) {
  const std::int64_t begin = size_;
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(file_, bytes.data(), bytes.size(), size_);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail_file(folder_, "written");
    size_ += n;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return begin;
}

void TemporaryFile::read(std::int64_t position, std::span<unsigned char> bytes) const {
  SAITHE_ASSERT(position >= 0 && position + static_cast<std::int64_t>(bytes.size()) <= size_);
  while (!bytes.empty()) {
    const ssize_t n = ::pread(file_, bytes.data(), bytes.size(), position);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail_file(folder_, "read");
    position += n;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
}

}  // namespace saithe
