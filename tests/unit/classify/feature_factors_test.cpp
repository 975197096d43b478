// Factors of features, against NumPy (tests/golden/novelty) and against what cells were drawn from.

#include "saithe/classify/feature_factors.h"

#include <gtest/gtest.h>

#include "novelty_fixture.h"
#include "saithe/core/random.h"

namespace saithe {
namespace {

using testing::dense_of;
using testing::expect_near;
using testing::NoveltyFixture;

constexpr double kTolerance = 1e-6;  // axes and weights are floats

std::vector<double> scores_part(const NoveltyModel& novelty, const std::vector<double>& rows) {
  std::vector<double> part;
  const auto n = as_size(novelty.n_coordinates());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i % n < as_size(novelty.n_axes)) part.push_back(rows[i]);
  }
  return part;
}

TEST(FeatureFactors, CovarianceOfTheCoordinatesIsNumPys) {
  const NoveltyFixture f;
  NoveltyModel novelty = f.fit();
  const DenseMatrix weights = dense_of(f.json.at("weights"));
  take_factor_covariance(novelty, std::span(weights.data(), 48));
  expect_near(novelty.covariance, f.json.at("factor_covariance"), kTolerance);
  const auto n = as_size(novelty.n_coordinates());
  for (std::size_t i = 0; i < n * n; ++i) {
    EXPECT_EQ(novelty.covariance[i], novelty.covariance[i % n * n + i / n]);
  }
  // Factors of what was taken are the same but for axes that are floats.
  const auto taken = novelty.covariance;
  take_factor_covariance(novelty, std::span(weights.data(), 48));
  for (std::size_t i = 0; i < n * n; ++i) EXPECT_NEAR(novelty.covariance[i], taken[i], 1e-7);
}

TEST(FeatureFactors, DistributionsOfGroupsAreNumPys) {
  const NoveltyFixture f;
  NoveltyModel novelty = f.fit();
  const auto center = f.json.at("center").get<std::vector<double>>();
  const auto& expected = f.json.at("groups");
  std::vector<CellsWithInputs> groups(2);
  for (std::size_t group = 0; group < 2; ++group) {
    groups[group].has_input.assign(12, true);
    for (const auto gene : expected.at("lack")[group].get<std::vector<std::size_t>>()) {
      groups[group].has_input[gene] = false;
    }
  }
  const auto of_cells = expected.at("of_cells").get<std::vector<std::size_t>>();
  for (const CellIndex cell : f.training) groups[of_cells[as_size(cell)]].cells.push_back(cell);
  const auto sums = sum_features(MatrixRows(f.features.view()), groups, f.labels, 4, Context(1));
  const RowMajorMatrix type_means = fit_type_means(novelty, sums, center);
  expect_near({type_means.data(), type_means.data() + type_means.size()}, expected.at("type_means"),
              kTolerance);
  novelty.means.clear();
  fit_scores_of_groups(novelty, type_means, center, f.scores.view(), f.labels, groups);
  expect_near(novelty.type_shares, f.json.at("type_shares"));
  expect_near(scores_part(novelty, novelty.means), expected.at("means"), kTolerance);
  auto covariance = scores_part(novelty, novelty.covariance);
  covariance.resize(9);  // what follows are rows of logits, all 0
  expect_near(covariance, expected.at("covariance"), kTolerance);
}

TEST(FeatureFactors, CompleteCellsInGroupsAreAlmostWhatTheyAreTogether) {
  const NoveltyFixture f;
  const NoveltyModel together = f.fit();
  NoveltyModel novelty = together;
  const auto center = f.json.at("center").get<std::vector<double>>();
  const std::vector<CellsWithInputs> groups = {{{f.training.begin(), f.training.begin() + 20}, {}},
                                               {{f.training.begin() + 20, f.training.end()}, {}}};
  const auto sums = sum_features(MatrixRows(f.features.view()), groups, f.labels, 4, Context(1));
  fit_scores_of_groups(novelty, fit_type_means(novelty, sums, center), center, f.scores.view(),
                       f.labels, groups);
  const auto means = scores_part(together, together.means);
  const auto found = scores_part(novelty, novelty.means);
  for (std::size_t i = 0; i < means.size(); ++i) EXPECT_NEAR(found[i], means[i], 1e-5);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(novelty.covariance[8 * i] / together.covariance[8 * i], 1, 0.02) << i;
  }
}

