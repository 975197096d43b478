// The least that any Adam costs: arrays of the size of weights and both moments, read and written
// in place once a step, each thread on its own part. Training can hardly be faster than this.
//
//   update_floor N_PARAMETERS STEPS THREADS
//
// Prints {"seconds_per_step": ..., "gigabytes_per_second": ...}.

#include <sys/mman.h>

#include <barrier>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

/// Zeros in huge pages where the system has them, as saithe's weights lie.
float* allocate(std::size_t n) {
  constexpr std::size_t kHugePage = std::size_t{2} << 20;
  const std::size_t bytes = (n * sizeof(float) + kHugePage - 1) / kHugePage * kHugePage;
  void* memory = std::aligned_alloc(kHugePage, bytes);
  if (memory == nullptr) std::exit(1);
  madvise(memory, bytes, MADV_HUGEPAGE);
  auto* values = static_cast<float*>(memory);
  for (std::size_t i = 0; i < n; ++i) values[i] = 1.0F;
  return values;
}

void update(float* __restrict w, float* __restrict m, float* __restrict v, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    m[i] = 0.9F * m[i] + 1e-3F;
    v[i] = 0.999F * v[i] + 1e-6F;
    w[i] -= 1e-4F * m[i] * v[i];
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: update_floor N_PARAMETERS STEPS THREADS\n", stderr);
    return 2;
  }
  const std::size_t n = std::stoul(argv[1]);
  const std::size_t n_steps = std::stoul(argv[2]);
  const std::size_t n_threads = std::stoul(argv[3]);
  float* const w = allocate(n);
  float* const m = allocate(n);
  float* const v = allocate(n);
  using Clock = std::chrono::steady_clock;
  Clock::time_point start;
  std::barrier meet(static_cast<std::ptrdiff_t>(n_threads));
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < n_threads; ++t) {
    threads.emplace_back([&, t] {
      const std::size_t begin = n * t / n_threads;
      const std::size_t end = n * (t + 1) / n_threads;
      update(w + begin, m + begin, v + begin, end - begin);  // not timed: pages and caches warm up
      meet.arrive_and_wait();
      if (t == 0) start = Clock::now();
      for (std::size_t step = 0; step < n_steps; ++step) {
        meet.arrive_and_wait();
        update(w + begin, m + begin, v + begin, end - begin);
      }
      meet.arrive_and_wait();
    });
  }
  for (std::thread& thread : threads) thread.join();
  const double seconds =
      std::chrono::duration<double>(Clock::now() - start).count() / static_cast<double>(n_steps);
  std::printf("{\"seconds_per_step\": %.9f, \"gigabytes_per_second\": %.2f, \"check\": %g}\n",
              seconds, static_cast<double>(n) * 24e-9 / seconds,
              static_cast<double>(w[n / 2] + m[0] + v[n - 1]));
  return 0;
}
