// The novelty score against NumPy (tests/golden/novelty), its quantiles and its threshold.

#include "saithe/classify/novelty.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "novelty_fixture.h"
#include "saithe/core/error.h"
#include "saithe/core/random.h"

namespace saithe {
namespace {

using testing::expect_near;
using testing::NoveltyFixture;

TEST(Novelty, MixtureAndDistancesAreNumPys) {
  const NoveltyFixture f;
  const NoveltyModel novelty = f.fit();
  EXPECT_EQ(novelty.n_types, 4);
  EXPECT_EQ(novelty.n_coordinates(), 7);
  expect_near(novelty.type_shares, f.json.at("type_shares"));
  expect_near(novelty.means, f.json.at("means"));
  expect_near(novelty.covariance, f.json.at("covariance"));
  expect_near(f.distances(novelty), f.json.at("distances"));
  EXPECT_EQ(novelty.mean_logits(2)[1], novelty.means[2 * 7 + 3 + 1]);
}

TEST(Novelty, AModelWithMisfitsWeighsAnUnseenTypeAsNumPyDoes) {
  const NoveltyFixture f;
  NoveltyModel novelty = f.fit();
  novelty.misfit = f.json.at("misfit").get<std::vector<double>>();
  const auto misfits = f.json.at("misfits").get<std::vector<double>>();
  const auto weighed =
      novelty_distances(novelty, f.scores.view(), f.logits.view(), misfits, Context(2));
  expect_near(weighed, f.json.at("against_unseen"));
  // A cell that fits worse is more likely of an unseen type; scores stay above 0.
  std::vector<double> others(misfits.size(), -1000);
  others[0] = misfits[0] + 1;
  const auto moved =
      novelty_distances(novelty, f.scores.view(), f.logits.view(), others, Context(1));
  const auto sum_of = [](double value) { return 2 * std::log(std::expm1(value / 2)); };
  EXPECT_NEAR(sum_of(moved[0]), sum_of(weighed[0]) + 2 * novelty.unseen_type.misfit, 1e-9);
  for (const double value : moved) EXPECT_GE(value, 0);
}

TEST(Novelty, AxesAndVarianceWithinTypesAreNumPys) {
  const NoveltyFixture f;
  NoveltyModel novelty;
  fit_novelty_axes(novelty, MatrixRows(f.features.view()),
                   std::vector<CellsWithInputs>{{f.training, {}}}, f.labels,
                   f.json.at("center").get<std::vector<double>>(), Context(1));
  expect_near(novelty.feature_variance, f.json.at("feature_variance"));
  ASSERT_EQ(novelty.n_axes, 12);  // no more than there are features
  for (std::int64_t gene = 0; gene < 12; ++gene) {
    for (std::int64_t axis = 0; axis < 3; ++axis) {
      EXPECT_NEAR(novelty.axes[as_size(12 * gene + axis)], f.axes(gene, axis), 2e-7);
    }
  }
}

TEST(Novelty, AFeatureVariesAsInTheCellsThatHaveIt) {
  const NoveltyFixture f;
  const auto center = f.json.at("center").get<std::vector<double>>();
  const auto variance_of = [&](const std::vector<CellsWithInputs>& drawn) {
    NoveltyModel novelty;
    fit_novelty_axes(novelty, MatrixRows(f.features.view()), drawn, f.labels, center, Context(1));
    return novelty.feature_variance;
  };
  const std::vector<CellIndex> first(f.training.begin(), f.training.begin() + 20);
  const std::vector<CellIndex> rest(f.training.begin() + 20, f.training.end());
  std::vector<bool> lacks_two(12, true);
  lacks_two[2] = false;
  const auto all = variance_of({{f.training, {}}});
  const auto of_rest = variance_of({{rest, {}}});
  const auto mixed = variance_of({{first, lacks_two}, {rest, {}}});
  for (std::size_t gene = 0; gene < 12; ++gene) {
    EXPECT_NEAR(mixed[gene], gene == 2 ? of_rest[gene] : all[gene], 1e-12) << gene;
  }
  EXPECT_GT(std::abs(of_rest[2] - all[2]), 1e-4);
}

TEST(Novelty, QuantilesAreNumPys) {
  const NoveltyFixture f;
  auto distances = f.distances(f.fit());
  distances.erase(distances.begin(),
                  distances.begin() + static_cast<std::ptrdiff_t>(f.training.size()));
  const auto quantiles = distance_quantiles(distances);
  ASSERT_EQ(quantiles.size(), kNoveltyQuantiles);
  EXPECT_TRUE(std::is_sorted(quantiles.begin(), quantiles.end()));
  for (const auto& [share, value] : f.json.at("quantiles").items()) {
    const auto at = static_cast<std::size_t>(std::lround(1000 * std::stod(share)));
    EXPECT_NEAR(quantiles[at], value.get<double>(), 1e-8) << share;
  }
  EXPECT_TRUE(distance_quantiles({}).empty());
  EXPECT_EQ(distance_quantiles({2.5}), std::vector<double>(kNoveltyQuantiles, 2.5));
}

TEST(Novelty, TheThresholdRejectsTheStatedShare) {
  const Random random(4, 4);
  NoveltyModel novelty;
  novelty.n_types = 2;
  std::vector<double> distances;
  for (std::uint64_t i = 0; i < 5000; ++i) distances.push_back(random.uniform(i));
  novelty.held_out_quantiles = distance_quantiles(distances);
  for (const double rate : {0.01, 0.0123, 0.1, 0.5, 0.999}) {
    const double threshold = novelty_threshold(novelty, rate);
    const auto n_above =
        std::count_if(distances.begin(), distances.end(), [&](double d) { return d > threshold; });
    // between two quantiles a thousandth of the cells may fall either way
    EXPECT_NEAR(static_cast<double>(n_above) / 5000, rate, 0.001) << rate;
  }
  EXPECT_EQ(novelty_threshold(novelty, 0), INFINITY);
  novelty.held_out_quantiles.clear();
  EXPECT_EQ(novelty_threshold(novelty, 0.5), INFINITY);
  for (const double rate : {-0.01, 1.0, std::nan("")}) {
    try {
      (void)novelty_threshold(novelty, rate);
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
      EXPECT_NE(std::string(error.what()).find("--false-reject-rate"), std::string::npos);
    }
  }
}

TEST(Novelty, FewCellsAndMissingTypesStillGiveFiniteDistances) {
  const NoveltyFixture f;
  // one cell a type, and none of the last: no spread at all
  const std::vector<CellIndex> three = {0, 1, 2};
  const NoveltyModel novelty = f.fit(three);
  const auto distances = f.distances(novelty);
  for (const double d : distances) EXPECT_TRUE(std::isfinite(d));
  // only the share of a third is left of the distance
  for (const CellIndex cell : three) EXPECT_NEAR(distances[as_size(cell)], 2 * std::log(3.0), 1e-6);
  EXPECT_GT(distances[3], 10);
  EXPECT_EQ(novelty.type_shares[3], 0);
  for (const double logit : novelty.mean_logits(3)) EXPECT_EQ(logit, 0);
}

TEST(Novelty, ACellFarFromAllTypesIsFarther) {
  const NoveltyFixture f;
  const NoveltyModel novelty = f.fit();
  const auto known = f.distances(novelty);
  // far in what the types differ by, and in what they do not
  for (const float along_axes : {0.0F, 40.0F}) {
    DenseMatrix scores(1, 3);
    DenseMatrix logits(1, 4);
    std::fill_n(scores.data(), 3, along_axes);
    std::fill_n(logits.data(), 4, 40 - along_axes);
    EXPECT_GT(novelty_distances(novelty, scores.view(), logits.view(), {}, Context(1))[0],
              *std::ranges::max_element(known));
  }
}

TEST(Novelty, ACovarianceThatIsNoneIsRefused) {
  const NoveltyFixture f;
  NoveltyModel novelty = f.fit();
  EXPECT_TRUE(has_usable_covariance(novelty));
  novelty.covariance[1] = novelty.covariance[7] = 100;
  EXPECT_FALSE(has_usable_covariance(novelty));
  EXPECT_THROW((void)f.distances(novelty), Error);
}

}  // namespace
}  // namespace saithe
