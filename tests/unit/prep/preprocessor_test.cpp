#include "saithe/prep/preprocessor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <span>

#include "support/folder_for_test.h"
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

/// Ten cells with counts on five genes: the training shares are known.
CsrMatrix five_genes() {
  CsrMatrix cells;
  cells.n_rows = 10;
  cells.n_cols = 5;
  for (CellIndex c = 0; c < 10; ++c) {
    for (GeneIndex g = 0; g < 5; ++g) {
      cells.columns.push_back(g);
      cells.values.push_back(static_cast<float>(1 + (c * (g + 1)) % 7));
    }
    cells.row_start.push_back(static_cast<RowPointer>(cells.columns.size()));
  }
  return cells;
}

TEST(Preprocessor, UnscaledGenesThatTheQueryLacksCountAsTheirTrainingMean) {
  const CsrMatrix cells = five_genes();
  PreprocessorOptions options;
  options.scale = false;
  const Context context(1, 0);
  const auto fitted = Preprocessor::fit(cells.view(), {}, names_of(5), {}, options, context);
  const CsrMatrix query{1, 2, {0, 2}, {0, 1}, {1.0F, 1.0F}};
  const GeneMatch match = fitted.match_genes(Table({"g0", "g3"}));
  const Features features = fitted.apply(query.view(), match, ExpressionKind::Counts, context);
  for (const GeneIndex lacking : {1, 2, 4}) {
    EXPECT_FLOAT_EQ(static_cast<float>(z_of(features, 0, lacking)),
                    static_cast<float>(fitted.mean()[as_size(lacking)]));
  }
  for (const GeneIndex present : {0, 3}) EXPECT_EQ(features.shift[as_size(present)], 0.0F);
  EXPECT_EQ(fitted.shift(match.is_present), features.shift);
}

TEST(Preprocessor, AQueryIsNormalisedToTheShareThatItsGenesHadInTraining) {
  // The same cells without two of the genes: where these have their usual share of a cell's
  // counts, no other gene's value shifts.
  CsrMatrix cells = five_genes();
  for (std::size_t i = 0; i < cells.values.size(); ++i) {
    cells.values[i] = static_cast<float>(cells.columns[i] + 1);  // every cell alike
  }
  PreprocessorOptions options;
  options.scale = false;
  const Context context(1, 0);
  const auto fitted = Preprocessor::fit(cells.view(), {}, names_of(5), {}, options, context);
  const auto& share = fitted.reference().count_share;
  ASSERT_EQ(share.size(), 5U);
  for (std::size_t g = 0; g < 5; ++g) EXPECT_NEAR(share[g], static_cast<double>(g + 1) / 15, 1e-12);
  const GeneMatch match = fitted.match_genes(Table({"g4", "g1", "stranger", "g0"}));
  EXPECT_NEAR(match.count_share, (5.0 + 2.0 + 1.0) / 15, 1e-12);
  EXPECT_EQ(match.is_counted, (std::vector<bool>{true, true, false, true}));
  const CsrMatrix query{1, 4, {0, 4}, {0, 1, 2, 3}, {5.0F, 2.0F, 777.0F, 1.0F}};
  const Features whole = fitted.apply(cells.view(), context);
  const Features part = fitted.apply(query.view(), match, ExpressionKind::Counts, context);
  for (const GeneIndex gene : {0, 1, 4}) {
    EXPECT_NEAR(z_of(part, 0, gene), z_of(whole, 0, gene), 1e-6);
  }
}

TEST(Preprocessor, ACellsTotalIsOverAllGenesOfTheReferenceNotOfTheInputsAlone) {
  const CsrMatrix cells = five_genes();
  PreprocessorOptions options;
  options.scale = false;
  options.n_variable_genes = 2;
  const Context context(1, 0);
  const auto fitted = Preprocessor::fit(cells.view(), {}, names_of(5), {}, options, context);
  ASSERT_EQ(fitted.n_genes(), 2);
  EXPECT_EQ(fitted.reference().names.size(), 5U);
  options.n_variable_genes = 0;
  const auto all = Preprocessor::fit(cells.view(), {}, names_of(5), {}, options, context);
  const Features some = fitted.apply(cells.view(), context);
  const Features every = all.apply(cells.view(), context);
  for (std::size_t i = 0; i < 2; ++i) {
    const GeneIndex gene = fitted.reference().inputs[i];
    EXPECT_EQ(fitted.gene_names()[i], names_of(5)[as_size(gene)]);
    EXPECT_EQ(fitted.mean()[i], all.mean()[as_size(gene)]);
    for (CellIndex cell = 0; cell < 10; ++cell) {
      EXPECT_EQ(z_of(some, cell, static_cast<GeneIndex>(i)), z_of(every, cell, gene));
    }
  }
}

