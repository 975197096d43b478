#include "saithe/kernels/cpu/gemm.h"

#include <algorithm>

#include "saithe/core/aligned_vector.h"
#include "saithe/core/parallel.h"
#include "saithe/core/types.h"
#include "saithe/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "saithe/kernels/cpu/gemm.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef SAITHE_KERNELS_CPU_GEMM_ONCE
#define SAITHE_KERNELS_CPU_GEMM_ONCE
namespace saithe::kernels::cpu {

/// A matrix borrowed with any strides: element (r, c) at data[r * row_stride + c * column_stride].
struct Strided {
  const float* data = nullptr;
  std::int64_t row_stride = 0;
  std::int64_t column_stride = 0;
};

/// Columns that a task packs and multiplies; a multiple of every panel width.
inline constexpr std::int64_t kTaskColumns = 64;
/// Rows of a task.
inline constexpr std::int64_t kTaskRows = 256;

}  // namespace saithe::kernels::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace saithe::kernels::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;

// Accumulators: rows x 2 vectors, as many as the registers hold beside the operands.
constexpr std::size_t kRowsAtOnce = HWY_TARGET <= HWY_AVX3 ? 12 : 4;

/// kRows rows of C from column `column` on, two vectors wide: c = a packed.
template <std::size_t kRows>
HWY_INLINE void MultiplyPanel(const Strided& a, std::int64_t row, std::int64_t n_k,
                              const float* HWY_RESTRICT panel, float* tile) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V sums[kRows][2];
  const float* a_row[kRows];
  for (std::size_t r = 0; r < kRows; ++r) {
    sums[r][0] = hn::Zero(d);
    sums[r][1] = hn::Zero(d);
    a_row[r] = a.data + (row + static_cast<std::int64_t>(r)) * a.row_stride;
  }
  for (std::int64_t k = 0; k < n_k; ++k) {
    const V b0 = hn::Load(d, panel);
    const V b1 = hn::Load(d, panel + lanes);
    panel += 2 * lanes;
    for (std::size_t r = 0; r < kRows; ++r) {
      const V value = hn::Set(d, *a_row[r]);
      a_row[r] += a.column_stride;
      sums[r][0] = hn::MulAdd(value, b0, sums[r][0]);
      sums[r][1] = hn::MulAdd(value, b1, sums[r][1]);
    }
  }
  for (std::size_t r = 0; r < kRows; ++r) {
    hn::Store(sums[r][0], d, tile + 2 * r * lanes);
    hn::Store(sums[r][1], d, tile + (2 * r + 1) * lanes);
  }
}

/// Columns [first, first + width) of b, all k, as (k, width) filled up with zero columns.
void Pack(const Strided& b, std::int64_t n_k, std::int64_t first, std::int64_t n_columns,
          std::int64_t width, float* packed) {
  if (n_columns < width) std::fill(packed, packed + n_k * width, 0.0F);
  if (b.column_stride == 1) {
    for (std::int64_t k = 0; k < n_k; ++k) {
      std::copy_n(b.data + k * b.row_stride + first, n_columns, packed + k * width);
    }
    return;
  }
  // Transposing: short runs of k, so that both sides stay in cache.
  static constexpr std::int64_t kRun = 16;
  for (std::int64_t k0 = 0; k0 < n_k; k0 += kRun) {
    const std::int64_t k1 = std::min(k0 + kRun, n_k);
    for (std::int64_t c = 0; c < n_columns; ++c) {
      const float* source = b.data + (first + c) * b.column_stride;
      for (std::int64_t k = k0; k < k1; ++k) packed[k * width + c] = source[k * b.row_stride];
    }
  }
}

/// Rows [row_begin, row_end) and columns [column_begin, column_end) of c = a b.
void MultiplyTile(const Strided& a, const Strided& b, std::int64_t n_k, std::int64_t row_begin,
                  std::int64_t row_end, std::int64_t column_begin, std::int64_t column_end,
                  float* packed, float* c, std::int64_t c_stride) {
  const auto width = 2 * static_cast<std::int64_t>(hn::Lanes(D()));
  HWY_ALIGN float tile[kRowsAtOnce * 2 * 16];
  for (std::int64_t column = column_begin; column < column_end; column += width) {
    const std::int64_t n_columns = std::min(width, column_end - column);
    Pack(b, n_k, column, n_columns, width, packed);
    const auto store = [&](std::int64_t row, std::int64_t n_rows) HWY_ATTR {
      for (std::int64_t r = 0; r < n_rows; ++r) {
        std::copy_n(tile + r * width, n_columns, c + (row + r) * c_stride + column);
      }
    };
    std::int64_t row = row_begin;
    constexpr auto kMany = static_cast<std::int64_t>(kRowsAtOnce);
    for (; row + kMany <= row_end; row += kMany) {
      MultiplyPanel<kRowsAtOnce>(a, row, n_k, packed, tile);
      store(row, kMany);
    }
    for (; row + 4 <= row_end; row += 4) {
      MultiplyPanel<4>(a, row, n_k, packed, tile);
      store(row, 4);
    }
    for (; row < row_end; ++row) {
      MultiplyPanel<1>(a, row, n_k, packed, tile);
      store(row, 1);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace saithe::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace saithe::kernels::cpu {

HWY_EXPORT(MultiplyTile);

namespace {

/// c (M, N) = a (M, K) b (K, N).
void product(std::int64_t n_rows, std::int64_t n_columns, std::int64_t n_k, const Strided& a,
             const Strided& b, float* c, const Context& context) {
  choose_simd_target();
  const std::int64_t n_row_tasks = (n_rows + kTaskRows - 1) / kTaskRows;
  const std::int64_t n_column_tasks = (n_columns + kTaskColumns - 1) / kTaskColumns;
  parallel_for(context, n_row_tasks * n_column_tasks, 1, [&](std::int64_t task, std::int64_t) {
    const std::int64_t row = task / n_column_tasks * kTaskRows;
    const std::int64_t column = task % n_column_tasks * kTaskColumns;
    AlignedVector<float> packed(as_size(n_k * 32));
    HWY_DYNAMIC_DISPATCH(MultiplyTile)
    (a, b, n_k, row, std::min(row + kTaskRows, n_rows), column,
     std::min(column + kTaskColumns, n_columns), packed.data(), c, n_columns);
  });
}

}  // namespace

void multiply_by_transposed(std::int64_t n_rows, std::int64_t n_in, std::int64_t n_out,
                            const float* x, const float* w, float* y, const Context& context) {
  product(n_rows, n_out, n_in, {x, n_in, 1}, {w, 1, n_in}, y, context);
}

void multiply_transposed(std::int64_t n_rows, std::int64_t n_in, std::int64_t n_out,
                         const float* dy, const float* x, float* dw, const Context& context) {
  product(n_out, n_in, n_rows, {dy, 1, n_out}, {x, n_in, 1}, dw, context);
}

void multiply(std::int64_t n_rows, std::int64_t n_in, std::int64_t n_out, const float* dy,
              const float* w, float* dx, const Context& context) {
  product(n_rows, n_in, n_out, {dy, n_out, 1}, {w, n_in, 1}, dx, context);
}

}  // namespace saithe::kernels::cpu
#endif  // HWY_ONCE
