#include "saithe/io/file_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "saithe/core/error.h"

namespace saithe::io {

FileBytes::FileBytes(const std::filesystem::path& path)
    : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (descriptor_ < 0) {
    fail(ErrorKind::NotFound, "{}: cannot be opened: {}", path.string(), std::strerror(errno));
  }
}

FileBytes::FileBytes(int descriptor) : descriptor_(fcntl(descriptor, F_DUPFD_CLOEXEC, 0)) {
  if (descriptor_ < 0) {
    fail(ErrorKind::NotFound, "a file that is open cannot be opened again: {}",
         std::strerror(errno));
  }
}

FileBytes::~FileBytes() {
  close(descriptor_);
}

bool FileBytes::is_at(const std::filesystem::path& path) const {
  struct stat named = {};
  struct stat opened = {};
  return stat(path.c_str(), &named) == 0 && fstat(descriptor_, &opened) == 0 &&
         named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

bool FileBytes::read(std::int64_t first, std::span<unsigned char> bytes) const {
  while (!bytes.empty()) {
    const ssize_t n = pread(descriptor_, bytes.data(), bytes.size(), first);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    first += n;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace saithe::io
