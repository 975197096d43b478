#pragma once

// Weighted sums of the rows of a small table in double precision: what a linear model does with
// sparse cells, both ways.

#include <cstddef>
#include <cstdint>

#include "saithe/core/types.h"

namespace saithe::kernels::cpu {

/// The width of a table is a multiple of this many columns.
inline constexpr std::size_t kTableColumns = 8;

/// Width of a table with room for `n_columns`.
constexpr std::size_t padded_width(std::size_t n_columns) {
  return (n_columns + kTableColumns - 1) / kTableColumns * kTableColumns;
}

/// sum (width) += over i: values[i] * row rows[i] of `table` (any rows, width). The terms of each
/// column are added in the order of i: the same bits for any number of threads.
void add_weighted_rows(const float* values, const GeneIndex* rows, std::size_t n,
                       const double* table, std::size_t width, double* sum);

}  // namespace saithe::kernels::cpu