TEST(FeatureFactors, CellsThatLackGenesTellOfThoseThatLackNone) {
  // Two types of 30 genes with two factors, the second type in the second group only.
  constexpr std::size_t kGenes = 30;
  constexpr std::size_t kCells = 6000;
  const Random draws(5, 1);
  NoveltyModel novelty;
  novelty.n_axes = 2;
  for (std::size_t gene = 0; gene < kGenes; ++gene) {
    const double angle = static_cast<double>(gene) * 2 * 3.14159265358979 / kGenes;
    for (const double axis : {std::cos(angle), std::sin(angle)}) {
      novelty.axes.push_back(static_cast<float>(axis * std::sqrt(2.0 / kGenes)));
    }
  }
  const double type_means[2][2] = {{3, 0}, {-1, 2}};
  const double deviations[2] = {2, 1};  // of the factors
  constexpr double kResidual = 0.5;     // deviation
  std::vector<CellsWithInputs> groups(2, {{}, std::vector<bool>(kGenes, true)});
  for (std::size_t gene = 0; gene < 8; ++gene) groups[0].has_input[gene] = false;
  for (std::size_t gene = 20; gene < kGenes; ++gene) groups[1].has_input[gene] = false;
  DenseMatrix scores(kCells, 2);
  CsrMatrix features{kCells, kGenes, {0}, {}, {}};
  std::vector<LabelIndex> labels;
  for (std::size_t cell = 0; cell < kCells; ++cell) {
    const std::size_t group = cell % 2;
    const auto type = group == 1 && cell % 4 == 1 ? std::size_t{1} : std::size_t{0};
    labels.push_back(static_cast<LabelIndex>(type));
    groups[group].cells.push_back(static_cast<CellIndex>(cell));
    const auto draw = [&](std::size_t i) { return draws.normal(cell * 100 + i); };
    double factor[2];
    for (std::size_t i = 0; i < 2; ++i) factor[i] = type_means[type][i] + deviations[i] * draw(i);
    const auto row = scores.row(static_cast<std::int64_t>(cell));
    for (std::size_t gene = 0; gene < kGenes; ++gene) {
      if (!groups[group].has_input[gene]) continue;
      const auto v = std::span(novelty.axes).subspan(2 * gene, 2);
      const double feature = factor[0] * static_cast<double>(v[0]) +
                             factor[1] * static_cast<double>(v[1]) + kResidual * draw(2 + gene);
      for (std::size_t i = 0; i < 2; ++i) row[i] += v[i] * static_cast<float>(feature);
      features.columns.push_back(static_cast<GeneIndex>(gene));
      features.values.push_back(static_cast<float>(feature));
    }
    features.row_start.push_back(static_cast<RowPointer>(features.columns.size()));
  }
  for (std::size_t gene = 0; gene < kGenes; ++gene) {
    double variance = kResidual * kResidual;
    for (std::size_t i = 0; i < 2; ++i) {
      variance += std::pow(static_cast<double>(novelty.axes[2 * gene + i]) * deviations[i], 2);
    }
    novelty.feature_variance.push_back(variance);
  }

  const std::vector<double> center(kGenes);
  const auto sums = sum_features(MatrixRows(features.view()), groups, labels, 2, Context(1));
  const RowMajorMatrix means = fit_type_means(novelty, sums, center);
  fit_scores_of_groups(novelty, means, center, scores.view(), labels, groups);
  EXPECT_NEAR(novelty.type_shares[1], 0.25, 1e-12);
  for (std::size_t type = 0; type < 2; ++type) {
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_NEAR(novelty.means[4 * type + i], type_means[type][i], 0.15) << type << i;
    }
  }
  const FeatureFactors factors = feature_factors(novelty);
  EXPECT_NEAR(factors.within(0, 0), 4, 0.4);
  EXPECT_NEAR(factors.within(1, 1), 1, 0.2);
  EXPECT_NEAR(factors.within(0, 1), 0, 0.2);
  EXPECT_NEAR(factors.residual.mean(), kResidual * kResidual, 0.03);
  // The scores as they are, with missing genes at their means, lie nearer and vary less.
  double sum = 0;
  for (const CellIndex cell : groups[0].cells) sum += static_cast<double>(scores(cell, 0));
  EXPECT_LT(sum / static_cast<double>(groups[0].cells.size()), 2.5);
}

}  // namespace
}  // namespace saithe
