#pragma once

// Threads that wait for jobs of numbered chunks; the machinery of parallel_for.

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace saithe {

/// n_threads - 1 workers beside the caller, started by the first job.
class ThreadTeam {
 public:
  explicit ThreadTeam(int n_threads) : n_threads_(n_threads) {}
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  /// Calls run_chunk(c) once for every c in [0, n_chunks), in ascending order of their start.
  void run(std::int64_t n_chunks, const std::function<void(std::int64_t)>& run_chunk);

 private:
  void start_workers();
  void work();
  void take_chunks();
  bool join();
  void leave();

  const int n_threads_;
  std::vector<std::thread> workers_;
  std::mutex caller_;  // one job at a time

  // The job. Written by the caller while no worker has joined; read by those who have.
  const std::function<void(std::int64_t)>* run_chunk_ = nullptr;
  std::int64_t n_chunks_ = 0;
  std::atomic<std::int64_t> next_chunk_ = 0;
  std::mutex failure_mutex_;
  std::exception_ptr failure_;
  std::int64_t failed_chunk_ = 0;

  // Workers in the job, or kClosed when nobody may join. A sleeping worker that comes late finds it
  // closed: the caller never waits for a worker to wake up.
  static constexpr int kClosed = 1 << 30;
  std::atomic<int> n_joined_ = kClosed;
  std::atomic<std::uint32_t> n_jobs_ = 0;  // counts up to wake the workers
  std::atomic<bool> is_stopping_ = false;
};

}  // namespace saithe
