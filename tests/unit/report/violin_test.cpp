#include "saithe/report/violin.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "saithe/core/random.h"

namespace saithe {
namespace {

std::vector<double> normal_values(std::size_t n, double mean) {
  const Random random(5, 0);
  std::vector<double> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = mean + random.normal(i);
  return values;
}

TEST(Violin, QuartilesAreNumpys) {
  // numpy.quantile([1, 2, 3, 4, 10], [0.25, 0.5, 0.75]) and of [1, 2, 3, 4]
  const Violin five = violin_of(std::vector<double>{10, 3, 1, 4, 2});
  EXPECT_EQ(five.lower_quartile, 2);
  EXPECT_EQ(five.median, 3);
  EXPECT_EQ(five.upper_quartile, 4);
  EXPECT_EQ(five.low, 1);
  EXPECT_EQ(five.high, 10);
  const Violin four = violin_of(std::vector<double>{4, 2, 3, 1});
  EXPECT_EQ(four.lower_quartile, 1.75);
  EXPECT_EQ(four.median, 2.5);
  EXPECT_EQ(four.upper_quartile, 3.25);
}

TEST(Violin, DensityIsTheKernelSum) {
  const auto values = normal_values(400, 7);
  const Violin violin = violin_of(values);
  double squares = 0;
  double mean = 0;
  for (const double value : values) mean += value / 400;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double bandwidth =
      0.9 * std::pow(400, -0.2) *
      std::min(std::sqrt(squares / 399), (violin.upper_quartile - violin.lower_quartile) / 1.34);
  std::vector<double> expected;
  for (const double at : violin.at) {
    double sum = 0;
    for (const double value : values) {
      sum += std::exp(-0.5 * std::pow((at - value) / bandwidth, 2));
    }
    expected.push_back(sum);
  }
  ASSERT_FALSE(expected.empty());
  ASSERT_EQ(violin.density.size(), expected.size());
  const double largest = std::ranges::max(expected);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(violin.density[i], expected[i] / largest, 0.005) << i;
  }
  EXPECT_EQ(std::ranges::max(violin.density), 1);
}

TEST(Violin, OrderDoesNotMatter) {
  auto values = normal_values(300, 0);
  const Violin violin = violin_of(values);
  std::ranges::reverse(values);
  EXPECT_EQ(violin_of(values).density, violin.density);
}

TEST(Violin, DegenerateValues) {
  EXPECT_TRUE(violin_of({}).at.empty());
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(violin_of(std::vector<double>{nan, infinity}).at.empty());
  const Violin one = violin_of(std::vector<double>{3, nan, 3});
  EXPECT_EQ(one.at, (std::vector<double>{3}));
  EXPECT_EQ(one.density, (std::vector<double>{1}));
  // Almost all values equal: quartile range 0, the standard deviation decides.
  std::vector<double> spike(1000, 0);
  spike.back() = 100;
  for (const double density : violin_of(spike).density) EXPECT_TRUE(std::isfinite(density));
}

}  // namespace
}  // namespace saithe
