#include "saithe/report/axes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "saithe/core/random.h"

namespace saithe {
namespace {

TEST(RoundTicks, AreRoundAndSpanTheValues) {
  EXPECT_EQ(round_ticks(0, 1, 5), (std::vector<double>{0, 0.2, 0.4, 0.6000000000000001, 0.8, 1}));
  EXPECT_EQ(round_ticks(3, 97, 5), (std::vector<double>{0, 20, 40, 60, 80, 100}));
  EXPECT_EQ(round_ticks(-12, 12, 5), (std::vector<double>{-15, -10, -5, 0, 5, 10, 15}));
}

TEST(RoundTicks, AnyRangeIsSpannedInFewSteps) {
  const Random random(3, 0);
  for (std::uint64_t i = 0; i < 500; ++i) {
    const double low = (random.uniform(3 * i) - 0.5) * std::pow(10, 12 * random.uniform(3 * i + 1));
    const double high =
        low + std::pow(10, 8 * random.uniform(3 * i + 2) - 4) * std::max(1.0, std::abs(low) * 1e-3);
    const auto ticks = round_ticks(low, high, 5);
    const double slack = 1e-8 * (high - low) + 1e-12 * std::abs(low);
    EXPECT_LE(ticks.front(), low + slack);
    EXPECT_GE(ticks.back(), high - slack);
    EXPECT_GE(ticks.size(), 3U);
    EXPECT_LE(ticks.size(), 8U) << low << " to " << high;
    EXPECT_TRUE(std::ranges::is_sorted(ticks));
  }
}

TEST(RoundTicks, ASingleValueGetsRoomAroundIt) {
  for (const double value : {0.0, 5.0, -3e6}) {
    const auto ticks = round_ticks(value, value, 5);
    EXPECT_LT(ticks.front(), value);
    EXPECT_GT(ticks.back(), value);
  }
}

TEST(WholeTicks, AreWholeNumbers) {
  EXPECT_EQ(whole_ticks(0, 10), (std::vector<double>{0}));
  EXPECT_EQ(whole_ticks(9, 10), (std::vector<double>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  for (int last = 0; last < 3000; last += 7) {
    const auto ticks = whole_ticks(last, 10);
    EXPECT_LE(ticks.size(), 12U) << last;
    for (const double tick : ticks) EXPECT_EQ(tick, std::round(tick)) << last;
    EXPECT_LE(ticks.back(), last);
  }
}

TEST(TickLabels, HaveTheDecimalsThatTellThemApart) {
  const auto labels = [](std::vector<double> ticks) { return tick_labels(ticks); };
  EXPECT_EQ(labels({0, 1000, 20000}), (std::vector<std::string>{"0", "1,000", "20,000"}));
  EXPECT_EQ(labels({0, 0.25, 0.5}), (std::vector<std::string>{"0.00", "0.25", "0.50"}));
  EXPECT_EQ(labels({-0.2, -1e-17, 0.2}), (std::vector<std::string>{"-0.2", "0.0", "0.2"}));
}

TEST(Scale, MapsItsEndsOntoItsEnds) {
  const Scale scale{2, 6, 100, 300};
  EXPECT_EQ(scale(2), 100);
  EXPECT_EQ(scale(6), 300);
  EXPECT_EQ(scale(3), 150);
}

}  // namespace
}  // namespace saithe
