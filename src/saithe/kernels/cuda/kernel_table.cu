#include "saithe/kernels/cuda/kernel_table.h"

#include <array>

#include "saithe/kernels/cuda/kernel_list.h"

namespace saithe::kernels::cuda {
namespace {

/// What a kernel sees of its thread.
class DeviceThread {
 public:
  __device__ std::int64_t block_x() const { return blockIdx.x; }
  __device__ std::int64_t block_y() const { return blockIdx.y; }
  __device__ int index() const { return static_cast<int>(threadIdx.x); }
  __device__ int count() const { return static_cast<int>(blockDim.x); }
  __device__ void* shared() const {
    extern __shared__ __align__(16) double memory[];  // for reads of 16 bytes
    return memory;
  }
  __device__ void sync() const { __syncthreads(); }
  __device__ void atomic_or(std::uint32_t* word, std::uint32_t bits) const { atomicOr(word, bits); }
};

/// A kernel reads its arguments from device memory: a recorded list then runs with others.
template <typename Kernel>
__global__ void run_kernel(const void* args) {
  const typename Kernel::Args copy = *static_cast<const typename Kernel::Args*>(args);
  DeviceThread thread;
  Kernel::run(copy, thread);
}

/// With so few registers that kBlocksPerProcessor blocks run beside one another. The arguments are
/// read where they are used.
template <typename Kernel>
__global__ void __launch_bounds__(Kernel::kThreads, Kernel::kBlocksPerProcessor)
    run_bounded_kernel(const void* args) {
  DeviceThread thread;
  Kernel::run(*static_cast<const typename Kernel::Args*>(args), thread);
}

template <typename Kernel>
const void* entry_of() {
  if constexpr (requires { Kernel::kBlocksPerProcessor; }) {
    return reinterpret_cast<const void*>(&run_bounded_kernel<Kernel>);
  } else {
    return reinterpret_cast<const void*>(&run_kernel<Kernel>);
  }
}

template <typename... Kernels>
std::array<const void*, sizeof...(Kernels)> table_of(KernelList<Kernels...> /*list*/) {
  return {entry_of<Kernels>()...};
}

}  // namespace

std::span<const void* const> kernel_table() {
  static const auto table = table_of(AllKernels());
  return table;
}

}  // namespace saithe::kernels::cuda
