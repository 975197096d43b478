#pragma once

// What every longer computation receives: how many threads, which seed, whom to tell, when to stop.
//
// The library never prints: progress and warnings go to the callbacks. It never installs signal
// handlers: the caller sets `cancelled`, long loops poll it once per block or minibatch.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace saithe {

class ThreadTeam;

/// One report of progress: `done` of `total` units of the named stage.
struct ProgressUpdate {
  std::string_view stage;
  std::int64_t done = 0;
  std::int64_t total = 0;
};

/// 2 GiB.
inline constexpr std::int64_t kDefaultMemory = std::int64_t{2} << 30;

/// Threads, seed, callbacks and cancellation of one run; cheap to copy.
class Context {
 public:
  /// n_threads 0 takes available_threads(). Throws Error(InvalidArgument) if negative.
  explicit Context(int n_threads = 0, std::uint64_t seed = 0);

  [[nodiscard]] int n_threads() const { return n_threads_; }
  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  /// The same run with another seed: for one of several like computations.
  [[nodiscard]] Context with_seed(std::uint64_t seed) const {
    Context other = *this;
    other.seed_ = seed;
    return other;
  }
  [[nodiscard]] ThreadTeam& team() const { return *team_; }

  void report(std::string_view stage, std::int64_t done, std::int64_t total) const {
    if (on_progress) on_progress({stage, done, total});
  }
  void warn(const std::string& message) const {
    if (on_warning) on_warning(message);
  }
  [[nodiscard]] bool is_cancelled() const {
    return cancelled != nullptr && cancelled->load(std::memory_order_relaxed);
  }
  /// Throws Error(Cancelled) if the caller asked to stop.
  void throw_if_cancelled() const;

  /// Bytes that the values of cells may take in memory; what is more is left in files. Results do
  /// not depend on it.
  std::int64_t max_memory = kDefaultMemory;
  std::function<void(const ProgressUpdate&)> on_progress;
  std::function<void(const std::string&)> on_warning;
  const std::atomic<bool>* cancelled = nullptr;

 private:
  int n_threads_;
  std::uint64_t seed_;
  std::shared_ptr<ThreadTeam> team_;  // shared: copies of a Context run on the same threads
};

/// The processors this process may use: its affinity mask and the cgroup's quota.
int available_threads();

}  // namespace saithe
