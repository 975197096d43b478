#include "saithe/core/answer_memory.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <new>

#include "support/folder_for_test.h"

namespace saithe {
namespace {

/// A size of files that a process may not pass, taken back at the end.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now = {bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_ = {};
};

/// Has a child write n bytes and reads them; whether they are what it wrote.
bool passes(AnswerMemory& memory, std::size_t n) {
  const pid_t child = fork();
  if (child == 0) {
    memory.clear();
    std::memset(memory.grow(n / 2), 7, n / 2);
    std::memset(memory.grow(n - n / 2), 7, n - n / 2);
    _exit(memory.used() == n ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  const auto bytes = memory.answer(n);
  if (status != 0 || !bytes || bytes->size() != n) return false;
  for (const unsigned char byte : *bytes) {
    if (byte != 7) return false;
  }
  return true;
}

constexpr std::size_t kMega = std::size_t{1} << 20;

TEST(AnswerMemory, GrowsAndGivesBack) {
  AnswerMemory memory;
  EXPECT_GE(memory.descriptor(), 0);
  for (const std::size_t n : {std::size_t{10}, 100 * kMega, std::size_t{0}, 70 * kMega, kMega}) {
    EXPECT_TRUE(passes(memory, n)) << n;
    memory.shrink();
  }
  EXPECT_FALSE(memory.answer(100 * kMega).has_value());
}

// What it held before: SIGXFSZ ended the child, and the file that it read was called damaged.
TEST(AnswerMemory, IsLargerThanAnyFileMayBe) {
  const FileSizeLimit limit(kMega / 16);
  AnswerMemory memory;
  EXPECT_LT(memory.descriptor(), 0);
  for (const std::size_t n : {std::size_t{10}, 100 * kMega, std::size_t{0}, 70 * kMega, kMega}) {
    EXPECT_TRUE(passes(memory, n)) << n;
    memory.shrink();
  }
  EXPECT_THROW(memory.grow(std::size_t{1} << 60), std::bad_alloc);
}

TEST(AnswerMemory, LeavesMostOfLimitedAddresses) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers take addresses as they like";
#endif
  const FileSizeLimit limit(kMega);
  rlimit before = {};
  getrlimit(RLIMIT_AS, &before);
  const rlimit few = {rlim_t{1} << 30, before.rlim_max};
  setrlimit(RLIMIT_AS, &few);
  {
    AnswerMemory memory;
    EXPECT_TRUE(passes(memory, 200 * kMega));
    EXPECT_THROW(memory.grow(300 * kMega), std::bad_alloc);
  }
  setrlimit(RLIMIT_AS, &before);
}

TEST(AnswerMemory, TooManyOpenFilesAreNoBug) {
  EXPECT_SAITHE_ERROR(fail_of_system("memory of a child process", EMFILE), ErrorKind::NotFound,
                      "memory of a child process: too many files are open at once");
  EXPECT_SAITHE_ERROR(fail_of_system("no child process can be started", EAGAIN),
                      ErrorKind::NotFound, "Give fewer files at once");
  EXPECT_SAITHE_ERROR(fail_of_system("memory of a child process", ENOMEM), ErrorKind::Internal,
                      "memory of a child process: ");
}

}  // namespace
}  // namespace saithe
