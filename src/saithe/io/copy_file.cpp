#include "saithe/io/copy_file.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "saithe/core/error.h"
#include "saithe/core/types.h"

namespace saithe::io {
namespace {

/// An open file of the operating system.
struct Descriptor {
  explicit Descriptor(int opened) : number(opened) {}
  ~Descriptor() {
    if (number >= 0) close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number;
};

/// Copies inside the kernel, as far as it goes; both positions move along.
void copy_in_kernel(int from, int to) {
  static constexpr std::size_t kPiece = std::size_t{1} << 30;
  while (copy_file_range(from, nullptr, to, nullptr, kPiece, 0) > 0) continue;
}

}  // namespace

void copy_file_bytes(const std::filesystem::path& input, const std::filesystem::path& target,
                     const std::string& name) {
  static constexpr std::size_t kBlock = std::size_t{1} << 20;
  const Descriptor from(open(input.c_str(), O_RDONLY | O_CLOEXEC));
  if (from.number < 0) {
    fail(ErrorKind::NotFound, "{}: cannot be opened: {}", input.string(), std::strerror(errno));
  }
  const Descriptor to(open(target.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  if (to.number < 0) {
    fail(ErrorKind::Output, "{}: cannot be written: {}", name, std::strerror(errno));
  }
  if (ioctl(to.number, FICLONE, from.number) == 0) return;
  copy_in_kernel(from.number, to.number);
  // What is left: nothing, everything, or what the kernel stopped at, whose reason shows here.
  std::vector<char> block(kBlock);
  for (;;) {
    const ssize_t n_read = read(from.number, block.data(), kBlock);
    if (n_read < 0) {
      fail(ErrorKind::BadFormat, "{}: cannot be read: {}", input.string(), std::strerror(errno));
    }
    if (n_read == 0) return;
    for (ssize_t n_done = 0; n_done < n_read;) {
      const ssize_t n = write(to.number, block.data() + n_done, as_size(n_read - n_done));
      if (n < 0) {
        fail(ErrorKind::Output, "{}: cannot be written: {}", name, std::strerror(errno));
      }
      n_done += n;
    }
  }
}

void copy_permissions(const std::filesystem::path& from, const std::filesystem::path& to,
                      const std::string& name) {
  struct stat old = {};
  if (stat(from.c_str(), &old) != 0) {
    fail(ErrorKind::NotFound, "{}: cannot be opened: {}", from.string(), std::strerror(errno));
  }
  // A group that one is in may be given without being the superuser.
  if (chown(to.c_str(), old.st_uid, old.st_gid) != 0) {
    static_cast<void>(!chown(to.c_str(), static_cast<uid_t>(-1), old.st_gid));
  }
  struct stat changed = {};
  mode_t mode = old.st_mode & 07777;
  if (stat(to.c_str(), &changed) == 0) {
    const bool has_group = changed.st_gid == old.st_gid;
    if (!has_group || changed.st_uid != old.st_uid) mode &= ~static_cast<mode_t>(S_ISUID | S_ISGID);
    if (!has_group) mode &= ~static_cast<mode_t>(S_IRWXG) | (mode & S_IRWXO) << 3;
    if (chmod(to.c_str(), mode) == 0) return;
  }
  fail(ErrorKind::Output, "{}: cannot be written: {}", name, std::strerror(errno));
}

std::optional<std::string> why_read_only(const std::filesystem::path& path) {
  static constexpr mode_t kAnyonesWriting = S_IWUSR | S_IWGRP | S_IWOTH;
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0 && (errno == ENOENT || errno == ENOTDIR))
    return std::nullopt;
  if (access(path.c_str(), W_OK) != 0) return std::strerror(errno);
  if ((status.st_mode & kAnyonesWriting) == 0) return std::strerror(EACCES);
  return std::nullopt;
}

}  // namespace saithe::io
