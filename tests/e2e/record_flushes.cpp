// Loaded into the program before its libraries: writes a line for every copy by reference, flush
// and rename to the file that RECORD_FLUSHES names, then does what was asked for.
//
//   clone FROM TO | flush PATH | flush_all FOLDER | rename FROM TO | exchange PATH PATH

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

std::string path_of(int descriptor) {
  char path[4096];
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const ssize_t length = readlink(link.c_str(), path, sizeof path);
  return length < 0 ? "?" : std::string(path, static_cast<std::size_t>(length));
}

void record(const std::string& line) {
  const char* name = std::getenv("RECORD_FLUSHES");
  if (name == nullptr) return;
  std::FILE* file = std::fopen(name, "a");
  if (file == nullptr) std::abort();
  std::fprintf(file, "%s\n", line.c_str());
  std::fclose(file);
}

template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

int fsync(int descriptor) {
  record("flush " + path_of(descriptor));
  return next<int (*)(int)>("fsync")(descriptor);
}

int syncfs(int descriptor) noexcept {
  record("flush_all " + path_of(descriptor));
  return next<int (*)(int)>("syncfs")(descriptor);
}

int rename(const char* from, const char* to) noexcept {
  record(std::string("rename ") + from + " " + to);
  return next<int (*)(const char*, const char*)>("rename")(from, to);
}

int ioctl(int descriptor, unsigned long request, ...) noexcept {
  std::va_list arguments;
  va_start(arguments, request);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  if (request == FICLONE) {
    const int from = static_cast<int>(reinterpret_cast<long>(argument));
    record("clone " + path_of(from) + " " + path_of(descriptor));
  }
  return next<int (*)(int, unsigned long, void*)>("ioctl")(descriptor, request, argument);
}

long syscall(long number, ...) noexcept {
  std::va_list arguments;
  va_start(arguments, number);
  long values[6];
  for (long& value : values) value = va_arg(arguments, long);
  va_end(arguments);
  if (number == SYS_renameat2) {
    const bool exchanges = (values[4] & RENAME_EXCHANGE) != 0;
    record(std::string(exchanges ? "exchange " : "rename ") +
           reinterpret_cast<const char*>(values[1]) + " " +
           reinterpret_cast<const char*>(values[3]));
  }
  return next<long (*)(long, ...)>("syscall")(number, values[0], values[1], values[2], values[3],
                                              values[4], values[5]);
}
}
