#include "saithe/core/thread_team.h"

#include <utility>

namespace saithe {
namespace {

// Set in a thread that runs a chunk: a job inside a job runs where it is.
thread_local bool is_in_job = false;

// A worker looks for the next job this often before it sleeps: some ten microseconds, the pause
// between two operations of a training step.
constexpr int kSpins = 2000;

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

ThreadTeam::~ThreadTeam() {
  is_stopping_ = true;
  ++n_jobs_;
  n_jobs_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadTeam::start_workers() {
  while (static_cast<int>(workers_.size()) < n_threads_ - 1) {
    workers_.emplace_back([this] { work(); });
  }
}

void ThreadTeam::work() {
  std::uint32_t seen = 0;
  while (!is_stopping_) {
    int spins = 0;
    while (n_jobs_.load(std::memory_order_acquire) == seen && ++spins < kSpins) pause_briefly();
    n_jobs_.wait(seen, std::memory_order_acquire);
    seen = n_jobs_.load(std::memory_order_acquire);
    if (is_stopping_ || !join()) continue;
    take_chunks();
    leave();
  }
}

bool ThreadTeam::join() {
  int n = n_joined_.load(std::memory_order_relaxed);
  while (n < kClosed) {
    if (n_joined_.compare_exchange_weak(n, n + 1, std::memory_order_acquire)) return true;
  }
  return false;
}

void ThreadTeam::leave() {
  // Down to kClosed: the caller is waiting and this was the last worker.
  if (n_joined_.fetch_sub(1, std::memory_order_release) == kClosed + 1) n_joined_.notify_all();
}

void ThreadTeam::take_chunks() {
  is_in_job = true;
  for (;;) {
    const std::int64_t chunk = next_chunk_.fetch_add(1, std::memory_order_relaxed);
    if (chunk >= n_chunks_) break;
    try {
      (*run_chunk_)(chunk);
    } catch (...) {
      // Chunks start in ascending order, so every earlier one runs to its end and the failure that
      // is reported does not depend on the threads.
      const std::lock_guard lock(failure_mutex_);
      if (failure_ == nullptr || chunk < failed_chunk_) {
        failure_ = std::current_exception();
        failed_chunk_ = chunk;
      }
      next_chunk_ = n_chunks_;
    }
  }
  is_in_job = false;
}

void ThreadTeam::run(std::int64_t n_chunks, const std::function<void(std::int64_t)>& run_chunk) {
  const bool is_alone = n_threads_ == 1 || n_chunks <= 1 || is_in_job;
  std::unique_lock lock(caller_, std::defer_lock);
  if (is_alone || !lock.try_lock()) {  // another thread's job runs on this team
    for (std::int64_t chunk = 0; chunk < n_chunks; ++chunk) run_chunk(chunk);
    return;
  }
  start_workers();
  run_chunk_ = &run_chunk;
  n_chunks_ = n_chunks;
  next_chunk_ = 0;
  failure_ = nullptr;
  n_joined_.store(0, std::memory_order_release);
  n_jobs_.fetch_add(1, std::memory_order_release);
  n_jobs_.notify_all();
  take_chunks();
  int n = n_joined_.fetch_add(kClosed, std::memory_order_acquire) + kClosed;
  for (int spins = 0; n != kClosed; n = n_joined_.load(std::memory_order_acquire)) {
    if (++spins < 100 * kSpins) {
      pause_briefly();
    } else {
      n_joined_.wait(n, std::memory_order_acquire);
    }
  }
  if (failure_ != nullptr) std::rethrow_exception(std::exchange(failure_, nullptr));
}

}  // namespace saithe
