#pragma once

// Kernels of the dense layers and of everything elementwise. Sums run in a fixed order that does
// not depend on the number of rows: a row's bits depend on that row alone.

#include "saithe/core/random.h"
#include "saithe/kernels/cuda/thread.h"

namespace saithe::kernels::cuda {

/// Threads of an elementwise kernel's block.
inline constexpr int kElementThreads = 256;

/// What happens to a product before it is stored.
enum class Finish : std::int32_t { Nothing, ReluDropoutForward, ReluDropoutBackward };

/// max(value, 0), then dropout with the random number of element i.
SAITHE_DEVICE inline float relu_dropout(float value, std::int64_t i, const Random& random,
                                        float rate, float scale) {
  if (value < 0) value = 0;  // a NaN stays: a training that diverged is not to be hidden
  if (rate <= 0) return value;
  const bool is_kept = random.uniform_float(static_cast<std::uint64_t>(i)) >= rate;
  return is_kept ? value * scale : 0.0F;
}

/// A product and what belongs to it, whatever the tiles it is computed in.
struct MultiplyArgs {
  std::int64_t m;
  std::int64_t n;
  std::int64_t k;
  const float* a;
  std::int64_t a_row;
  std::int64_t a_col;
  const float* b;
  std::int64_t b_row;
  std::int64_t b_col;
  const float* bias;  // (n), added; null: none
  float* out;
  float* a_sums;  // (m), the sums of a's rows; null: not asked for
  Finish finish;
  float rate;   // of the dropout
  float scale;  // 1 / (1 - rate)
  Random random;
  const float* outputs;  // (m, n), for ReluDropoutBackward: what the layer below gave
};

/// out (m, n) = a (m, k) b (k, n), each with any strides. Each sum runs over k in its order, as on
/// the CPU: the bits of a result do not depend on the tile, and are those of the CPU.
///
/// A block has a tile of kRows x kCols, a thread kThreadRows x kThreadCols of it; kDepth of k lie
/// in shared memory at a time, while the next are on their way.
template <int kRows, int kCols, int kThreadRows, int kThreadCols, int kDepth>
struct Multiply {
  using Args = MultiplyArgs;
  static constexpr int kThreadsAcross = kCols / kThreadCols;
  static constexpr int kThreads = kRows / kThreadRows * kThreadsAcross;
  // Off the number of banks, and still aligned for what a thread reads at once.
  static constexpr int kRowStride = kRows + kThreadRows;
  static constexpr int kColStride = kCols + kThreadCols;
  static constexpr int kShared = kDepth * (kRowStride + kColStride);  // floats
  // Lengths of a thread's arrays.
  static constexpr std::size_t kRowSums = kThreadRows;
  static constexpr std::size_t kColSums = kThreadCols;
  static_assert(kThreads >= kRows);

  /// The tiles of `length` rows or columns.
  static constexpr std::int64_t n_tiles(std::int64_t length, std::int64_t width) {
    return (length + width - 1) / width;
  }
  static constexpr std::int64_t n_blocks(const Args& a) {
    return n_tiles(a.m, kRows) * n_tiles(a.n, kCols);
  }

  /// What a thread reads of shared memory at once.
  template <std::size_t kN>
  struct alignas(kN * sizeof(float)) Fragment {
    float values[kN];
  };
  template <std::size_t kN>
  SAITHE_DEVICE static Fragment<kN> read(const float* place) {
    return *reinterpret_cast<const Fragment<kN>*>(place);
  }

  /// What a thread copies of one operand: elements of the tile at hand, neighbours in memory by
  /// neighbours among the threads. They come in runs of kRun: `run` and `next` are the steps from
  /// run to run and within one.
  template <int kWidth, int kStride>
  struct Operand {
    static constexpr int kLoads = kWidth * kDepth / kThreads;
    static constexpr int kRun = kDepth > kThreads ? kDepth / kThreads : 1;
    static constexpr int kThreadRuns = kThreads > kDepth ? kThreads / kDepth : 1;
    static_assert(kThreads % kWidth == 0 && kWidth * kDepth % kThreads == 0);
    static_assert(kThreads % kDepth == 0 || kDepth % kThreads == 0);
    struct Steps {
      std::int64_t source;
      int i;
      int d;
    };
    const float* source;   // the thread's first element
    std::int64_t to_tile;  // from one tile to the next
    std::int64_t k_left;
    int n_inside;  // rows, or columns, of the tile that belong to the matrix
    int i;         // row, or column, and depth of the first element
    int d;
    Steps run;
    Steps next;
    float ahead[std::size_t{kLoads}];

