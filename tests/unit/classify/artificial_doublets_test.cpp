// Artificial doublets: pairs of unlike cells, and features as of their summed counts.

#include "saithe/classify/artificial_doublets.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "saithe/matrix/row_source.h"
#include "support/marker_cells.h"

namespace saithe {
namespace {

TEST(DrawDoublets, AreOfTwoTypesAmongTheCellsGivenAndOfTheSeed) {
  std::vector<LabelIndex> labels;
  std::vector<CellIndex> cells;
  for (CellIndex cell = 0; cell < 400; ++cell) {
    labels.push_back(static_cast<LabelIndex>(cell % 7 == 0 ? 0 : 1 + cell % 2));
    if (cell < 200) cells.push_back(cell);
  }
  const auto pairs = draw_doublets(cells, labels, 0, Context(1, 3));
  EXPECT_EQ(pairs.size(), 50U);
  std::set<CellIndex> used;
  for (const auto& [first, second] : pairs) {
    EXPECT_LT(std::max(first, second), 200);
    EXPECT_NE(labels[as_size(first)], labels[as_size(second)]);
    used.insert(first);
    used.insert(second);
  }
  EXPECT_GT(used.size(), 60U);
  EXPECT_EQ(draw_doublets(cells, labels, 0, Context(2, 3)), pairs);
  EXPECT_NE(draw_doublets(cells, labels, 1, Context(1, 3)), pairs);
  EXPECT_NE(draw_doublets(cells, labels, 0, Context(1, 4)), pairs);
  EXPECT_TRUE(draw_doublets(cells, std::vector<LabelIndex>(400, 2), 0, Context(1, 3)).empty());
  EXPECT_TRUE(draw_doublets({}, labels, 0, Context(1, 3)).empty());
}

TEST(DoubletFeatures, AreThoseOfTheSummedCounts) {
  const Dataset dataset = testing::marker_cells(40, 30, 3, 0, testing::kClear);
  PreprocessorOptions options;
  options.scale = false;
  const Preprocessor preprocessor =
      Preprocessor::fit(dataset.counts.view(), {}, dataset.var().index(), {}, options, Context(1));
  const InputCells inputs(MatrixRows(dataset.counts.view()), preprocessor, Context(1));
  const std::vector<CellPair> pairs = {{0, 1}, {5, 7}, {39, 2}, {4, 4}};
  const CsrMatrix mixed = doublet_features(inputs, pairs, Context(1));
  ASSERT_EQ(mixed.n_rows, 4);

  // The same by summing counts first.
  CsrMatrix sums{4, dataset.counts.n_cols, {0}, {}, {}};
  for (const auto& [first, second] : pairs) {
    std::vector<float> row(as_size(dataset.counts.n_cols));
    for (const CellIndex cell : {first, second}) {
      const auto columns = dataset.counts.view().row_columns(cell);
      const auto values = dataset.counts.view().row_values(cell);
      for (std::size_t i = 0; i < columns.size(); ++i) row[as_size(columns[i])] += values[i];
    }
    for (GeneIndex gene = 0; gene < sums.n_cols; ++gene) {
      if (row[as_size(gene)] == 0) continue;
      sums.columns.push_back(gene);
      sums.values.push_back(row[as_size(gene)]);
    }
    sums.row_start.push_back(static_cast<RowPointer>(sums.columns.size()));
  }
  const InputCells summed(MatrixRows(sums.view()), preprocessor, Context(1));
  std::vector<CellIndex> all(4);
  std::iota(all.begin(), all.end(), CellIndex{0});
  const CsrMatrix expected = summed.features(all, Context(1));
  EXPECT_EQ(mixed.row_start, expected.row_start);
  EXPECT_EQ(mixed.columns, expected.columns);
  for (std::size_t i = 0; i < mixed.values.size(); ++i) {
    EXPECT_NEAR(mixed.values[i], expected.values[i], 1e-5F * (1 + std::abs(expected.values[i])));
  }
}

}  // namespace
}  // namespace saithe
