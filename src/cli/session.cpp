#include "session.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "saithe/core/error.h"
#include "saithe/core/text_io.h"

namespace saithe::cli {
namespace {

std::atomic<bool> stop_requested = false;
std::atomic<int> stop_signal = 0;
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

extern "C" void on_signal(int signal) {
  if (stop_requested) {
    // A terminal that closes is told of twice, by the kernel and by the shell.
    if (signal != SIGHUP) _exit(128 + signal);
    return;
  }
  stop_signal = signal;
  stop_requested = true;
}

// A bar is drawn at most this often; without a terminal there is none.
constexpr auto kRedraw = std::chrono::milliseconds(100);
constexpr int kBarWidth = 30;

bool is_terminal() {
  const char* term = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && (term == nullptr || std::strcmp(term, "dumb") != 0);
}

}  // namespace

void catch_signals() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  // A closed terminal ends the run, unless nohup has asked it to go on.
  struct sigaction before = {};
  sigaction(SIGHUP, nullptr, &before);
  if (before.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);
  // A closed pipe and a file that may not grow are write errors like any other.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

namespace {

[[noreturn]] void fail_stdout() {
  // Not at once: files under construction are removed first.
  if (errno == EPIPE) throw ReaderHasGone();
  fail(ErrorKind::Output, "standard output cannot be written: {}", std::strerror(errno));
}

}  // namespace

void end_without_reader() {
  std::signal(SIGPIPE, SIG_DFL);
  std::raise(SIGPIPE);
  _exit(128 + SIGPIPE);  // where somebody blocks the signal
}

void write_stdout(const std::function<void(const PutText&)>& write) {
  errno = 0;
  write([](std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) fail_stdout();
  });
  if (std::fflush(stdout) != 0) fail_stdout();
}

void write_stdout(const std::string& text) {
  write_stdout([&](const PutText& put) { put(text); });
}

int cancelled_exit_code() {
  return 128 + (stop_requested ? stop_signal.load() : SIGINT);
}

std::int64_t peak_memory_bytes() {
  // getrusage() counts what the program had that started this one, too.
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::int64_t kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) return kilobytes * 1024;
  }
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return std::int64_t{usage.ru_maxrss} * 1024;
}

Session::Session(const CommonOptions& common)
    : common_(common),
      context_(common.threads, common.seed),
      has_terminal_(!common.quiet && is_terminal()) {
  context_.cancelled = &stop_requested;
  context_.max_memory = parse_bytes(common.memory, "memory");
  context_.on_warning = [this](const std::string& message) {
    clear_progress();
    const std::string line = "saithe: warning: " + printable(message) + "\n";
    std::fputs(line.c_str(), stderr);
    warnings_.push_back(message);
  };
  if (has_terminal_) {
    context_.on_progress = [this](const ProgressUpdate& update) { draw_progress(update); };
  }
}

Session::~Session() {
  clear_progress();
}

void Session::draw_progress(const ProgressUpdate& update) {
  const auto now = std::chrono::steady_clock::now();
  const bool is_done = update.done >= update.total;
  if (now - last_drawn_ < kRedraw || update.total <= 0) return;
  last_drawn_ = now;
  if (is_done) return clear_progress();
  const auto filled = static_cast<int>(kBarWidth * update.done / update.total);
  const std::string bar = std::string(static_cast<std::size_t>(filled), '#') +
                          std::string(static_cast<std::size_t>(kBarWidth - filled), '.');
  std::fprintf(stderr, "\r%s [%s] %3d %%\x1b[K", std::string(update.stage).c_str(), bar.c_str(),
               static_cast<int>(100 * update.done / update.total));
  std::fflush(stderr);
  is_drawn_ = true;
}

void Session::clear_progress() {
  if (!is_drawn_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  is_drawn_ = false;
}

kernels::Device Session::device() {
  if (!device_) {
    device_ = kernels::parse_device(common_.device);
    if (*device_ == kernels::Device::Auto) {
      device_ = kernels::best_device();
      if (device_->kind == kernels::DeviceKind::Cuda) {
        say(fmt::format("computing on {}, {} (--device cpu: on the processor)",
                        kernels::device_name(*device_),
                        kernels::make_backend(*device_, context_)->hardware()));
      }
    }
  }
  return *device_;
}

void Session::say(const std::string& line) {
  if (common_.quiet) return;
  clear_progress();
  std::fputs((line + "\n").c_str(), stderr);
}

void Session::commit_outputs() {
  outputs_.commit();
  for (const std::string& line : lines_when_written_) say(line);
  lines_when_written_.clear();
}

void Session::print(const std::string& line) {
  if (common_.quiet) return;
  clear_progress();
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}

void Session::end_stage(const std::string& name) {
  const auto now = std::chrono::steady_clock::now();
  stages_.emplace_back(name, std::chrono::duration<double>(now - stage_start_).count());
  stage_start_ = now;
}

double Session::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void Session::finish(std::int64_t n_cells) {
  say(fmt::format("{}, {:.1f} s, peak memory {} MB", counted(n_cells, "cell"), seconds(),
                  peak_memory_bytes() / 1000000));
}

}  // namespace saithe::cli
