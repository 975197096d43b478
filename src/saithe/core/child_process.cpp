#include "saithe/core/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <new>
#include <optional>
#include <stdexcept>

#include "saithe/core/error.h"

namespace saithe {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kHasSanitizer = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kHasSanitizer = true;
#else
constexpr bool kHasSanitizer = false;
#endif
#else
constexpr bool kHasSanitizer = false;
#endif

// A wait on the clock, for a child that hangs without using the processor.
constexpr std::int64_t kClockPerCpu = 10;
// How often the child is looked at, should the end of its pipe be held open by a stranger.
constexpr int kLookMilliseconds = 200;

enum class State : int { Running, Finished, Failed, OutOfMemory };

/// What both processes see.
struct SharedPage {
  State state = State::Running;
  ErrorKind kind = ErrorKind::Internal;
  std::array<char, 4096> place{};
  std::array<char, 16384> message{};
};

template <std::size_t n>
void copy_text(std::string_view text, std::array<char, n>& to) {
  const std::size_t length = std::min(text.size(), n - 1);
  std::memcpy(to.data(), text.data(), length);
  to[length] = '\0';
}

class SharedMemory {
 public:
  SharedMemory()
      : memory_(mmap(nullptr, sizeof(SharedPage), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (memory_ == MAP_FAILED) {
      fail(ErrorKind::Internal, "memory of a child process: {}", std::strerror(errno));
    }
    page_ = new (memory_) SharedPage();
  }
  ~SharedMemory() { munmap(memory_, sizeof(SharedPage)); }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  [[nodiscard]] SharedPage& page() const { return *page_; }

 private:
  void* memory_;
  SharedPage* page_ = nullptr;
};

class SharedNotes final : public ChildNotes {
 public:
  explicit SharedNotes(SharedPage& page) : page_(page) {}
  void note(const std::string& place) override { copy_text(place, page_.place); }

 private:
  SharedPage& page_;
};

void limit(decltype(RLIMIT_CPU) resource, std::int64_t value) {
  rlimit both = {};
  if (getrlimit(resource, &both) != 0) return;
  both.rlim_cur = std::min(static_cast<rlim_t>(value), both.rlim_max);
  setrlimit(resource, &both);
}

/// Bytes of private memory that this process has.
std::int64_t private_bytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t pages = 0;
  for (int i = 0; i < 6; ++i) file >> pages;  // size, resident, shared, text, lib, data
  return file ? pages * sysconf(_SC_PAGE_SIZE) : 0;
}

/// Makes the copy a process that dies quietly, and with its parent.
void settle_in_child(pid_t parent, const ChildLimits& limits) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) raise(SIGKILL);
  for (const int crash : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGXCPU}) {
    std::signal(crash, SIG_DFL);
  }
  // These are the parent's to hear; a child that dies of them would look like one that crashed.
  for (const int request : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) std::signal(request, SIG_IGN);
  prctl(PR_SET_DUMPABLE, 0);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_CPU, limits.cpu_seconds);
  if (kHasSanitizer) return;  // they report on stderr, and take memory as they like
  if (limits.memory_bytes > 0) limit(RLIMIT_DATA, private_bytes() + limits.memory_bytes);
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere >= 0) dup2(nowhere, STDERR_FILENO);
}

[[noreturn]] void run_job(const std::function<void(ChildNotes&)>& job, SharedPage& page) {
  SharedNotes notes(page);
  try {
    job(notes);
    page.state = State::Finished;
  } catch (const Error& error) {
    page.kind = error.kind();
    copy_text(error.what(), page.message);
    page.state = State::Failed;
  } catch (const std::bad_alloc&) {
    page.state = State::OutOfMemory;
  } catch (const std::length_error&) {  // more than a vector can ever hold
    page.state = State::OutOfMemory;
  } catch (const std::exception& error) {
    copy_text(error.what(), page.message);
    page.state = State::Failed;
  }
  _exit(0);
}

/// Waits until the child has ended: its signal, or nothing if it had to be killed for its time.
std::optional<int> wait_for(pid_t child, int pipe_end, std::chrono::seconds most) {
  const auto last = std::chrono::steady_clock::now() + most;
  while (true) {
    pollfd end = {pipe_end, POLLIN, 0};
    const bool is_closed = poll(&end, 1, kLookMilliseconds) > 0;
    int status = 0;
    const pid_t ended = waitpid(child, &status, is_closed ? 0 : WNOHANG);
    if (ended == child) return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    // Where the host ignores SIGCHLD, only the shared page tells how it went.
    if (ended < 0 && errno != EINTR) return 0;
    if (std::chrono::steady_clock::now() < last) continue;
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return std::nullopt;
  }
}

}  // namespace

ChildReport run_in_child(const std::function<void(ChildNotes&)>& job, const ChildLimits& limits) {
  const SharedMemory shared;
  std::array<int, 2> ends = {-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    fail(ErrorKind::Internal, "pipe to a child process: {}", std::strerror(errno));
  }
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    settle_in_child(parent, limits);
    run_job(job, shared.page());
  }
  const int why = errno;
  close(ends[1]);
  if (child < 0) {
    close(ends[0]);
    fail(ErrorKind::Internal, "no child process can be started: {}", std::strerror(why));
  }
  const auto signal =
      wait_for(child, ends[0], std::chrono::seconds(limits.cpu_seconds * kClockPerCpu));
  close(ends[0]);

  const SharedPage& page = shared.page();
  ChildReport report{ChildEnd::Finished, signal.value_or(SIGKILL), page.place.data()};
  if (page.state == State::Failed) throw Error(page.kind, page.message.data());
  if (page.state == State::OutOfMemory) {
    report.end = ChildEnd::OutOfMemory;
  } else if (!signal || *signal == SIGXCPU) {
    report.end = ChildEnd::TooSlow;
  } else if (page.state != State::Finished || *signal != 0) {
    report.end = ChildEnd::Crashed;
  }
  return report;
}

}  // namespace saithe
