// Cells that stand twice in a reference are found by their values.

#include "saithe/classify/repeated_cells.h"

#include <gtest/gtest.h>

#include <numeric>

namespace saithe {
namespace {

/// Cells of 60 genes; `first_value` of each.
CsrMatrix cells_of(const std::vector<float>& first_values, GeneIndex n_genes = 60) {
  CsrMatrix cells;
  cells.n_cols = n_genes;
  for (const float value : first_values) {
    for (GeneIndex gene = 0; gene < n_genes; ++gene) {
      cells.columns.push_back(gene);
      cells.values.push_back(gene == 0 ? value : 1);
    }
    cells.row_start.push_back(std::ssize(cells.columns));
    ++cells.n_rows;
  }
  return cells;
}

RepeatedCells::Found find_in(const CsrMatrix& first, const CsrMatrix& second, int n_threads = 1) {
  RepeatedCells repeated;
  CellIndex begin = 0;
  for (const CsrMatrix* block : {&first, &second}) {
    std::vector<CellIndex> rows(as_size(block->n_rows));
    std::iota(rows.begin(), rows.end(), CellIndex{0});
    repeated.add(block->view(), rows, begin, Context(n_threads));
    begin += block->n_rows;
  }
  return repeated.find();
}

TEST(RepeatedCells, AreCountedAndTheFirstIsNamed) {
  const auto found = find_in(cells_of({5, 6, 7}), cells_of({8, 6, 5, 6}), 3);
  EXPECT_EQ(found.n_cells, 3);
  EXPECT_EQ(found.cell, 4);
  EXPECT_EQ(found.earlier, 1);
}

TEST(RepeatedCells, CellsThatDifferAreNone) {
  EXPECT_EQ(find_in(cells_of({1, 2, 3}), cells_of({4, 5})).n_cells, 0);
  EXPECT_EQ(find_in(cells_of({1}), cells_of({1}, 61)).n_cells, 0);
}

TEST(RepeatedCells, CellsOfFewGenesMayBeAlike) {
  const auto found = find_in(cells_of({1, 1, 1}, 49), cells_of({1}, 49));
  EXPECT_EQ(found.n_cells, 0);
  EXPECT_EQ(found.cell, -1);
}

}  // namespace
}  // namespace saithe
