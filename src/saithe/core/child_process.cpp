#include "saithe/core/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <mutex>
#include <new>
#include <optional>
#include <stdexcept>
#include <thread>

#include "saithe/core/answer_memory.h"
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
constexpr std::int64_t kClockPerCpu = 100;
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

/// A text that a harmed child may have left without its end.
template <std::size_t n>
std::string text_of(const std::array<char, n>& text) {
  return {text.data(), strnlen(text.data(), n)};
}

class SharedMemory {
 public:
  SharedMemory()
      : memory_(mmap(nullptr, sizeof(SharedPage), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (memory_ == MAP_FAILED) {
      fail_of_system("memory of a child process", errno);
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

/// Makes the copy a process that dies quietly.
void settle_in_child(const ChildLimits& limits) {
  for (const int crash : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGXCPU}) {
    std::signal(crash, SIG_DFL);
  }
  // A file that may not grow is an error of the call that wrote, not the end of the process.
  std::signal(SIGXFSZ, SIG_IGN);
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

/// Runs a job and writes down how it ended.
template <typename Job>
void run_job(const Job& job, SharedPage& page) {
  try {
    job();
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
    page.kind = ErrorKind::Internal;
    copy_text(error.what(), page.message);
    page.state = State::Failed;
  }
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

/// How a child ended that died of `signal` (0: of none), or of its time.
ChildReport report_of(SharedPage& page, std::optional<int> signal) {
  ChildReport report{ChildEnd::Finished, signal.value_or(SIGKILL), text_of(page.place)};
  if (page.state == State::OutOfMemory) {
    report.end = ChildEnd::OutOfMemory;
  } else if (!signal || *signal == SIGXCPU) {
    report.end = ChildEnd::TooSlow;
  } else if (page.state != State::Finished || *signal != 0) {
    report.end = ChildEnd::Crashed;
  }
  return report;
}

[[noreturn]] void throw_error_of(SharedPage& page) {
  throw Error(page.kind, text_of(page.message));
}

}  // namespace

ChildReport run_in_child(const std::function<void(ChildNotes&)>& job, const ChildLimits& limits) {
  const SharedMemory shared;
  std::array<int, 2> ends = {-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    fail_of_system("pipe to a child process", errno);
  }
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) raise(SIGKILL);
    settle_in_child(limits);
    SharedNotes notes(shared.page());
    run_job([&] { job(notes); }, shared.page());
    _exit(0);
  }
  const int why = errno;
  close(ends[1]);
  if (child < 0) {
    close(ends[0]);
    fail_of_system("no child process can be started", why);
  }
  const auto signal =
      wait_for(child, ends[0], std::chrono::seconds(limits.cpu_seconds * kClockPerCpu));
  close(ends[0]);

  if (shared.page().state == State::Failed) throw_error_of(shared.page());
  return report_of(shared.page(), signal);
}

// ---- a server ---------------------------------------------------------------------------------

namespace {

constexpr std::size_t kLongestQuestion = std::size_t{1} << 17;
/// Leaves the copy no file of its parent's but two (or one: -1 is none): what reads from a pipe
/// waits for all who hold its other end.
void close_all_but(int one, int other) {
  if (other < 0) other = one;
  const auto low = static_cast<unsigned>(std::min(one, other));
  const auto high = static_cast<unsigned>(std::max(one, other));
  if (low > STDERR_FILENO + 1) close_range(STDERR_FILENO + 1, low - 1, 0);
  if (high > low + 1) close_range(low + 1, high - 1, 0);
  close_range(high + 1, ~0U, 0);
  const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nowhere < 0) return;
  dup2(nowhere, STDIN_FILENO);
  dup2(nowhere, STDOUT_FILENO);
  close(nowhere);
}

/// Processor time that this process has used.
std::int64_t used_seconds() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec;
}

}  // namespace

