#pragma once

// Sparse counts of any shape, for properties.

#include <rapidcheck.h>

#include <string>
#include <vector>

#include "saithe/data/cell_source.h"
#include "saithe/matrix/csr_matrix.h"

namespace saithe::testing {

/// Counts of n_cells x n_genes, about a third of them stored; cells without any counts happen.
inline CsrMatrix any_counts(CellIndex n_cells, GeneIndex n_genes) {
  CsrMatrix counts;
  counts.n_rows = n_cells;
  counts.n_cols = n_genes;
  for (CellIndex c = 0; c < n_cells; ++c) {
    const bool is_empty = *rc::gen::inRange(0, 8) == 0;
    for (GeneIndex g = 0; g < n_genes && !is_empty; ++g) {
      const int count = *rc::gen::inRange(-8, 5);
      if (count <= 0) continue;
      counts.columns.push_back(g);
      counts.values.push_back(static_cast<float>(count));
    }
    counts.row_start.push_back(static_cast<RowPointer>(counts.columns.size()));
  }
  return counts;
}

inline CellIndex any_number_of_cells() {
  return *rc::gen::inRange<CellIndex>(1, 24);
}
inline GeneIndex any_number_of_genes() {
  return *rc::gen::inRange<GeneIndex>(1, 24);
}

/// The numbers 0 to n - 1 in any order.
template <typename Index>
std::vector<Index> any_order(Index n) {
  std::vector<Index> order(as_size(n));
  for (Index i = 0; i < n; ++i) order[as_size(i)] = i;
  for (std::size_t i = order.size(); i-- > 1;) {
    std::swap(order[i], order[*rc::gen::inRange<std::size_t>(0, i + 1)]);
  }
  return order;
}

/// Cells c0, c1, ... and genes g0, g1, ... with these counts.
inline Dataset as_dataset(CsrMatrix counts) {
  std::vector<std::string> cells;
  std::vector<std::string> genes;
  for (CellIndex c = 0; c < counts.n_rows; ++c) cells.push_back("c" + std::to_string(c));
  for (GeneIndex g = 0; g < counts.n_cols; ++g) genes.push_back("g" + std::to_string(g));
  return Dataset("generated", std::move(counts), Table(std::move(cells)), Table(std::move(genes)));
}

inline bool are_equal(const CsrView& a, const CsrView& b) {
  if (a.n_rows != b.n_rows || a.n_cols != b.n_cols) return false;
  for (CellIndex r = 0; r < a.n_rows; ++r) {
    const auto same = [](auto x, auto y) {
      return std::equal(x.begin(), x.end(), y.begin(), y.end());
    };
    if (!same(a.row_columns(r), b.row_columns(r))) return false;
    if (!same(a.row_values(r), b.row_values(r))) return false;
  }
  return true;
}

}  // namespace saithe::testing

/// A property as a test: RapidCheck's report is the failure's message.
#define EXPECT_PROPERTY(name, ...) EXPECT_TRUE(rc::check(name, __VA_ARGS__))
