#pragma once

// Kernels of the logistic regression: sparse cells times a dense table of types and its transpose,
// in double, each sum in a fixed order.

#include "saithe/kernels/cuda/minibatch_kernels.h"

namespace saithe::kernels::cuda {

/// base (n_types) = bias - the sum over genes of shift * weight; a block for each type.
struct LogisticBase {
  static constexpr int kThreads = 256;
  struct Args {
    std::int64_t n_genes;
    std::int64_t n_types;
    const double* x;  // weights (n_genes, n_types), then biases
    const float* shift;
    double* base;
  };
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    const std::int64_t type = thread.block_x();
    double sum = 0;
    for (std::int64_t gene = thread.index(); gene < a.n_genes; gene += kThreads) {
      sum = multiply_add(static_cast<double>(a.shift[gene]), a.x[gene * a.n_types + type], sum);
    }
    sum = block_sum(thread, static_cast<double*>(thread.shared()), sum);
    if (thread.index() == 0) a.base[type] = a.x[a.n_genes * a.n_types + type] - sum;
  }
};

/// logits (cells, n_types) = base + x W; a thread for each cell and type.
struct LogisticLogits {
  struct Args {
    std::int64_t n_cells;
    std::int64_t n_types;
    DeviceRows cells;
    const double* x;
    const double* base;
    double* logits;
  };
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    const std::int64_t i = grid_index(thread);
    if (i >= a.n_cells * a.n_types) return;
    const std::int64_t cell = i / a.n_types;
    const std::int64_t type = i % a.n_types;
    double sum = a.base[type];
    const std::int64_t end = a.cells.end[cell];
    for (std::int64_t k = a.cells.begin[cell]; k < end; ++k) {
      sum = multiply_add(static_cast<double>(a.cells.values[k]),
                         a.x[a.cells.columns[k] * a.n_types + type], sum);
    }
    a.logits[i] = sum;
  }
};

/// gradient (n_genes, n_types) = penalty W - shift * bias slopes + x^T slopes; a block for each
/// gene, whose groups of threads share its cells.
struct LogisticGradient {
  static constexpr int kTypes = 8;
  static constexpr int kGroups = 32;
  static constexpr int kThreads = kTypes * kGroups;
  struct Args {
    std::int64_t n_types;
    DeviceRows genes;  // columns are cells
    const float* shift;
    double penalty;
    const double* x;
    const double* slopes;  // (cells, n_types)
    const double* bias_slopes;
    double* gradient;
  };
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    double* const shared = static_cast<double*>(thread.shared());
    const std::int64_t gene = thread.block_x();
    const int group = thread.index() / kTypes;
    const std::int64_t end = a.genes.end[gene];
    for (std::int64_t first = 0; first < a.n_types; first += kTypes) {
      const std::int64_t type = first + thread.index() % kTypes;
      double sum = 0;
      for (std::int64_t k = a.genes.begin[gene] + group; type < a.n_types && k < end;
           k += kGroups) {
        sum = multiply_add(static_cast<double>(a.genes.values[k]),
                           a.slopes[a.genes.columns[k] * a.n_types + type], sum);
      }
      shared[thread.index()] = sum;
      thread.sync();
      if (group == 0 && type < a.n_types) {
        const std::int64_t at = gene * a.n_types + type;
        double total =
            a.penalty * a.x[at] - static_cast<double>(a.shift[gene]) * a.bias_slopes[type];
        for (int g = 0; g < kGroups; ++g) total += shared[g * kTypes + thread.index()];
        a.gradient[at] = total;
      }
      thread.sync();
    }
  }
};

}  // namespace saithe::kernels::cuda