class ChildServer::Process {
 public:
  Process(const Serve& serve, const ChildLimits& limits) : limits_(limits) {
    std::array<int, 2> ends = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
      fail_of_system("socket to a child process", errno);
    }
    for (int& end : ends) end = moved_up(end);
    child_ = fork();
    if (child_ == 0) {
      settle_in_child(limits);
      close_all_but(ends[1], answers_.descriptor());
      serve_questions(serve, ends[1]);
    }
    const int why = errno;
    close(ends[1]);
    socket_ = ends[0];
    if (child_ < 0) {
      close(socket_);
      fail_of_system("no child process can be started", why);
    }
  }
  ~Process() {
    close(socket_);
    if (!is_ended_) end(false);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  std::mutex mutex;
  /// The thread that has an answer: waiting for itself, it would wait for ever.
  std::atomic<std::thread::id> holder;

  /// With the mutex held.
  std::span<const unsigned char> ask(std::span<const unsigned char> question, ChildReport& report) {
    if (!is_ended_) {
      page_.page().state = State::Running;
      const auto n_bytes = exchange(question);
      if (n_bytes) {
        if (page_.page().state == State::Failed) throw_error_of(page_.page());
        const auto bytes = answers_.answer(*n_bytes);
        if (page_.page().state == State::Finished && bytes) {
          report = {ChildEnd::Finished, 0, text_of(page_.page().place)};
          return *bytes;
        }
        end(false);
        if (page_.page().state != State::OutOfMemory) report_.end = ChildEnd::Crashed;
      }
    }
    report = report_;
    return {};
  }
  void give_back() { answers_.shrink(); }

 private:
  /// Sends a question; the number of bytes of the answer, or nothing if the child has ended.
  std::optional<std::size_t> exchange(std::span<const unsigned char> question) {
    const auto last =
        std::chrono::steady_clock::now() + std::chrono::seconds(limits_.cpu_seconds * kClockPerCpu);
    ssize_t n = -1;
    do {
      n = send(socket_, question.data(), question.size(), MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    while (n >= 0) {
      pollfd one = {socket_, POLLIN, 0};
      if (poll(&one, 1, kLookMilliseconds) > 0) {
        std::uint64_t n_bytes = 0;
        const ssize_t n_read = recv(socket_, &n_bytes, sizeof n_bytes, 0);
        if (n_read == sizeof n_bytes) return n_bytes;
        if (n_read < 0 && errno == EINTR) continue;
        break;
      }
      siginfo_t info = {};
      const bool is_dead =
          waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
          info.si_pid == child_;
      if (is_dead) break;
      if (std::chrono::steady_clock::now() < last) continue;
      end(true);
      return std::nullopt;
    }
    end(false);
    return std::nullopt;
  }

  /// Ends the child, if it has not died already.
  void end(bool is_too_slow) {
    kill(child_, SIGKILL);
    int status = 0;
    while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
    is_ended_ = true;
    report_ = report_of(page_.page(), is_too_slow ? std::nullopt : std::optional(WTERMSIG(status)));
  }

  [[noreturn]] void serve_questions(const Serve& serve, int socket) {
    std::vector<unsigned char> question(kLongestQuestion);
    SharedNotes notes(page_.page());
    while (true) {
      const ssize_t n = recv(socket, question.data(), question.size(), 0);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) _exit(0);  // nobody is there to ask any more
      limit(RLIMIT_CPU, used_seconds() + 1 + limits_.cpu_seconds);
      run_job(
          [&] {
            answers_.clear();
            MessageReader reader({question.data(), static_cast<std::size_t>(n)}, "a question");
            serve(reader, answers_, notes);
          },
          page_.page());
      const std::uint64_t n_bytes = answers_.used();
      if (send(socket, &n_bytes, sizeof n_bytes, MSG_NOSIGNAL) < 0) _exit(0);
    }
  }

  ChildLimits limits_;
  SharedMemory page_;
  AnswerMemory answers_;
  pid_t child_ = -1;
  int socket_ = -1;
  bool is_ended_ = false;
  ChildReport report_;
};

ChildServer::ChildServer(const Serve& serve, const ChildLimits& limits)
    : process_(std::make_shared<Process>(serve, limits)) {}

ChildServer::~ChildServer() = default;

ChildServer::Answer::Answer(std::shared_ptr<Process> process, ChildReport how,
                            std::span<const unsigned char> bytes)
    : report(std::move(how)), content(bytes, report.place), process_(std::move(process)) {}

ChildServer::Answer::~Answer() {
  if (process_ == nullptr) return;
  process_->give_back();
  process_->holder = std::thread::id();
  process_->mutex.unlock();
}

ChildServer::Answer ChildServer::ask(const OwnMessage& question) {
  if (question.bytes().size() > kLongestQuestion) {
    fail(ErrorKind::BadFormat, "a name of {} bytes is too long", question.bytes().size());
  }
  if (process_->holder == std::this_thread::get_id()) {
    fail(ErrorKind::Internal, "a child process was asked while its last answer was being read");
  }
  std::unique_lock lock(process_->mutex);
  ChildReport report;
  const auto bytes = process_->ask(question.bytes(), report);
  process_->holder = std::this_thread::get_id();
  lock.release();
  return {process_, std::move(report), bytes};
}

}  // namespace saithe
