#pragma once

// Dense products with a fixed order of addition: every element is a sum over k in ascending order,
// whatever the tile, the number of threads or the width of the vectors.
//
// An own kernel, not a BLAS: a BLAS promises neither the same bits for another height of the matrix
// nor a fast kernel for a processor that is newer than the library.

#include <cstdint>

#include "saithe/core/context.h"

namespace saithe::kernels::cpu {

/// y (B, O) = x (B, I) w (O, I)^T. Each row of y depends on its row of x alone, bit for bit.
void multiply_by_transposed(std::int64_t n_rows, std::int64_t n_in, std::int64_t n_out,
                            const float* x, const float* w, float* y, const Context& context);

/// dw (O, I) = dy (B, O)^T x (B, I).
void multiply_transposed(std::int64_t n_rows, std::int64_t n_in, std::int64_t n_out,
                         const float* dy, const float* x, float* dw, const Context& context);

/// dx (B, I) = dy (B, O) w (O, I).
void multiply(std::int64_t n_rows, std::int64_t n_in, std::int64_t n_out, const float* dy,
              const float* w, float* dx, const Context& context);

}  // namespace saithe::kernels::cpu
