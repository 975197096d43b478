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
// Before a loop over an array that is to stay in registers.
#define SAITHE_UNROLL _Pragma("unroll")
// Before a loop whose loads are to be on their way together.
#define SAITHE_UNROLL_16 _Pragma("unroll 16")
// Before a loop that is long enough as it is.
#define SAITHE_NO_UNROLL _Pragma("unroll 1")
#else
#define SAITHE_DEVICE
#define SAITHE_UNROLL
#define SAITHE_UNROLL_16
#define SAITHE_NO_UNROLL
#endif

namespace saithe::kernels::cuda {

/// Threads that take their steps together.
inline constexpr int kWarp = 32;

/// a * b + c, rounded once.
SAITHE_DEVICE inline float multiply_add(float a, float b, float c) {
  return fmaf(a, b, c);
}
SAITHE_DEVICE inline double multiply_add(double a, double b, double c) {
  return fma(a, b, c);
}

/// Tells the compiler that a pointer which comes out of memory leads into the device's: it then
/// does without the way by which shared memory could be reached, too.
template <typename T>
SAITHE_DEVICE inline T* on_device(T* pointer) {
#ifdef __CUDA_ARCH__
  __builtin_assume(__isGlobal(pointer));
#endif
  return pointer;
}

/// The number of set bits.
SAITHE_DEVICE inline int count_bits(std::uint32_t bits) {
#ifdef __CUDA_ARCH__
  return __popc(bits);
#else
  return __builtin_popcount(bits);
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