    template <typename Thread>
    SAITHE_DEVICE Operand(const Thread& thread, const float* data, std::int64_t first,
                          std::int64_t length, std::int64_t step, std::int64_t k,
                          std::int64_t depth_step)
        : k_left(k) {
      if (depth_step == 1) {
        i = thread.index() / kDepth;
        d = thread.index() % kDepth;
        run = {kThreadRuns * step, kThreadRuns, 0};
        next = {kThreads, 0, kThreads};
      } else {
        constexpr int kDepthStep = kThreads / kWidth;
        i = thread.index() % kWidth;
        d = thread.index() / kWidth;
        run = {kRun * kDepthStep * depth_step, 0, kRun * kDepthStep};
        next = {kDepthStep * depth_step, 0, kDepthStep};
      }
      n_inside = length - first < kWidth ? static_cast<int>(length - first) : kWidth;
      source = data + (first + i) * step + d * depth_step;
      to_tile = kDepth * depth_step;
    }
    [[nodiscard]] SAITHE_DEVICE int i_of(int l) const {
      return i + l / kRun * run.i + l % kRun * next.i;
    }
    [[nodiscard]] SAITHE_DEVICE int d_of(int l) const {
      return d + l / kRun * run.d + l % kRun * next.d;
    }
    /// Asks for the next tile; zeros beyond the matrix.
    SAITHE_DEVICE void load() {
      const int depth = k_left < kDepth ? static_cast<int>(k_left) : kDepth;
      const float* at = source;  // step by step: few registers
      SAITHE_UNROLL
      for (int l = 0; l < kLoads; ++l) {
        ahead[l] = 0;
        if (i_of(l) < n_inside && d_of(l) < depth) ahead[l] = *at;
        at += (l + 1) % kRun == 0 ? run.source - (kRun - 1) * next.source : next.source;
      }
      source += to_tile;
      k_left -= kDepth;
    }
    SAITHE_DEVICE void store(float* tile) const {
      SAITHE_UNROLL
      for (int l = 0; l < kLoads; ++l) tile[d_of(l) * kStride + i_of(l)] = ahead[l];
    }
  };

  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    float* const a_tile = static_cast<float*>(thread.shared());
    float* const b_tile = a_tile + kDepth * kRowStride;
    const std::int64_t n_col_tiles = n_tiles(a.n, kCols);
    const std::int64_t first_row = thread.block_x() / n_col_tiles * kRows;
    const std::int64_t first_col = thread.block_x() % n_col_tiles * kCols;
    Operand<kRows, kRowStride> left(thread, a.a, first_row, a.m, a.a_row, a.k, a.a_col);
    Operand<kCols, kColStride> right(thread, a.b, first_col, a.n, a.b_col, a.k, a.b_row);
    const int row = thread.index() / kThreadsAcross * kThreadRows;
    const int col = thread.index() % kThreadsAcross * kThreadCols;
    const bool adds_row = a.a_sums != nullptr && first_col == 0 && thread.index() < kRows;
    float row_sum = 0;
    float sums[kRowSums][kColSums] = {};
    left.load();
    right.load();
    for (std::int64_t depth = 0; depth < a.k; depth += kDepth) {
      left.store(a_tile);
      right.store(b_tile);
      thread.sync();
      if (depth + kDepth < a.k) {  // on their way meanwhile
        left.load();
        right.load();
      }
      SAITHE_UNROLL_16
      for (int d = 0; d < kDepth; ++d) {
        const auto x = read<kRowSums>(a_tile + d * kRowStride + row);
        const auto y = read<kColSums>(b_tile + d * kColStride + col);
        SAITHE_UNROLL
        for (int i = 0; i < kThreadRows; ++i) {
          SAITHE_UNROLL
          for (int j = 0; j < kThreadCols; ++j) {
            sums[i][j] = multiply_add(x.values[i], y.values[j], sums[i][j]);
          }
        }
      }
      if (adds_row) {
        SAITHE_UNROLL_16
        for (int d = 0; d < kDepth; ++d) row_sum += a_tile[d * kRowStride + thread.index()];
      }
      thread.sync();
    }
    if (adds_row && first_row + thread.index() < a.m) {
      a.a_sums[first_row + thread.index()] = row_sum;
    }
    SAITHE_UNROLL
    for (int i = 0; i < kThreadRows; ++i) {
      SAITHE_UNROLL
      for (int j = 0; j < kThreadCols; ++j) {
        const std::int64_t r = first_row + row + i;
        const std::int64_t c = first_col + col + j;
        if (r < a.m && c < a.n) a.out[r * a.n + c] = finished(a, r * a.n + c, c, sums[i][j]);
      }
    }
  }
  SAITHE_DEVICE static float finished(const Args& a, std::int64_t i, std::int64_t col, float sum) {
    if (a.bias != nullptr) sum += a.bias[col];
    if (a.finish == Finish::ReluDropoutForward) {
      return relu_dropout(sum, i, a.random, a.rate, a.scale);
    }
    if (a.finish == Finish::ReluDropoutBackward) return a.outputs[i] > 0 ? sum * a.scale : 0.0F;
    return sum;
  }
};

