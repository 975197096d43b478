#pragma once

// All kernels, each with a number: what is put in a queue is a number, and each runtime has a table
// of how it starts them.

#include <cstddef>
#include <type_traits>

#include "saithe/kernels/cuda/dense_kernels.h"
#include "saithe/kernels/cuda/logistic_kernels.h"
#include "saithe/kernels/cuda/loss_kernels.h"
#include "saithe/kernels/cuda/sparse_kernels.h"
#include "saithe/kernels/cuda/sparse_step.h"

namespace saithe::kernels::cuda {

template <typename... Kernels>
struct KernelList {
  static constexpr std::size_t kSize = sizeof...(Kernels);
  /// The number of a kernel.
  template <typename Kernel>
  static constexpr int index() {
    int found = -1;
    int i = 0;
    ((found = std::is_same_v<Kernel, Kernels> ? i : found, ++i), ...);
    return found;
  }
};

using AllKernels =
    KernelList<MultiplySmall, MultiplyLarge, ColumnSums<float>, ColumnSums<double>,
               ReluDropoutForward, ReluDropoutBackward, LayerNormForward, LayerNormBackward, Adam,
               Softmax, SoftmaxLoss<float>, SoftmaxLoss<double>, SumLosses, FindSegments,
               SortMinibatch, SparseForward, BiasStep, SparseStepOfFewRows, SparseStepOfManyRows,
               ShiftSums, FinishForward, SparseGradient, PackTiles, LogisticBase, LogisticLogits,
               LogisticGradient>;

/// How many blocks of how many threads, with how much shared memory.
struct Launch {
  std::uint32_t blocks_x = 1;
  std::uint32_t blocks_y = 1;
  std::uint32_t threads = 1;
  std::uint32_t shared_bytes = 0;

  bool operator==(const Launch&) const = default;
};

/// A kernel to start, with its arguments at an offset of the block of arguments.
struct Command {
  int kernel = 0;
  Launch launch;
  std::uint64_t arguments = 0;
  /// May run beside the commands after it that are not aside, up to one that joins; what is aside
  /// keeps its own order. What lies before it is done when it starts.
  bool is_aside = false;
  /// Waits for all that is aside before it.
  bool joins = false;

  bool operator==(const Command&) const = default;
};

}  // namespace saithe::kernels::cuda
