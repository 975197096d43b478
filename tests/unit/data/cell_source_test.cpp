// Cells in memory: blocks, choices of cells and genes, and what counts are.

#include "saithe/data/cell_source.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/folder_for_test.h"
#include "support/random_cells.h"

namespace saithe {
namespace {

constexpr CellIndex kCells = 12;
constexpr GeneIndex kGenes = 9;

Dataset sample() {
  CsrMatrix counts = testing::random_cells(kCells, kGenes, 0.4, 1);
  for (float& value : counts.values) value = std::ceil(value);
  std::vector<std::string> cells;
  std::vector<std::string> genes;
  for (CellIndex c = 0; c < kCells; ++c) cells.push_back("cell" + std::to_string(c));
  for (GeneIndex g = 0; g < kGenes; ++g) genes.push_back("gene" + std::to_string(g));
  return Dataset("sample", std::move(counts), Table(cells), Table(genes));
}

float value_at(const CsrMatrix& matrix, CellIndex r, GeneIndex g) {
  const auto columns = matrix.view().row_columns(r);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i] == g) return matrix.view().row_values(r)[i];
  }
  return 0;
}

TEST(Dataset, BlocksOfAnySizeGiveTheWhole) {
  Dataset dataset = sample();
  for (const CellIndex block : {1, 5, 12}) {
    CsrMatrix whole;
    whole.n_cols = kGenes;
    for (CellIndex begin = 0; begin < kCells; begin += block) {
      const CellIndex end = std::min(kCells, begin + block);
      append_rows(whole, dataset.read_cells(begin, end, Context(1)).view());
    }
    EXPECT_EQ(whole.row_start, dataset.counts.row_start);
    EXPECT_EQ(whole.columns, dataset.counts.columns);
    EXPECT_EQ(whole.values, dataset.counts.values);
  }
}

TEST(Dataset, ChosenCellsAndGenesKeepTheirCountsAndNames) {
  const Dataset dataset = sample();
  const std::vector<CellIndex> cells = {7, 0, 3};
  const std::vector<GeneIndex> genes = {8, 2, 5};
  const Dataset chosen = select_genes(select_cells(dataset, cells), genes);
  ASSERT_EQ(chosen.n_cells(), 3);
  ASSERT_EQ(chosen.n_genes(), 3);
  EXPECT_NO_THROW(validate(chosen.counts.view(), "chosen"));
  for (CellIndex c = 0; c < 3; ++c) {
    EXPECT_EQ(chosen.obs().index()[as_size(c)], dataset.obs().index()[as_size(cells[as_size(c)])]);
    for (GeneIndex g = 0; g < 3; ++g) {
      EXPECT_EQ(value_at(chosen.counts, c, g),
                value_at(dataset.counts, cells[as_size(c)], genes[as_size(g)]));
    }
  }
  EXPECT_EQ(chosen.var().index(), (std::vector<std::string>{"gene8", "gene2", "gene5"}));
}

TEST(RequireCounts, TheFirstWrongValueIsNamed) {
  Dataset dataset = sample();
  EXPECT_NO_THROW(require_counts(dataset, dataset.counts.view(), 0, true, Context(2)));
  const auto column = dataset.counts.columns[as_size(dataset.counts.row_start[2])];
  const std::string gene = "'gene" + std::to_string(column) + "'";
  float& value = dataset.counts.values[as_size(dataset.counts.row_start[2])];
  for (const float wrong : {-1.0F, std::nanf(""), INFINITY}) {
    value = wrong;
    EXPECT_SAITHE_ERROR(require_counts(dataset, dataset.counts.view(), 0, false, Context(2)),
                        ErrorKind::BadFormat, "cell 'cell2' (row 2)");
    EXPECT_SAITHE_ERROR(require_counts(dataset, dataset.counts.view(), 0, false, Context(2)),
                        ErrorKind::BadFormat, gene);
  }
  value = 1.5F;
  EXPECT_NO_THROW(require_counts(dataset, dataset.counts.view(), 0, false, Context(2)));
  EXPECT_SAITHE_ERROR(require_counts(dataset, dataset.counts.view(), 0, true, Context(2)),
                      ErrorKind::BadFormat, "whole numbers");
}

TEST(RequireCounts, RowsOfABlockAreCountedFromTheFile) {
  Dataset dataset = sample();
  dataset.counts.values[as_size(dataset.counts.row_start[6])] = -2;
  const CsrMatrix block = dataset.read_cells(5, 10, Context(1));
  EXPECT_SAITHE_ERROR(require_counts(dataset, block.view(), 5, false, Context(2)),
                      ErrorKind::BadFormat, "(row 6)");
}

}  // namespace
}  // namespace saithe
