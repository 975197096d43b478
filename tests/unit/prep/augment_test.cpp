// Augmenter: how much it thins and masks, that it adds nothing in the mean, and what it leaves
// alone.

#include "saithe/prep/augment.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "saithe/core/random.h"

namespace saithe {
namespace {

constexpr GeneIndex kGenes = 50;
// How many standard errors a mean may be off. With a few hundred comparisons of a fixed seed a
// correct sampler stays inside.
constexpr double kSigmas = 5;

/// Cells with counts from 1 to 8 on about half of the genes.
CsrMatrix counts_of(CellIndex n_cells, std::uint64_t stream) {
  CsrMatrix counts;
  counts.n_rows = n_cells;
  counts.n_cols = kGenes;
  const Random random(6, stream);
  std::uint64_t index = 0;
  for (CellIndex c = 0; c < n_cells; ++c) {
    for (GeneIndex g = 0; g < kGenes; ++g) {
      if (random.uniform(index++) < 0.5) continue;
      counts.columns.push_back(g);
      counts.values.push_back(1.0F + static_cast<float>(random.below(index++, 8)));
    }
    counts.row_start.push_back(static_cast<RowPointer>(counts.columns.size()));
  }
  return counts;
}

/// `n_cells` copies of one cell with this count for each of the genes.
CsrMatrix copies_of(CellIndex n_cells, const std::vector<float>& cell) {
  CsrMatrix counts;
  counts.n_rows = n_cells;
  counts.n_cols = static_cast<GeneIndex>(cell.size());
  for (CellIndex c = 0; c < n_cells; ++c) {
    for (std::size_t g = 0; g < cell.size(); ++g) {
      counts.columns.push_back(static_cast<GeneIndex>(g));
      counts.values.push_back(cell[g]);
    }
    counts.row_start.push_back(static_cast<RowPointer>(counts.columns.size()));
  }
  return counts;
}

Preprocessor fitted(const CsrMatrix& values, ExpressionKind kind = ExpressionKind::Counts,
                    bool scale = false) {
  std::vector<std::string> names;
  for (GeneIndex g = 0; g < values.n_cols; ++g) names.push_back("g" + std::to_string(g));
  PreprocessorOptions options;
  options.scale = scale;
  return Preprocessor::fit(values.view(), {}, names, {}, options, Context(1), kind);
}

InputCells inputs_of(const CsrMatrix& values, const Preprocessor& preprocessor) {
  return {MatrixRows(values.view()), preprocessor, Context(1)};
}

std::vector<CellIndex> all_of(const CsrMatrix& values) {
  std::vector<CellIndex> cells(as_size(values.n_rows));
  std::iota(cells.begin(), cells.end(), CellIndex{0});
  return cells;
}

double value_of(const CsrMatrix& values, CellIndex cell, GeneIndex gene) {
  for (auto i = as_size(values.row_start[as_size(cell)]);
       i < as_size(values.row_start[as_size(cell) + 1]); ++i) {
    if (values.columns[i] == gene) return static_cast<double>(values.values[i]);
  }
  return 0;
}

bool is_equal(const CsrMatrix& a, const CsrMatrix& b) {
  return a.n_rows == b.n_rows && a.n_cols == b.n_cols && a.row_start == b.row_start &&
         a.columns == b.columns && a.values == b.values;
}

TEST(Augmenter, WithoutOptionsNothingChanges) {
  const CsrMatrix counts = counts_of(10, 1);
  const InputCells inputs = inputs_of(counts, fitted(counts));
  const Augmenter none(inputs, {}, Context(1));
  EXPECT_FALSE(none.changes_anything());
  const Augmenter mask(inputs, {.input_mask = 0.1}, Context(1));
  EXPECT_TRUE(mask.changes_anything());
  const Augmenter thin(inputs, {.thin_share = 0.1}, Context(1));
  EXPECT_TRUE(thin.changes_anything());
}

TEST(Augmenter, AMaskLeavesOutItsShareAndKeepsTheMean) {
  const CsrMatrix counts = counts_of(400, 2);
  const Preprocessor preprocessor = fitted(counts);
  const CsrMatrix whole = preprocessor.apply(counts.view(), Context(1)).values;
  const InputCells inputs = inputs_of(counts, preprocessor);
  const Augmenter augmenter(inputs, {.input_mask = 0.3}, Context(2));
  const auto cells = all_of(counts);
  double n_kept = 0;
  std::vector<double> sums(whole.values.size());
  constexpr int kEpochs = 40;
  for (int epoch = 0; epoch < kEpochs; ++epoch) {
    const CsrMatrix masked = augmenter.features_of_epoch(cells, 5, epoch);
    n_kept += static_cast<double>(masked.values.size());
    for (CellIndex c = 0; c < counts.n_rows; ++c) {
      std::size_t at = as_size(whole.row_start[as_size(c)]);
      for (auto i = as_size(masked.row_start[as_size(c)]);
           i < as_size(masked.row_start[as_size(c) + 1]); ++i) {
        while (whole.columns[at] < masked.columns[i]) ++at;
        ASSERT_EQ(whole.columns[at], masked.columns[i]);  // nothing comes in
        EXPECT_FLOAT_EQ(masked.values[i], whole.values[at] / 0.7F);
        sums[at] += static_cast<double>(masked.values[i]);
      }
    }
  }
  const double n = kEpochs * static_cast<double>(whole.values.size());
  EXPECT_NEAR(n_kept / n, 0.7, kSigmas * std::sqrt(0.3 * 0.7 / n));
  double difference = 0;  // of the sums over all genes, relative
  double total = 0;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    difference += sums[i] / kEpochs - static_cast<double>(whole.values[i]);
    total += static_cast<double>(whole.values[i]);
  }
  // Each entry is x / 0.7 or 0: its sd is x sqrt(0.3 / 0.7).
  EXPECT_NEAR(difference / total, 0.0, 1.1 * kSigmas * std::sqrt(0.3 / 0.7 / n));
}

TEST(Augmenter, ThinnedCellsKeepABinomialShareOfTheirMolecules) {
  const CsrMatrix counts = copies_of(4000, {40, 40, 40, 40});
  const Preprocessor preprocessor = fitted(counts);
  const AugmentOptions options{.thin_share = 1, .thin_minimum = 0.5};
  const CsrMatrix thinned = Augmenter(inputs_of(counts, preprocessor), options, Context(2))
                                .features_of_epoch(all_of(counts), 3, 0);
  // expm1(feature) of a gene is 10 000 k_g / sum k: shares of the kept molecules. Given the total
  // kept K the shares of four like genes are hypergeometric; their variance tells K.
  double mean = 0;
  double squares = 0;
  const double n = static_cast<double>(counts.n_rows);
  for (CellIndex c = 0; c < counts.n_rows; ++c) {
    double sum = 0;
    for (GeneIndex g = 0; g < 4; ++g) sum += std::expm1(value_of(thinned, c, g));
    EXPECT_NEAR(sum, 1e4, 0.05);  // normalised by its own new total
    const double share = std::expm1(value_of(thinned, c, 0)) / 1e4;
    mean += share / n;
    squares += share * share / n;
  }
  // Var(share | K) = (1/4)(3/4)/K (160 - K)/159, with K about 160 p, p uniform in [0.5, 1]:
  // E[1/K - 1/160] 160/159 x 3/16 = (2 ln 2 - 1) / 159 x 3/16 to first order.
  const double expected = (2 * std::log(2.0) - 1) / 159 * 3 / 16;
  const double variance = squares - mean * mean;
  EXPECT_NEAR(mean, 0.25, kSigmas * std::sqrt(expected / n));
  // The sd of a variance of n draws is about sqrt(2 / n) of it, more for the mixture of p: twice.
  EXPECT_NEAR(variance / expected, 1.0, 2 * kSigmas * std::sqrt(2 / n));
}

TEST(Augmenter, AGeneIsLostWithTheProbabilityThatAllItsMoleculesAre) {
  // p is uniform in [0.3, 1]: a gene of k molecules is lost with probability
  // integral of (1 - p)^k / 0.7 = 0.7^k / (k + 1).
  const std::vector<float> cell = {1, 2, 3, 500};
  const CsrMatrix counts = copies_of(20000, cell);
  const AugmentOptions options{.thin_share = 1, .thin_minimum = 0.3};
  const CsrMatrix thinned = Augmenter(inputs_of(counts, fitted(counts)), options, Context(2))
                                .features_of_epoch(all_of(counts), 4, 1);
  const double n = static_cast<double>(counts.n_rows);
  for (GeneIndex g = 0; g < 3; ++g) {
    double n_lost = 0;
    for (CellIndex c = 0; c < counts.n_rows; ++c) n_lost += value_of(thinned, c, g) == 0 ? 1 : 0;
    const double k = g + 1;
    const double expected = std::pow(0.7, k) / (k + 1);
    EXPECT_NEAR(n_lost / n, expected, kSigmas * std::sqrt(expected * (1 - expected) / n)) << g;
  }
}

TEST(Augmenter, ThinShareOfTheCellsAreThinned) {
  const CsrMatrix counts = copies_of(5000, std::vector<float>(20, 6));
  const Preprocessor preprocessor = fitted(counts);
  const CsrMatrix whole = preprocessor.apply(counts.view(), Context(1)).values;
  const AugmentOptions options{.thin_share = 0.4, .thin_minimum = 0.3};
  const CsrMatrix thinned = Augmenter(inputs_of(counts, preprocessor), options, Context(2))
                                .features_of_epoch(all_of(counts), 7, 2);
  double n_thinned = 0;
  for (CellIndex c = 0; c < counts.n_rows; ++c) {
    bool is_whole = true;
    for (GeneIndex g = 0; g < 20; ++g) is_whole &= value_of(thinned, c, g) == value_of(whole, c, g);
    n_thinned += is_whole ? 0 : 1;
  }
  const double n = static_cast<double>(counts.n_rows);
  // A thinned cell may keep all its 120 molecules (p near 1): less than one in a hundred.
  EXPECT_NEAR(n_thinned / n, 0.4, 0.004 + kSigmas * std::sqrt(0.4 * 0.6 / n));
}

TEST(Augmenter, ManyMoleculesAreThinnedByTheNormalApproximation) {
  // A gene of 4000 molecules (drawn as a normal) beside 64 of one (drawn one by one): the share of
  // the large one stays 4000 / 4064 in the mean.
  std::vector<float> cell(65, 1.0F);
  cell[0] = 4000;
  const CsrMatrix counts = copies_of(3000, cell);
  const AugmentOptions options{.thin_share = 1, .thin_minimum = 0.5};
  const CsrMatrix thinned = Augmenter(inputs_of(counts, fitted(counts)), options, Context(2))
                                .features_of_epoch(all_of(counts), 5, 0);
  double mean = 0;
  const double n = static_cast<double>(counts.n_rows);
  for (CellIndex c = 0; c < counts.n_rows; ++c) mean += std::expm1(value_of(thinned, c, 0)) / n;
  // The others keep Binomial(64, p) of 4064 p: an sd below 64 of 4064 at most, in units of 10 000.
  const double sd = 1e4 / 4064 * std::sqrt(64.0);
  EXPECT_NEAR(mean, 1e4 * 4000 / 4064, kSigmas * sd / std::sqrt(n) + 0.5);
}

TEST(Augmenter, OtherCellsDoNotMatter) {
  const CsrMatrix counts = counts_of(30, 3);
  const AugmentOptions options{.input_mask = 0.2, .thin_share = 0.5, .thin_minimum = 0.3};
  const InputCells inputs = inputs_of(counts, fitted(counts));
  const Augmenter augmenter(inputs, options, Context(1));
  const std::vector<CellIndex> chosen = {3, 17, 4};
  const CsrMatrix some = augmenter.features_of_epoch(chosen, 1, 0);
  const CsrMatrix all = augmenter.features_of_epoch(all_of(counts), 1, 0);
  validate(some.view(), "augmented");
  EXPECT_TRUE(is_equal(some, select_rows(all.view(), chosen)));
}

TEST(Augmenter, SeedAndEpochDecideAndThreadsDoNot) {
  const CsrMatrix counts = counts_of(700, 4);  // several chunks of cells
  const Preprocessor preprocessor = fitted(counts);
  const AugmentOptions options{.input_mask = 0.2, .thin_share = 0.5, .thin_minimum = 0.3};
  const auto cells = all_of(counts);
  const auto features = [&](int n_threads, std::uint64_t seed, int epoch) {
    return Augmenter(inputs_of(counts, preprocessor), options, Context(n_threads))
        .features_of_epoch(cells, seed, epoch);
  };
  const CsrMatrix first = features(1, 8, 3);
  EXPECT_TRUE(is_equal(features(2, 8, 3), first));
  EXPECT_TRUE(is_equal(features(5, 8, 3), first));
  EXPECT_FALSE(is_equal(features(1, 9, 3), first));
  EXPECT_FALSE(is_equal(features(1, 8, 4), first));
}

TEST(Augmenter, LogarithmsAreMaskedButNeverThinned) {
  CsrMatrix values = counts_of(50, 5);
  for (float& value : values.values) value = std::log1p(value);
  const Preprocessor preprocessor = fitted(values, ExpressionKind::LogNormalized);
  EXPECT_FALSE(
      Augmenter(inputs_of(values, preprocessor), {.thin_share = 1}, Context(1)).changes_anything());
  const AugmentOptions options{.input_mask = 0.5, .thin_share = 1};
  const CsrMatrix masked = Augmenter(inputs_of(values, preprocessor), options, Context(1))
                               .features_of_epoch(all_of(values), 1, 0);
  EXPECT_LT(masked.values.size(), values.values.size());
  for (CellIndex c = 0; c < values.n_rows; ++c) {
    for (const GeneIndex g : masked.view().row_columns(c)) {
      EXPECT_FLOAT_EQ(static_cast<float>(value_of(masked, c, g)),
                      2 * static_cast<float>(value_of(values, c, g)));
    }
  }
}

TEST(Augmenter, OptionsWithoutSenseAreRefused) {
  const CsrMatrix counts = counts_of(10, 6);
  for (const AugmentOptions& options :
       {AugmentOptions{.input_mask = 1}, AugmentOptions{.input_mask = -0.1},
        AugmentOptions{.thin_share = 1.1}, AugmentOptions{.thin_share = -0.1},
        AugmentOptions{.thin_share = 0.5, .thin_minimum = 0},
        AugmentOptions{.thin_share = 0.5, .thin_minimum = 1.5},
        AugmentOptions{.input_mask = std::nan("")}}) {
    try {
      (void)Augmenter(inputs_of(counts, fitted(counts)), options, Context(1));
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
    }
  }
  try {  // masked z-scores would have another mean
    (void)Augmenter(inputs_of(counts, fitted(counts, ExpressionKind::Counts, true)),
                    {.input_mask = 0.1}, Context(1));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
  }
}

}  // namespace
}  // namespace saithe
