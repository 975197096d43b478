// The novelty score against NumPy (tests/golden/novelty), its quantiles and its threshold.

#include "saithe/classify/novelty.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "saithe/core/error.h"
#include "saithe/core/random.h"
#include "saithe/core/text_io.h"

namespace saithe {
namespace {

// Sums of 60 products in double, another order of additions than NumPy's.
constexpr double kTolerance = 1e-10;

struct Fixture {
  nlohmann::json json =
      nlohmann::json::parse(read_file(SAITHE_TEST_FILES "/novelty/expected.json", 1 << 20));
  std::vector<LabelIndex> labels = json.at("labels").get<std::vector<LabelIndex>>();
  std::vector<CellIndex> training;
  DenseMatrix logits;

  Fixture() : training(json.at("n_training").get<std::size_t>()) {
    std::iota(training.begin(), training.end(), CellIndex{0});
    const auto rows = json.at("logits").get<std::vector<std::vector<float>>>();
    logits = DenseMatrix(static_cast<std::int64_t>(rows.size()), 4);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      std::ranges::copy(rows[r], logits.row(static_cast<std::int64_t>(r)).begin());
    }
  }
  [[nodiscard]] NoveltyModel fit() const { return fit_novelty(logits.view(), labels, training); }
};

TEST(Novelty, MeansPrecisionAndDistancesAreNumPys) {
  const Fixture f;
  const NoveltyModel novelty = f.fit();
  EXPECT_EQ(novelty.n_types, 4);
  const auto means = f.json.at("means").get<std::vector<std::vector<double>>>();
  const auto precision = f.json.at("precision").get<std::vector<std::vector<double>>>();
  for (std::size_t r = 0; r < 4; ++r) {
    for (std::size_t c = 0; c < 4; ++c) {
      EXPECT_NEAR(novelty.means[4 * r + c], means[r][c], kTolerance);
      EXPECT_NEAR(novelty.precision[4 * r + c], precision[r][c], kTolerance);
    }
  }
  const auto expected = f.json.at("distances").get<std::vector<double>>();
  const auto found = novelty_distances(novelty, f.logits.view());
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found[i], expected[i], kTolerance * (1 + expected[i]));
  }
}

TEST(Novelty, QuantilesAreNumPys) {
  const Fixture f;
  auto distances = novelty_distances(f.fit(), f.logits.view());
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
  Fixture f;
  // one cell a type, and none of the last: no spread at all
  const std::vector<CellIndex> three = {0, 1, 2};
  const NoveltyModel novelty = fit_novelty(f.logits.view(), f.labels, three);
  const auto distances = novelty_distances(novelty, f.logits.view());
  for (const double d : distances) EXPECT_TRUE(std::isfinite(d));
  for (const CellIndex cell : three) EXPECT_NEAR(distances[as_size(cell)], 0, 1e-6);
  EXPECT_GT(distances[3], 1);
  for (const double mean : novelty.means) EXPECT_TRUE(std::isfinite(mean));
}

TEST(Novelty, ACellFarFromAllTypesIsFarther) {
  const Fixture f;
  const NoveltyModel novelty = f.fit();
  DenseMatrix far(1, 4);
  for (std::int64_t t = 0; t < 4; ++t) far(0, t) = 60;
  const auto known = novelty_distances(novelty, f.logits.view());
  EXPECT_GT(novelty_distances(novelty, far.view())[0], *std::ranges::max_element(known));
}

}  // namespace
}  // namespace saithe