TEST(Preprocessor, LogarithmsAreTheirOwnFeatures) {
  CsrMatrix cells = five_genes();
  for (float& value : cells.values) value = std::log1p(value);
  PreprocessorOptions options;
  options.scale = false;
  const Context context(1, 0);
  const auto fitted = Preprocessor::fit(cells.view(), {}, names_of(5), {}, options, context,
                                        ExpressionKind::LogNormalized);
  EXPECT_EQ(fitted.kind(), ExpressionKind::LogNormalized);
  EXPECT_EQ(fitted.apply(cells.view(), context).values.values, cells.values);
  double mean = 0;
  for (CellIndex c = 0; c < 10; ++c) mean += static_cast<double>(cells.values[as_size(5 * c)]) / 10;
  EXPECT_NEAR(fitted.mean()[0], mean, 1e-12);
  // shares are of the 10 000 counts behind the logarithms
  const CsrMatrix counts = five_genes();
  for (std::size_t g = 0; g < 5; ++g) {
    double sum = 0;
    for (std::size_t c = 0; c < 10; ++c) sum += static_cast<double>(counts.values[5 * c + g]);
    EXPECT_NEAR(fitted.reference().count_share[g], sum / 10 / 1e4, 1e-9);
  }
}

/// ln(1 + counts of 10 000) over the columns there are.
CsrMatrix logarithms_of(CsrMatrix cells) {
  for (CellIndex cell = 0; cell < cells.n_rows; ++cell) {
    const auto first = as_size(cells.row_start[as_size(cell)]);
    const auto row =
        std::span(cells.values).subspan(first, as_size(cells.row_start[as_size(cell) + 1]) - first);
    double total = 0;
    for (const float value : row) total += static_cast<double>(value);
    for (float& value : row) {
      value = static_cast<float>(std::log1p(static_cast<double>(value) * 1e4 / total));
    }
  }
  return cells;
}

TEST(Preprocessor, AQuerysLogarithmsGiveWhatItsCountsGive) {
  PreprocessorOptions options;
  options.scale = false;
  const Context context(1, 0);
  const auto fitted = Preprocessor::fit(five_genes().view(), {}, names_of(5), {}, options, context);
  // Two of the five genes and one of the query's own: what the logarithms add up to is of these.
  const CsrMatrix counts{2, 3, {0, 3, 5}, {0, 1, 2, 0, 2}, {3.0F, 2.0F, 5.0F, 4.0F, 9.0F}};
  const GeneMatch match = fitted.match_genes(Table({"g4", "stranger", "g1"}));
  ASSERT_LT(match.count_share, 1.0);
  const Features of_counts = fitted.apply(counts.view(), match, ExpressionKind::Counts, context);
  const CsrMatrix logs = logarithms_of(counts);
  const Features of_logs = fitted.apply(logs.view(), match, ExpressionKind::LogNormalized, context);
  ASSERT_EQ(of_logs.values.columns, of_counts.values.columns);
  for (std::size_t i = 0; i < of_counts.values.values.size(); ++i) {
    EXPECT_NEAR(of_logs.values.values[i], of_counts.values.values[i], 1e-5);
    EXPECT_GT(std::abs(of_logs.values.values[i] - logs.values[0]), 1e-3);
  }
  EXPECT_EQ(of_logs.shift, of_counts.shift);
}

