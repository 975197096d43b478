#include "saithe/core/answer_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <new>

#include "saithe/core/error.h"

namespace saithe {
namespace {

// What stays of the memory when an answer has been taken apart.
constexpr std::size_t kKeptBytes = std::size_t{1} << 26;
constexpr std::size_t kFirstBytes = std::size_t{1} << 16;
// Of the addresses that the process may have, where they are limited.
constexpr rlim_t kShareOfAddresses = 4;

bool is_limited(decltype(RLIMIT_FSIZE) resource, rlimit& limits) {
  return getrlimit(resource, &limits) == 0 && limits.rlim_cur != RLIM_INFINITY;
}

[[noreturn]] void fail_memory() {
  fail_of_system("memory of a child process", errno);
}

}  // namespace

void fail_of_system(const char* what, int why) {
  rlimit limits = {};
  if (why == EMFILE && getrlimit(RLIMIT_NOFILE, &limits) == 0) {
    fail(ErrorKind::NotFound,
         "{}: too many files are open at once, of {} that may be (an HDF5 file that is read takes "
         "3). Give fewer files, or allow more with ulimit -n.",
         what, limits.rlim_cur);
  }
  if (why == EAGAIN || why == ENFILE) {
    fail(ErrorKind::NotFound,
         "{}: {}: this machine gives no more of them (each HDF5 file that is read takes a process "
         "and 3 files). Give fewer files at once.",
         what, std::strerror(why));
  }
  fail(ErrorKind::Internal, "{}: {}", what, std::strerror(why));
}

int moved_up(int descriptor) {
  if (descriptor < 0 || descriptor > STDERR_FILENO) return descriptor;
  const int higher = fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  close(descriptor);
  return higher;
}

AnswerMemory::AnswerMemory() {
  rlimit limits = {};
  if (is_limited(RLIMIT_FSIZE, limits)) {
    reserve();
    return;
  }
  descriptor_ = moved_up(memfd_create("saithe-answers", MFD_CLOEXEC));
  if (descriptor_ < 0 || ftruncate(descriptor_, kFirstBytes) != 0) fail_memory();
  memory_ = mmap(nullptr, kFirstBytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
  if (memory_ == MAP_FAILED) fail_memory();
  mapped_ = kFirstBytes;
}

AnswerMemory::~AnswerMemory() {
  munmap(memory_, mapped_);
  if (!is_reserved()) close(descriptor_);
}

void AnswerMemory::reserve() {
  const auto pages = static_cast<std::size_t>(std::max(1L, sysconf(_SC_PHYS_PAGES)));
  std::size_t wanted = pages * static_cast<std::size_t>(sysconf(_SC_PAGE_SIZE));
  rlimit limits = {};
  if (is_limited(RLIMIT_AS, limits)) {
    wanted = std::min(wanted, static_cast<std::size_t>(limits.rlim_cur / kShareOfAddresses));
  }
  for (; wanted >= kFirstBytes; wanted /= 2) {
    memory_ = mmap(nullptr, wanted, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory_ == MAP_FAILED) continue;
    mapped_ = wanted;
    return;
  }
  fail_memory();
}

unsigned char* AnswerMemory::grow(std::size_t n) {
  if (n > mapped_ - used_) {
    if (is_reserved() || n > PTRDIFF_MAX - 2 * mapped_) throw std::bad_alloc();
    const std::size_t size = std::max(2 * mapped_, used_ + n);
    if (ftruncate(descriptor_, static_cast<off_t>(size)) != 0) throw std::bad_alloc();
    map(size);
  }
  used_ += n;
  return static_cast<unsigned char*>(memory_) + (used_ - n);
}

void AnswerMemory::clear() {
  used_ = 0;
  if (size() != mapped_) map(size());  // the reader may have given some back
}

std::optional<std::span<const unsigned char>> AnswerMemory::answer(std::size_t n) {
  if (n > size()) return std::nullopt;
  if (n > mapped_) map(size());
  read_ = std::max(read_, n);
  return std::span<const unsigned char>(static_cast<const unsigned char*>(memory_), n);
}

void AnswerMemory::shrink() {
  if (is_reserved()) {
    if (read_ <= kKeptBytes) return;
    static_cast<void>(madvise(static_cast<unsigned char*>(memory_) + kKeptBytes,
                              mapped_ - kKeptBytes, MADV_REMOVE));
    read_ = 0;
    return;
  }
  if (size() <= kKeptBytes) return;
  map(kKeptBytes);
  static_cast<void>(!ftruncate(descriptor_, kKeptBytes));
}

std::size_t AnswerMemory::size() const {
  if (is_reserved()) return mapped_;
  struct stat status = {};
  return fstat(descriptor_, &status) == 0 ? static_cast<std::size_t>(status.st_size) : 0;
}

void AnswerMemory::map(std::size_t size) {
  void* moved = mremap(memory_, mapped_, size, MREMAP_MAYMOVE);
  if (moved == MAP_FAILED) throw std::bad_alloc();
  memory_ = moved;
  mapped_ = size;
}

}  // namespace saithe
