#pragma once

// How a kernel sees the thread that runs it, so that the same source is compiled for a GPU and, by
// the tests, for the processor.
//
// A kernel is a struct with `Args`, a plain struct of values and device pointers, and
//   template <typename Thread> SAITHE_DEVICE static void run(const Args& args, Thread& thread);
// A Thread has block_x(), block_y(), index() and count() of threads in the block, sync(), which all
// threads of a block reach together, shared(), the block's memory, and atomic_or(). Device code
// calls nothing else: what is tested on the processor is then what the GPU runs, but for its speed
// and its memory order. Multiply-adds are written out (the compiler is told to make none), so that
// both round alike.

#include <cmath>
#include <cstdint>

#ifdef __CUDACC__
#define SAITHE_DEVICE __device__
#else
#define SAITHE_DEVICE
#endif

namespace saithe::kernels::cuda {

/// a * b + c, rounded once.
SAITHE_DEVICE inline float multiply_add(float a, float b, float c) {
  return fmaf(a, b, c);
}
SAITHE_DEVICE inline double multiply_add(double a, double b, double c) {
  return fma(a, b, c);
}

/// The place of the lowest set bit; `bits` is not 0.
SAITHE_DEVICE inline int lowest_bit(std::uint32_t bits) {
#ifdef __CUDA_ARCH__
  return __ffs(static_cast<int>(bits)) - 1;
#else
  return __builtin_ctz(bits);
#endif
}

/// The thread's place in a grid of blocks along x.
template <typename Thread>
SAITHE_DEVICE std::int64_t grid_index(const Thread& thread) {
  return static_cast<std::int64_t>(thread.block_x()) * thread.count() + thread.index();
}

/// The sum of what all threads of the block bring, in one order, at every thread. `shared` has room
/// for one value a thread; the number of threads is a power of two.
template <typename Thread>
SAITHE_DEVICE double block_sum(Thread& thread, double* shared, double value) {
  shared[thread.index()] = value;
  thread.sync();
  for (int half = thread.count() / 2; half > 0; half /= 2) {
    if (thread.index() < half) shared[thread.index()] += shared[thread.index() + half];
    thread.sync();
  }
  const double sum = shared[0];
  thread.sync();  // before the memory is used again
  return sum;
}

/// The largest of what all threads bring, at every thread.
template <typename Thread>
SAITHE_DEVICE double block_max(Thread& thread, double* shared, double value) {
  shared[thread.index()] = value;
  thread.sync();
  for (int half = thread.count() / 2; half > 0; half /= 2) {
    if (thread.index() < half && shared[thread.index() + half] > shared[thread.index()]) {
      shared[thread.index()] = shared[thread.index() + half];
    }
    thread.sync();
  }
  const double largest = shared[0];
  thread.sync();
  return largest;
}

}  // namespace saithe::kernels::cuda
