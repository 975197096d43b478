#pragma once

// Small random inputs for the tests of kernels and networks.

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "saithe/core/random.h"
#include "saithe/matrix/csr_matrix.h"

namespace saithe::testing {

/// n uniform numbers in [-1, 1).
inline std::vector<float> random_values(std::size_t n, std::uint64_t stream) {
  const Random random(20, stream);
  std::vector<float> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = 2.0F * random.uniform_float(i) - 1.0F;
  return values;
}

inline std::vector<double> as_double(std::span<const float> values) {
  return {values.begin(), values.end()};
}

/// Sparse positive values, about `share` of them stored; every fifth cell is empty.
inline CsrMatrix random_cells(CellIndex n_cells, GeneIndex n_genes, double share,
                              std::uint64_t stream) {
  const Random random(21, stream);
  CsrMatrix cells;
  cells.n_rows = n_cells;
  cells.n_cols = n_genes;
  std::uint64_t index = 0;
  for (CellIndex c = 0; c < n_cells; ++c) {
    for (GeneIndex g = 0; g < n_genes; ++g) {
      const bool is_stored = random.uniform(index++) < share && c % 5 != 4;
      if (!is_stored) continue;
      cells.columns.push_back(g);
      cells.values.push_back(0.5F + 3.0F * random.uniform_float(index++));
    }
    cells.row_start.push_back(static_cast<RowPointer>(cells.columns.size()));
  }
  return cells;
}

/// Largest |a - b| over max(1, |b|).
inline double largest_error(std::span<const float> values, std::span<const double> expected) {
  double largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double scale = std::max(1.0, std::abs(expected[i]));
    largest = std::max(largest, std::abs(static_cast<double>(values[i]) - expected[i]) / scale);
  }
  return largest;
}

}  // namespace saithe::testing
