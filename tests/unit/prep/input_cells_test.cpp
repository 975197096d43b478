// Cells kept packed give the features that the preprocessor makes of the whole matrix, bit by bit.

#include "saithe/prep/input_cells.h"

#include <gtest/gtest.h>

#include <numeric>

#include "support/marker_cells.h"

namespace saithe {
namespace {

using testing::marker_cells;

Preprocessor fitted(const Dataset& cells, PreprocessorOptions options,
                    const MeasuredGenes& measured = {}) {
  return Preprocessor::fit(cells.counts.view(), {}, cells.var().index(), {}, options, Context(2),
                           ExpressionKind::Counts, measured);
}

std::vector<CellIndex> all_of(CellIndex n) {
  std::vector<CellIndex> cells(as_size(n));
  std::iota(cells.begin(), cells.end(), CellIndex{0});
  return cells;
}

void expect_same(const CsrMatrix& a, const CsrMatrix& b) {
  EXPECT_EQ(a.row_start, b.row_start);
  EXPECT_EQ(a.columns, b.columns);
  EXPECT_EQ(a.values, b.values);
}

TEST(InputCells, GiveTheFeaturesOfThePreprocessor) {
  const Dataset cells = marker_cells(300, 60, 4);
  for (const bool scale : {false, true}) {
    PreprocessorOptions options;
    options.scale = scale;
    options.n_variable_genes = 25;
    options.max_value = scale ? 3 : 0;
    const Preprocessor preprocessor = fitted(cells, options);
    const CsrMatrix expected = preprocessor.apply(cells.counts.view(), Context(1)).values;
    for (const std::int64_t max_memory : {PackedRows::kNoLimit, std::int64_t{0}}) {
      const InputCells inputs(MatrixRows(cells.counts.view()), preprocessor, Context(2), {},
                              max_memory);
      EXPECT_EQ(inputs.n_cells(), 300);
      EXPECT_EQ(inputs.n_genes(), 25);
      expect_same(inputs.features(all_of(300), Context(3)), expected);
      const std::vector<CellIndex> some = {299, 3, 3, 100};
      expect_same(inputs.features(some, Context(1)), select_rows(expected.view(), some));
    }
  }
}

TEST(InputCells, GenesThatWereNotMeasuredHaveTheirMeans) {
  const Dataset cells = marker_cells(80, 30, 4);
  MeasuredGenes measured;
  measured.has_gene.assign(2, std::vector<bool>(30, true));
  for (std::size_t gene = 0; gene < 10; ++gene) measured.has_gene[1][gene] = false;
  CsrMatrix counts;
  counts.n_rows = 80;
  counts.n_cols = 30;
  for (CellIndex cell = 0; cell < 80; ++cell) {
    measured.source_of_cell.push_back(cell % 2 == 0 ? 0 : 1);
    const CsrView all = cells.counts.view();
    for (std::size_t i = 0; i < all.row_size(cell); ++i) {
      if (cell % 2 == 1 && all.row_columns(cell)[i] < 10) continue;
      counts.columns.push_back(all.row_columns(cell)[i]);
      counts.values.push_back(all.row_values(cell)[i]);
    }
    counts.row_start.push_back(static_cast<RowPointer>(counts.columns.size()));
  }
  PreprocessorOptions options;
  options.scale = false;
  const auto preprocessor = Preprocessor::fit(counts.view(), {}, cells.var().index(), {}, options,
                                              Context(1), ExpressionKind::Counts, measured);
  const InputCells inputs(MatrixRows(counts.view()), preprocessor, Context(2), measured);
  const CsrMatrix expected = preprocessor.apply(counts.view(), Context(1), measured).values;
  const std::vector<CellIndex> some = {7, 8, 79};
  expect_same(inputs.features(some, Context(1)), select_rows(expected.view(), some));
  const CsrMatrix measured_alone =
      preprocessor.measured_features(counts.view(), Context(1), measured);
  expect_same(inputs.measured_features(some, Context(1)), select_rows(measured_alone.view(), some));
  const auto groups = inputs.by_inputs(some);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].cells, std::vector<CellIndex>{8});
  EXPECT_TRUE(groups[0].has_input.empty());
  EXPECT_EQ(groups[1].cells, (std::vector<CellIndex>{7, 79}));
  EXPECT_EQ(groups[1].has_input, measured.has_gene[1]);
  expect_same(inputs.features(all_of(80), Context(1)), expected);
  EXPECT_GT(inputs.target(0), inputs.target(1));
}

TEST(InputCells, KnowTotalsAndEmptyCells) {
  CsrMatrix counts;
  counts.n_rows = 3;
  counts.n_cols = 2;
  counts.row_start = {0, 2, 3, 3};
  counts.columns = {0, 1, 1};
  counts.values = {4, 6, 5};
  const Preprocessor preprocessor(
      {}, ExpressionKind::Counts,
      {.names = {"a", "b"}, .ids = {}, .count_share = {0.3, 0.7}, .inputs = {0}}, {1}, {1});
  const InputCells inputs(MatrixRows(counts.view()), preprocessor, Context(1));
  EXPECT_EQ(inputs.total(0), 10);
  EXPECT_EQ(inputs.total(1), 5);
  EXPECT_EQ(inputs.total(2), 0);
  EXPECT_TRUE(inputs.has_counts(0));
  EXPECT_FALSE(inputs.has_counts(1));
  EXPECT_FALSE(inputs.has_counts(2));
}

TEST(InputCells, CountsThatMostCellsHaveAreThoseOfAllGenes) {
  CsrMatrix counts;
  counts.n_rows = 200;
  counts.n_cols = 2;
  counts.row_start = {0};
  for (int cell = 0; cell < 200; ++cell) {
    counts.columns.push_back(1);
    counts.values.push_back(static_cast<float>(200 - cell));  // 200, 199, ..., 1
    counts.row_start.push_back(cell + 1);
  }
  const Preprocessor preprocessor(
      {}, ExpressionKind::Counts,
      {.names = {"a", "b"}, .ids = {}, .count_share = {0.75, 0.25}, .inputs = {0, 1}}, {1, 1},
      {1, 1});
  const InputCells inputs(MatrixRows(counts.view()), preprocessor, Context(1));
  EXPECT_EQ(inputs.shallow_counts(all_of(200)), 3);  // two of 200 have fewer
  EXPECT_EQ(inputs.shallow_counts({}), 0);
  const std::vector<CellIndex> one = {10};
  EXPECT_EQ(inputs.shallow_counts(one), 190);
  // On a quarter of what cells of all genes would have.
  MeasuredGenes measured;
  measured.has_gene = {{false, true}};
  measured.source_of_cell.assign(200, 0);
  const InputCells part(MatrixRows(counts.view()), preprocessor, Context(1), measured);
  EXPECT_NEAR(part.shallow_counts(all_of(200)), 12, 1e-9);
}

}  // namespace
}  // namespace saithe
