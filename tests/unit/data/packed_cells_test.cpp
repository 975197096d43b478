// Selections of packed cells are those of the data set itself.

#include "saithe/data/packed_cells.h"

#include <gtest/gtest.h>

#include "support/marker_cells.h"

namespace saithe {
namespace {

void expect_same(const Dataset& a, const Dataset& b) {
  EXPECT_EQ(a.counts.row_start, b.counts.row_start);
  EXPECT_EQ(a.counts.columns, b.counts.columns);
  EXPECT_EQ(a.counts.values, b.counts.values);
  EXPECT_EQ(a.counts.n_cols, b.counts.n_cols);
  EXPECT_EQ(a.obs().index(), b.obs().index());
  EXPECT_EQ(a.var().index(), b.var().index());
  EXPECT_EQ(a.obs().as_text("cell_type"), b.obs().as_text("cell_type"));
  EXPECT_EQ(a.measured, b.measured);
  EXPECT_EQ(a.name(), b.name());
}

TEST(PackedCells, SelectAsTheDataSetDoes) {
  Dataset dataset = testing::marker_cells(50, 20, 3);
  dataset.measured.has_gene = {std::vector<bool>(20, true), std::vector<bool>(20, true)};
  dataset.measured.has_gene[1][4] = false;
  for (int cell = 0; cell < 50; ++cell) dataset.measured.source_of_cell.push_back(cell % 2);
  const Context context(2);
  PackedCells packed(dataset, context);
  expect_same(packed.unpack(context), dataset);

  const PackedCells copy = packed;
  const std::vector<CellIndex> cells = {40, 2, 3, 11};
  const std::vector<GeneIndex> genes = {1, 4, 5, 17, 19};
  packed.select_cells(cells);
  packed.select_genes(genes);
  Dataset expected = select_genes(select_cells(dataset, cells), genes);
  expect_same(packed.unpack(context), expected);

  const std::vector<CellIndex> fewer_cells = {3, 1};
  const std::vector<GeneIndex> fewer_genes = {0, 1, 4};
  packed.select_cells(fewer_cells);
  packed.select_genes(fewer_genes);
  expected = select_genes(select_cells(expected, fewer_cells), fewer_genes);
  expect_same(packed.unpack(context), expected);
  expect_same(copy.unpack(context), dataset);  // it shares the values, not the selection
}

}  // namespace
}  // namespace saithe