TEST(Preprocessor, CountsForAModelOfSelectedLogarithms) {
  // The reference holds two of the genes of its cells, on which 2 000 and 3 000 of 10 000 lie.
  const CsrMatrix reference{
      2,
      2,
      {0, 2, 4},
      {0, 1, 0, 1},
      {std::log1p(500.0F), std::log1p(1500.0F), std::log1p(1000.0F), std::log1p(2000.0F)}};
  PreprocessorOptions options;
  options.scale = false;
  const Context context(1, 0);
  const auto fitted = Preprocessor::fit(reference.view(), {}, names_of(2), {}, options, context,
                                        ExpressionKind::LogNormalized);
  EXPECT_NEAR(fitted.reference().count_share[0], 0.075, 1e-6);
  EXPECT_NEAR(fitted.reference().count_share[1], 0.175, 1e-6);
  // Whole cells are divided by their total, as the reference's were: 300 and 500 of 4 000.
  std::vector<std::string> genes = names_of(2);
  while (std::ssize(genes) < kWholeFileGenes) genes.push_back(fmt::format("x{}", genes.size()));
  const GeneMatch whole = fitted.match_genes(Table(genes));
  const CsrMatrix cell{
      1, static_cast<GeneIndex>(kWholeFileGenes), {0, 3}, {0, 1, 9}, {300.0F, 500.0F, 3200.0F}};
  const Features of_whole = fitted.apply(cell.view(), whole, ExpressionKind::Counts, context);
  EXPECT_NEAR(of_whole.values.values[0], std::log1p(750.0), 1e-5);
  EXPECT_NEAR(of_whole.values.values[1], std::log1p(1250.0), 1e-5);
  // Of a query of selected genes only their share is known, a quarter in the mean.
  const GeneMatch some = fitted.match_genes(Table(names_of(2)));
  EXPECT_NEAR(some.count_share, 0.25, 1e-6);
  const CsrMatrix part{1, 2, {0, 2}, {0, 1}, {300.0F, 500.0F}};
  const Features of_part = fitted.apply(part.view(), some, ExpressionKind::Counts, context);
  EXPECT_NEAR(of_part.values.values[0], std::log1p(2500.0 * 300 / 800), 1e-3);
}

/// A cell with 7 000 of 10 000 on two genes: the rest was cut off after the logarithm.
CsrMatrix logarithms_of_two_genes() {
  return {1, 2, {0, 2}, {0, 1}, {std::log1p(3000.0F), std::log1p(4000.0F)}};
}

/// What a model of five genes' counts makes of the first two genes' logarithms.
CsrMatrix features_of_two_genes(const CsrMatrix& logarithms, const PreprocessorOptions& options) {
  const Context context(1, 0);
  const auto fitted = Preprocessor::fit(five_genes().view(), {}, names_of(5), {}, options, context);
  const GeneMatch match = fitted.match_genes(Table({"g0", "g1"}));
  return fitted.apply(logarithms.view(), match, ExpressionKind::LogNormalized, context).values;
}

TEST(Preprocessor, LogarithmsAreBroughtToTheTargetSumOfTheModel) {
  PreprocessorOptions options;
  options.scale = false;
  options.target_sum = 1e6;
  const Context context(1, 0);
  const CsrMatrix part = logarithms_of_two_genes();
  const CsrMatrix features = features_of_two_genes(part, options);
  EXPECT_NEAR(features.values[0], std::log1p(3e5), 1e-5);
  EXPECT_NEAR(features.values[1], std::log1p(4e5), 1e-5);
  // A model of logarithms is of 10 000.
  EXPECT_SAITHE_ERROR(Preprocessor::fit(part.view(), {}, names_of(2), {}, options, context,
                                        ExpressionKind::LogNormalized),
                      ErrorKind::InvalidArgument, "--target-sum: the values are log1p(CP10k)");
}

TEST(Preprocessor, LogarithmsOfAPartOfAFilesGenesStayAsTheyAre) {
  PreprocessorOptions options;
  options.scale = false;
  const Context context(1, 0);
  const CsrMatrix part = logarithms_of_two_genes();
  const CsrMatrix features = features_of_two_genes(part, options);
  EXPECT_EQ(features.values, part.values);
  // A model of logarithms takes them as they are, whatever they add up to.
  CsrMatrix reference = five_genes();
  for (float& value : reference.values) value = std::log1p(value);
  const auto of_logs = Preprocessor::fit(reference.view(), {}, names_of(5), {}, options, context,
                                         ExpressionKind::LogNormalized);
  const CsrMatrix whole = logarithms_of({1, 2, {0, 2}, {0, 1}, {1.0F, 3.0F}});
  const GeneMatch match = of_logs.match_genes(Table({"g0", "g1"}));
  EXPECT_EQ(
      of_logs.apply(whole.view(), match, ExpressionKind::LogNormalized, context).values.values,
      whole.values);
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