/// For minibatches of tens of cells: many blocks.
using MultiplySmall = Multiply<8, 16, 1, 2, 128>;
/// For hundreds of cells and more: fewer reads of shared memory for each product.
using MultiplyLarge = Multiply<64, 32, 4, 4, 64>;

/// Sums of the columns of values (rows, n), or of their products with `factors`; for stretch y of
/// kStretch rows alone, at y * n.
template <typename Value>
struct ColumnSums {
  static constexpr int kCols = 32;
  static constexpr int kGroups = 8;
  static constexpr int kThreads = kCols * kGroups;
  static constexpr std::int64_t kStretch = 1024;
  struct Args {
    std::int64_t n_rows;
    std::int64_t n;
    const Value* values;
    const Value* factors;
    Value* out;
  };
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    Value* const shared = static_cast<Value*>(thread.shared());
    const std::int64_t col =
        static_cast<std::int64_t>(thread.block_x()) * kCols + thread.index() % kCols;
    const std::int64_t first = thread.block_y() * kStretch;
    const std::int64_t end = first + kStretch < a.n_rows ? first + kStretch : a.n_rows;
    Value sum = 0;
    if (col < a.n) {
      for (std::int64_t r = first + thread.index() / kCols; r < end; r += kGroups) {
        const Value value = a.values[r * a.n + col];
        sum =
            a.factors != nullptr ? multiply_add(value, a.factors[r * a.n + col], sum) : sum + value;
      }
    }
    shared[thread.index()] = sum;
    thread.sync();
    if (thread.index() >= kCols || col >= a.n) return;
    for (int group = 1; group < kGroups; ++group) sum += shared[group * kCols + thread.index()];
    a.out[thread.block_y() * a.n + col] = sum;
  }
};

/// max(y, 0), then dropout.
struct ReluDropoutForward {
  struct Args {
    std::int64_t n;
    Random random;
    float rate;
    float scale;
    float* y;
  };
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    const std::int64_t i = grid_index(thread);
    if (i < a.n) a.y[i] = relu_dropout(a.y[i], i, a.random, a.rate, a.scale);
  }
};

/// dy by the outputs y becomes dy by the inputs.
struct ReluDropoutBackward {
  struct Args {
    std::int64_t n;
    float scale;
    const float* y;
    float* dy;
  };
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    const std::int64_t i = grid_index(thread);
    if (i < a.n) a.dy[i] = a.y[i] > 0 ? a.dy[i] * a.scale : 0.0F;
  }
};

/// Threads of a kernel that has a block for each row.
inline constexpr int kRowThreads = 128;

