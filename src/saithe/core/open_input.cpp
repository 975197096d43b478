#include "saithe/core/open_input.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include "saithe/core/error.h"

namespace saithe {
namespace {

/// Whether it is a pipe that has a name in a folder: such a one may be opened before its writer.
bool is_named_pipe(int descriptor) {
  struct stat status {};
  struct statfs system {};
  return fstat(descriptor, &status) == 0 && S_ISFIFO(status.st_mode) &&
         (fstatfs(descriptor, &system) != 0 || system.f_type != PIPEFS_MAGIC);
}

/// Whether bytes come to be there, or somebody holds the pipe open for writing. Takes nothing out
/// of the pipe: a copy of a byte goes into another.
bool has_writer(int pipe, std::chrono::milliseconds wait) {
  constexpr auto kPause = std::chrono::milliseconds(5);
  std::array<int, 2> copy{};
  if (pipe2(copy.data(), O_CLOEXEC | O_NONBLOCK) != 0) return true;
  ssize_t n = 0;
  const auto end = std::chrono::steady_clock::now() + wait;
  for (;;) {
    n = tee(pipe, copy[1], 1, SPLICE_F_NONBLOCK);  // 0: no byte, and no writer
    if (n != 0 || std::chrono::steady_clock::now() >= end) break;
    std::this_thread::sleep_for(kPause);
  }
  close(copy[0]);
  close(copy[1]);
  return n != 0;
}

}  // namespace

int open_input(const std::filesystem::path& path, std::chrono::milliseconds wait) {
  // Without waiting: of a named pipe open() would wait for a writer.
  const int descriptor = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) {
    fail(ErrorKind::NotFound, "{}: cannot be opened: {}", path.string(), std::strerror(errno));
  }
  if (is_named_pipe(descriptor) && !has_writer(descriptor, wait)) {
    close(descriptor);
    fail(ErrorKind::BadFormat,
         "{}: is a pipe to which nobody writes. Start what writes it first, or write the content "
         "to a file and name that",
         path.string());
  }
  fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK);
  return descriptor;
}

void require_rereadable(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::file_type type = fs::status(path, error).type();
  const bool is_stream = type == fs::file_type::fifo || type == fs::file_type::socket ||
                         type == fs::file_type::character || type == fs::file_type::block;
  if (!is_stream) return;
  fail(ErrorKind::BadFormat,
       "{}: is a {}, not a file: it gives its content only once, and it is read several times. "
       "Write the content to a file and name that",
       path.string(),
       type == fs::file_type::fifo     ? "pipe"
       : type == fs::file_type::socket ? "socket"
                                       : "device");
}

}  // namespace saithe
