#include "saithe/io/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "saithe/core/error.h"

namespace saithe::io {

FileLock::FileLock(const std::filesystem::path& path)
    : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  // That it cannot be opened is said by who reads it.
  if (descriptor_ < 0 || flock(descriptor_, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  close(descriptor_);
  fail(ErrorKind::Output,
       "{}: another program has it open for writing, whose changes would be lost. Close it there "
       "(AnnData's backed='r+', h5py's 'r+'), or write to another file with -o FILE.",
       path.string());
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace saithe::io