/// Each row by its own mean and variance, in double.
struct LayerNormForward {
  struct Args {
    std::int64_t n_units;
    double epsilon;
    const float* gain;
    const float* bias;
    float* y;
    float* normalized;
    float* inverse_sd;
  };
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    double* const shared = static_cast<double*>(thread.shared());
    const std::int64_t row = thread.block_x();
    float* const y = a.y + row * a.n_units;
    float* const normalized = a.normalized + row * a.n_units;
    const auto n = static_cast<double>(a.n_units);
    double sum = 0;
    for (std::int64_t u = thread.index(); u < a.n_units; u += kRowThreads) {
      sum += static_cast<double>(y[u]);
    }
    const double mean = block_sum(thread, shared, sum) / n;
    double squares = 0;
    for (std::int64_t u = thread.index(); u < a.n_units; u += kRowThreads) {
      const double distance = static_cast<double>(y[u]) - mean;
      squares += distance * distance;
    }
    const double variance = block_sum(thread, shared, squares) / n;
    const double inverse_sd = 1.0 / sqrt(variance + a.epsilon);
    if (thread.index() == 0) a.inverse_sd[row] = static_cast<float>(inverse_sd);
    for (std::int64_t u = thread.index(); u < a.n_units; u += kRowThreads) {
      const auto value = static_cast<float>((static_cast<double>(y[u]) - mean) * inverse_sd);
      normalized[u] = value;
      y[u] = multiply_add(a.gain[u], value, a.bias[u]);
    }
  }
};

/// dy by the output of a normalised row becomes that by its input.
struct LayerNormBackward {
  struct Args {
    std::int64_t n_units;
    const float* gain;
    const float* normalized;
    const float* inverse_sd;
    float* dy;
  };
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    double* const shared = static_cast<double*>(thread.shared());
    const std::int64_t row = thread.block_x();
    float* const dy = a.dy + row * a.n_units;
    const float* const normalized = a.normalized + row * a.n_units;
    double sum = 0;
    double product = 0;
    for (std::int64_t u = thread.index(); u < a.n_units; u += kRowThreads) {
      const auto by_unit = static_cast<double>(a.gain[u] * dy[u]);
      sum += by_unit;
      product += by_unit * static_cast<double>(normalized[u]);
    }
    const auto n = static_cast<double>(a.n_units);
    const auto mean = static_cast<float>(block_sum(thread, shared, sum) / n);
    const auto slope = static_cast<float>(block_sum(thread, shared, product) / n);
    const float scale = a.inverse_sd[row];
    for (std::int64_t u = thread.index(); u < a.n_units; u += kRowThreads) {
      dy[u] = scale * (a.gain[u] * dy[u] - mean - normalized[u] * slope);
    }
  }
};

/// Constants of one Adam step, ready for the inner loop.
struct AdamConstants {
  float beta1;
  float one_minus_beta1;
  float beta2;
  float one_minus_beta2;
  float step_size;                 // learning rate / (1 - beta1^step)
  float inverse_root_correction2;  // 1 / sqrt(1 - beta2^step)
  float epsilon;
  float keep;  // 1 - learning rate * weight decay
};

/// Adam of one parameter: returns its new value, with the bits of the CPU's.
SAITHE_DEVICE inline float adam_update(const AdamConstants& adam, float gradient, float parameter,
                                       float& first_moment, float& second_moment) {
  const float m = multiply_add(adam.beta1, first_moment, adam.one_minus_beta1 * gradient);
  const float v =
      multiply_add(adam.beta2, second_moment, adam.one_minus_beta2 * (gradient * gradient));
  first_moment = m;
  second_moment = v;
  const float denominator = multiply_add(sqrtf(v), adam.inverse_root_correction2, adam.epsilon);
  return multiply_add(-adam.step_size, m / denominator, parameter * adam.keep);
}

/// A dense parameter whose Adam step begins at a block of the kernel.
struct AdamArrays {
  std::int64_t first_block;
  std::int64_t n;
  AdamConstants adam;
  const float* gradient;
  float* parameter;
  float* first_moment;
  float* second_moment;
};

/// Adam of dense parameters, one or several.
struct Adam {
  struct Args {
    std::int64_t n_arrays;
    const AdamArrays* arrays;
  };
  static constexpr std::int64_t n_blocks(std::int64_t n) {
    return (n + kElementThreads - 1) / kElementThreads;
  }
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    std::int64_t at = 0;
    while (at + 1 < a.n_arrays && a.arrays[at + 1].first_block <= thread.block_x()) ++at;
    const AdamArrays& own = a.arrays[at];
    const std::int64_t i = (thread.block_x() - own.first_block) * kElementThreads + thread.index();
    if (i >= own.n) return;
    own.parameter[i] = adam_update(own.adam, own.gradient[i], own.parameter[i], own.first_moment[i],
                                   own.second_moment[i]);
  }
};

}  // namespace saithe::kernels::cuda
