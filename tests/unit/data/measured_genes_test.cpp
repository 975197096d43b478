// MeasuredGenes: selection keeps who has what, and what is complete says so.

#include "saithe/data/measured_genes.h"

#include <gtest/gtest.h>

#include "saithe/data/cell_source.h"
#include "support/marker_cells.h"

namespace saithe {
namespace {

/// Three cells of two sources; the second lacks gene 1.
MeasuredGenes small() {
  return {{0, 1, 0}, {{true, true, true}, {true, false, true}}};
}

TEST(MeasuredGenes, NothingSaidIsComplete) {
  const MeasuredGenes complete;
  EXPECT_TRUE(complete.is_complete());
  EXPECT_EQ(complete.n_sources(), 1U);
  EXPECT_EQ(complete.source_of(7), 0U);
  EXPECT_TRUE(count_measured_cells(complete, {}, 3).empty());
}

TEST(MeasuredGenes, SelectedCellsKeepTheirSource) {
  const std::vector<CellIndex> cells = {1, 0};
  const MeasuredGenes selected = select_cells(small(), cells);
  EXPECT_EQ(selected.source_of_cell, (std::vector<std::int32_t>{1, 0}));
  EXPECT_EQ(selected.has_gene, small().has_gene);
}

TEST(MeasuredGenes, SelectedGenesAreCompleteWhereNoneIsLacking) {
  const std::vector<GeneIndex> lacking = {1, 2};
  EXPECT_EQ(select_genes(small(), lacking).has_gene[1], (std::vector<bool>{false, true}));
  const std::vector<GeneIndex> common = {2, 0};
  EXPECT_TRUE(select_genes(small(), common).is_complete());
}

TEST(MeasuredGenes, CellsAreCountedForEachGene) {
  EXPECT_EQ(count_measured_cells(small(), {}, 3), (std::vector<std::int64_t>{3, 2, 3}));
  const std::vector<CellIndex> cells = {1};
  EXPECT_EQ(count_measured_cells(small(), cells, 3), (std::vector<std::int64_t>{1, 0, 1}));
}

TEST(MeasuredGenes, GoWithTheDataSet) {
  Dataset dataset = testing::marker_cells(4, 6, 2);
  dataset.measured.source_of_cell = {0, 0, 1, 1};
  dataset.measured.has_gene = {std::vector<bool>(6, true), {true, true, false, true, true, true}};
  const std::vector<CellIndex> cells = {3, 0};
  EXPECT_EQ(select_cells(dataset, cells).measured.source_of_cell,
            (std::vector<std::int32_t>{1, 0}));
  const std::vector<GeneIndex> genes = {2, 5};
  EXPECT_EQ(select_genes(dataset, genes).measured.has_gene[1], (std::vector<bool>{false, true}));
}

}  // namespace
}  // namespace saithe
