#include "saithe/kernels/cpu/gemm.h"

#include <cblas.h>

#include <algorithm>
#include <cstring>

#include "saithe/core/aligned_vector.h"
#include "saithe/core/parallel.h"
#include "saithe/core/types.h"

namespace saithe::kernels::cpu {
namespace {

// Cells of a tile. A last, shorter tile is filled up with zeros, because a BLAS may add in another
// order when a tile is not full, and then a cell's result would depend on its neighbours.
constexpr std::int64_t kTileRows = 64;
constexpr std::int64_t kTileColumns = 64;

// Threads are ours: one thread of BLAS in each tile. The setting is the process's.
void use_one_blas_thread() {
  static const bool is_set = [] {
    openblas_set_num_threads(1);
    return true;
  }();
  static_cast<void>(is_set);
}

int as_int(std::int64_t size) {
  return checked_cast<int>(size, "matrix product");
}

}  // namespace

void multiply_by_transposed(std::int64_t n_rows, std::int64_t n_in, std::int64_t n_out,
                            const float* x, const float* w, float* y, const Context& context) {
  use_one_blas_thread();
  const std::int64_t n_row_tiles = (n_rows + kTileRows - 1) / kTileRows;
  const std::int64_t n_column_tiles = (n_out + kTileColumns - 1) / kTileColumns;
  parallel_for(context, n_row_tiles * n_column_tiles, 1, [&](std::int64_t tile, std::int64_t) {
    const std::int64_t row = tile / n_column_tiles * kTileRows;
    const std::int64_t column = tile % n_column_tiles * kTileColumns;
    const std::int64_t rows = std::min(kTileRows, n_rows - row);
    const std::int64_t columns = std::min(kTileColumns, n_out - column);
    const float* source = x + row * n_in;
    float* target = y + row * n_out + column;
    std::int64_t target_stride = n_out;
    AlignedVector<float> padded_source;
    AlignedVector<float> padded_target;
    if (rows < kTileRows) {
      padded_source.resize(as_size(kTileRows * n_in));
      std::copy_n(source, rows * n_in, padded_source.begin());
      padded_target.resize(as_size(kTileRows * columns));
      source = padded_source.data();
      target = padded_target.data();
      target_stride = columns;
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, as_int(kTileRows), as_int(columns),
                as_int(n_in), 1.0F, source, as_int(n_in), w + column * n_in, as_int(n_in), 0.0F,
                target, as_int(target_stride));
    if (rows < kTileRows) {
      for (std::int64_t r = 0; r < rows; ++r) {
        std::copy_n(target + r * columns, columns, y + (row + r) * n_out + column);
      }
    }
  });
}

void multiply_transposed(std::int64_t n_rows, std::int64_t n_in, std::int64_t n_out,
                         const float* dy, const float* x, float* dw, const Context& context) {
  use_one_blas_thread();
  parallel_for(context, n_out, kTileColumns, [&](std::int64_t begin, std::int64_t end) {
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, as_int(end - begin), as_int(n_in),
                as_int(n_rows), 1.0F, dy + begin, as_int(n_out), x, as_int(n_in), 0.0F,
                dw + begin * n_in, as_int(n_in));
  });
}

void multiply(std::int64_t n_rows, std::int64_t n_in, std::int64_t n_out, const float* dy,
              const float* w, float* dx, const Context& context) {
  use_one_blas_thread();
  static constexpr std::int64_t kInputs = 256;
  parallel_for(context, n_in, kInputs, [&](std::int64_t begin, std::int64_t end) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, as_int(n_rows), as_int(end - begin),
                as_int(n_out), 1.0F, dy, as_int(n_out), w + begin, as_int(n_in), 0.0F, dx + begin,
                as_int(n_in));
  });
}

}  // namespace saithe::kernels::cpu
