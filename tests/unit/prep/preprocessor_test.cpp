#include "saithe/prep/preprocessor.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/random_cells.h"
#include "support/reference_genes.h"

namespace saithe {
namespace {

using testing::reference_genes;

std::vector<std::string> names_of(int n) {
  std::vector<std::string> names;
  for (int i = 0; i < n; ++i) names.push_back(fmt::format("g{}", i));
  return names;
}

double z_of(const Features& features, CellIndex cell, GeneIndex gene) {
  const CsrView view = features.values.view();
  const auto genes = view.row_columns(cell);
  double value = 0;
  for (std::size_t i = 0; i < genes.size(); ++i) {
    if (genes[i] == gene) value = static_cast<double>(view.row_values(cell)[i]);
  }
  return value - static_cast<double>(features.shift[as_size(gene)]);
}

TEST(Preprocessor, FeaturesOfTheFittedCellsHaveMeanZeroAndSdOne) {
  const CsrMatrix cells = testing::random_cells(200, 30, 0.4, 1);
  const Context context(2, 0);
  const auto fitted = Preprocessor::fit(cells.view(), {}, names_of(30), {}, {}, context);
  const Features features = fitted.apply(cells.view(), context);
  for (GeneIndex gene = 0; gene < 30; ++gene) {
    double sum = 0;
    double squares = 0;
    for (CellIndex cell = 0; cell < 200; ++cell) {
      const double z = z_of(features, cell, gene);
      sum += z;
      squares += z * z;
    }
    EXPECT_NEAR(sum / 200, 0, 1e-5);
    EXPECT_NEAR(squares / 199, 1, 1e-4);
  }
}

TEST(Preprocessor, StatisticsComeFromTheGivenCellsAlone) {
  CsrMatrix cells = testing::random_cells(50, 10, 0.5, 2);
  const std::vector<CellIndex> training = {0, 1, 2, 3, 5, 6, 7, 8};
  const Context context(1, 0);
  const auto before = Preprocessor::fit(cells.view(), training, names_of(10), {}, {}, context);
  for (auto i = as_size(cells.row_start[10]); i < cells.values.size(); ++i) cells.values[i] *= 7;
  const auto after = Preprocessor::fit(cells.view(), training, names_of(10), {}, {}, context);
  EXPECT_EQ(before.mean(), after.mean());
  EXPECT_EQ(before.sd(), after.sd());
  const auto of_all = Preprocessor::fit(cells.view(), {}, names_of(10), {}, {}, context);
  EXPECT_NE(of_all.mean(), after.mean());
}

TEST(Preprocessor, GeneWithoutSpreadStaysAndIsZero) {
  const CsrMatrix cells{2, 2, {0, 1, 2}, {0, 0}, {4.0F, 9.0F}};  // both normalise to the target
  const Context context(1, 0);
  const auto fitted = Preprocessor::fit(cells.view(), {}, {"a", "b"}, {}, {}, context);
  EXPECT_EQ(fitted.n_genes(), 2);
  const Features features = fitted.apply(cells.view(), context);
  for (const CellIndex cell : {0, 1}) {
    for (const GeneIndex gene : {0, 1}) EXPECT_EQ(z_of(features, cell, gene), 0);
  }
}

TEST(Preprocessor, MaxValueCutsZFromAbove) {
  const CsrMatrix cells = testing::random_cells(300, 20, 0.1, 4);
  PreprocessorOptions options;
  options.max_value = 2;
  const Context context(1, 0);
  const auto fitted = Preprocessor::fit(cells.view(), {}, names_of(20), {}, options, context);
  const Preprocessor uncut({}, ExpressionKind::Counts, fitted.reference(), fitted.mean(),
                           fitted.sd());
  const Features cut = fitted.apply(cells.view(), context);
  const Features whole = uncut.apply(cells.view(), context);
  int n_cut = 0;
  for (CellIndex cell = 0; cell < 300; ++cell) {
    for (const GeneIndex gene : cells.view().row_columns(cell)) {
      const double z = z_of(whole, cell, gene);
      EXPECT_NEAR(z_of(cut, cell, gene), std::min(z, 2.0), 1e-5);
      n_cut += z > 2 ? 1 : 0;
    }
  }
  EXPECT_GT(n_cut, 0);
}

TEST(Preprocessor, WithoutScalingTheFeatureIsTheLogarithm) {
  const CsrMatrix cells{1, 2, {0, 2}, {0, 1}, {1.0F, 3.0F}};
  PreprocessorOptions options;
  options.scale = false;
  const Context context(1, 0);
  const auto fitted = Preprocessor::fit(cells.view(), {}, {"a", "b"}, {}, options, context);
  const Features features = fitted.apply(cells.view(), context);
  EXPECT_FLOAT_EQ(features.values.values[0], std::log(2501.0F));
  EXPECT_FLOAT_EQ(features.values.values[1], std::log(7501.0F));
  EXPECT_EQ(features.shift, (std::vector<float>{0, 0}));
}

TEST(Preprocessor, PermutedQueryWithExtraGenesGivesTheSameBits) {
  const CsrMatrix cells = testing::random_cells(40, 6, 0.6, 5);
  const Context context(1, 0);
  const auto fitted = Preprocessor::fit(cells.view(), {}, names_of(6), {}, {}, context);
  const std::vector<GeneIndex> new_column = {6, 3, 0, 5, 1, 2};  // column 4 is a stranger
  const CsrMatrix mapped = map_columns(cells.view(), new_column, 7);
  CsrMatrix query{mapped.n_rows, 7, {0}, {4}, {100.0F}};  // the first cell expresses the stranger
  for (std::size_t i = 0; i < mapped.values.size(); ++i) {
    query.columns.push_back(mapped.columns[i]);
    query.values.push_back(mapped.values[i]);
  }
  for (CellIndex r = 1; r <= mapped.n_rows; ++r) {
    query.row_start.push_back(mapped.row_start[as_size(r)] + 1);
  }
  sort_and_merge(query);
  const Table var({"g2", "g4", "g5", "g1", "stranger", "g3", "g0"});
  const GeneMatch match = fitted.match_genes(var);
  EXPECT_EQ(match.n_matched, 6);
  const Features expected = fitted.apply(cells.view(), context);
  const Features found = fitted.apply(query.view(), match, ExpressionKind::Counts, context);
  EXPECT_EQ(found.values.columns, expected.values.columns);
  EXPECT_EQ(found.shift, expected.shift);
  for (std::size_t i = 0; i < expected.values.values.size(); ++i) {
    EXPECT_FLOAT_EQ(found.values.values[i], expected.values.values[i]);
  }
}

TEST(Preprocessor, GenesThatTheQueryLacksAreZero) {
  const CsrMatrix cells = testing::random_cells(40, 3, 0.6, 6);
  const Context context(1, 0);
  const auto fitted = Preprocessor::fit(cells.view(), {}, names_of(3), {}, {}, context);
  const CsrMatrix query{1, 2, {0, 2}, {0, 1}, {1.0F, 1.0F}};
  const GeneMatch match = fitted.match_genes(Table({"g0", "g2"}));
  EXPECT_EQ(match.is_present, (std::vector<bool>{true, false, true}));
  EXPECT_EQ(z_of(fitted.apply(query.view(), match, ExpressionKind::Counts, context), 0, 1), 0);
}

TEST(MatchGenes, TakesTheBetterColumnAndRefusesRepeats) {
  const Preprocessor model({}, ExpressionKind::Counts,
                           reference_genes({"A", "B"}, {"ENSG1", "ENSG2"}), {0, 0}, {1, 1});
  Table var({"x", "B", "y"});
  var.set("gene_ids", TextColumn{{"ENSG1", "ENSG2", "ENSG3"}, {}});
  const GeneMatch match = model.match_genes(var);
  EXPECT_EQ(match.matched_by, "gene_ids");
  EXPECT_EQ(match.model_gene, (std::vector<GeneIndex>{0, 1, -1}));
  try {
    (void)model.match_genes(Table({"A", "B", "A"}));
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::BadFormat);
    EXPECT_NE(std::string(error.what()).find("'A'"), std::string::npos);
  }
}

TEST(Preprocessor, RefusesOptionsWithoutSense) {
  for (const auto& options :
       {PreprocessorOptions{.target_sum = 0}, PreprocessorOptions{.max_value = -1},
        PreprocessorOptions{.n_variable_genes = -1}}) {
    EXPECT_THROW(Preprocessor(options, ExpressionKind::Counts, {}, {}, {}), Error);
  }
}

}  // namespace
}  // namespace saithe
