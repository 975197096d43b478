#pragma once

// Kernels of the dense layers and of everything elementwise. Sums run in a fixed order that does
// not depend on the number of rows: a row's bits depend on that row alone.

#include "saithe/core/random.h"
#include "saithe/kernels/cuda/thread.h"

namespace saithe::kernels::cuda {

/// Threads of an elementwise kernel's block.
inline constexpr int kElementThreads = 256;

/// Zeros.
struct Clear {
  struct Args {
    std::uint32_t* words;
    std::int64_t n;
  };
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    const std::int64_t i = grid_index(thread);
    if (i < a.n) a.words[i] = 0;
  }
};

/// out (m, n) = a (m, k) b (k, n), each with any strides; for chunk y of k alone, at chunk * m * n.
/// With one chunk the bias (n), if there is one, is added at once.
struct Multiply {
  static constexpr int kRows = 32;  // of a block's tile
  static constexpr int kCols = 64;
  static constexpr int kDepth = 16;  // of what lies in shared memory at a time
  static constexpr int kChunk = 128;
  static constexpr int kThreads = 128;  // 8 x 16, each with 4 x 4 of the tile
  static constexpr int kRowStride = kRows + 1;
  static constexpr int kColStride = kCols + 1;
  static constexpr int kShared = kDepth * (kRowStride + kColStride);  // floats

  struct Args {
    std::int64_t m;
    std::int64_t n;
    std::int64_t k;
    const float* a;
    std::int64_t a_row;
    std::int64_t a_col;
    const float* b;
    std::int64_t b_row;
    std::int64_t b_col;
    const float* bias;
    float* out;
  };

  /// The tiles of `length` rows or columns.
  static constexpr std::int64_t n_tiles(std::int64_t length, std::int64_t width) {
    return (length + width - 1) / width;
  }

  /// Copies a tile into shared memory as (depth, width), neighbours in memory by neighbours among
  /// the threads; zeros beyond the matrix.
  template <typename Thread>
  SAITHE_DEVICE static void load(const Thread& thread, const float* source, std::int64_t first,
                                 std::int64_t length, std::int64_t step, std::int64_t depth_first,
                                 std::int64_t depth_end, std::int64_t depth_step, int width,
                                 int stride, float* tile) {
    for (int e = thread.index(); e < width * kDepth; e += kThreads) {
      const int d = depth_step == 1 ? e % kDepth : e / width;
      const int i = depth_step == 1 ? e / kDepth : e % width;
      const std::int64_t at = first + i;
      const std::int64_t depth = depth_first + d;
      const bool is_inside = at < length && depth < depth_end;
      tile[d * stride + i] = is_inside ? source[at * step + depth * depth_step] : 0.0F;
    }
  }

  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    float* const a_tile = static_cast<float*>(thread.shared());
    float* const b_tile = a_tile + kDepth * kRowStride;
    const std::int64_t n_col_tiles = n_tiles(a.n, kCols);
    const std::int64_t first_row = thread.block_x() / n_col_tiles * kRows;
    const std::int64_t first_col = thread.block_x() % n_col_tiles * kCols;
    const std::int64_t chunk = thread.block_y();
    const std::int64_t k_end = (chunk + 1) * kChunk < a.k ? (chunk + 1) * kChunk : a.k;
    const int row = thread.index() / 16;
    const int col = thread.index() % 16;
    float sums[4][4] = {};
    for (std::int64_t depth = chunk * kChunk; depth < k_end; depth += kDepth) {
      load(thread, a.a, first_row, a.m, a.a_row, depth, k_end, a.a_col, kRows, kRowStride, a_tile);
      load(thread, a.b, first_col, a.n, a.b_col, depth, k_end, a.b_row, kCols, kColStride, b_tile);
      thread.sync();
      for (int d = 0; d < kDepth; ++d) {
        float left[4];
        float right[4];
        for (int i = 0; i < 4; ++i) left[i] = a_tile[d * kRowStride + row + 8 * i];
        for (int j = 0; j < 4; ++j) right[j] = b_tile[d * kColStride + col + 16 * j];
        for (int i = 0; i < 4; ++i) {
          for (int j = 0; j < 4; ++j) sums[i][j] = multiply_add(left[i], right[j], sums[i][j]);
        }
      }
      thread.sync();
    }
    for (int i = 0; i < 4; ++i) {
      for (int j = 0; j < 4; ++j) {
        const std::int64_t r = first_row + row + 8 * i;
        const std::int64_t c = first_col + col + 16 * j;
        if (r >= a.m || c >= a.n) continue;
        const float bias = a.bias != nullptr ? a.bias[c] : 0.0F;
        a.out[(chunk * a.m + r) * a.n + c] = sums[i][j] + bias;
      }
    }
  }
};

/// out (m, n) = the sum of the chunks of a product, in their order, and the bias (n) if there is
/// one.
struct SumChunks {
  struct Args {
    std::int64_t m;
    std::int64_t n;
    std::int64_t n_chunks;
    std::int64_t stride;  // of a row of the chunks
    const float* chunks;
    const float* bias;
    float* out;
  };
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    const std::int64_t i = grid_index(thread);
    if (i >= a.m * a.n) return;
    const std::int64_t col = i % a.n;
    const float* chunk = a.chunks + i / a.n * a.stride + col;
    float sum = 0;
    for (std::int64_t k = 0; k < a.n_chunks; ++k) sum += chunk[k * a.m * a.stride];
    a.out[i] = a.bias != nullptr ? sum + a.bias[col] : sum;
  }
};

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
    if (i >= a.n) return;
    float value = a.y[i];
    if (value < 0) value = 0;  // a NaN stays: a training that diverged is not to be hidden
    if (a.rate > 0) {
      const bool is_kept = a.random.uniform_float(static_cast<std::uint64_t>(i)) >= a.rate;
      value = is_kept ? value * a.scale : 0.0F;
    }
    a.y[i] = value;
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

/// Adam of a dense parameter.
struct Adam {
  struct Args {
    std::int64_t n;
    AdamConstants adam;
    const float* gradient;
    float* parameter;
    float* first_moment;
    float* second_moment;
  };
  template <typename Thread>
  SAITHE_DEVICE static void run(const Args& a, Thread& thread) {
    const std::int64_t i = grid_index(thread);
    if (i >= a.n) return;
    a.parameter[i] =
        adam_update(a.adam, a.gradient[i], a.parameter[i], a.first_moment[i], a.second_moment[i]);
  }
};

}  // namespace saithe::kernels::cuda
