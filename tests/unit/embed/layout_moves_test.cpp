// One move of single points against the formula in double precision.

#include "saithe/embed/layout_moves.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace saithe::embed {
namespace {

constexpr double kA = 1.5769434;
constexpr double kB = 0.8950609;

/// A pair of linked points; no samples push, so the move is known.
struct Pair {
  std::vector<std::int64_t> first_link = {0, 1, 2};
  std::vector<std::int32_t> other = {1, 0};
  std::vector<float> period = {1, 2};
  std::vector<float> next_epoch = {1, 2};
  std::vector<std::int64_t> back = {1, 0};
  std::vector<float> reactions = std::vector<float>(4);
  std::vector<float> positions;
  std::vector<float> moved = std::vector<float>(4);
  LayoutMoves moves;

  explicit Pair(float distance, int n_samples = 0)
      : positions{0, 0, 0.6F * distance, 0.8F * distance} {
    moves.n_points = 2;
    moves.first_link = first_link.data();
    moves.other = other.data();
    moves.period = period.data();
    moves.next_epoch = next_epoch.data();
    moves.back = back.data();
    moves.reactions = reactions.data();
    moves.positions = positions.data();
    moves.moved = moved.data();
    moves.a = static_cast<float>(kA);
    moves.b = static_cast<float>(kB);
    moves.n_samples = n_samples;
    moves.rate = 0.5F;
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
};

/// Where a point at distance d of its partner is after one pull, as a share of the line to it.
double pull(double d, double rate) {
  const double power = std::pow(d * d, kB);
  const double coefficient = 2 * kA * kB * power / (d * d) / (1 + kA * power);
  return std::min(coefficient * d, 4.0 / 0.8) * rate;
}

TEST(LayoutMoves, ALinkPullsByTheGradientOfTheCurve) {
  for (const float distance : {0.01F, 0.3F, 1.0F, 4.0F, 9.0F}) {
    Pair pair(distance);
    const double expected = pull(static_cast<double>(distance), 0.5);
    move_points(pair.moves, 0, 2);
    const double tolerance = 2e-4 * std::max(1.0, expected);
    EXPECT_NEAR(static_cast<double>(pair.moved[0]), 0.6 * expected, tolerance) << distance;
    EXPECT_NEAR(static_cast<double>(pair.moved[1]), 0.8 * expected, tolerance) << distance;
  }
}

// The link of point 0 acts, that of point 1 waits: what moves point 1 is the reaction alone.
TEST(LayoutMoves, TheOtherEndTakesTheSameMoveReversed) {
  Pair pair(1.0F);
  move_points(pair.moves, 0, 2);
  const std::vector<float> before = pair.positions;
  take_reactions(pair.moves, pair.positions.data(), 0, 2);
  EXPECT_EQ(pair.positions[0], before[0]);
  EXPECT_EQ(pair.positions[1], before[1]);
  EXPECT_EQ(pair.positions[2], before[2] - pair.moved[0]);
  EXPECT_EQ(pair.positions[3], before[3] - pair.moved[1]);
  // Taken once: none is left.
  const std::vector<float> after = pair.positions;
  take_reactions(pair.moves, pair.positions.data(), 0, 2);
  EXPECT_EQ(pair.positions, after);
}

TEST(LayoutMoves, ALinkActsOncePerPeriod) {
  Pair pair(1.0F);
  move_points(pair.moves, 0, 2);  // epoch 0: the link of point 1 has period 2 and waits
  EXPECT_EQ(pair.moved[2], pair.positions[2]);
  EXPECT_EQ(pair.moved[3], pair.positions[3]);
  EXPECT_EQ(pair.next_epoch, (std::vector<float>{2, 2}));
  pair.moves.epoch = 1;
  move_points(pair.moves, 0, 2);
  EXPECT_LT(pair.moved[2], pair.positions[2]);
  EXPECT_EQ(pair.next_epoch, (std::vector<float>{3, 4}));
}

TEST(LayoutMoves, SamplesPushApart) {
  Pair pulled(0.5F);
  Pair pushed(0.5F, 40);
  move_points(pulled.moves, 0, 2);
  move_points(pushed.moves, 0, 2);
  const auto distance = [](const Pair& pair) {
    return std::hypot(pair.moved[0] - pair.positions[2], pair.moved[1] - pair.positions[3]);
  };
  EXPECT_GT(distance(pushed), 2 * distance(pulled));
  EXPECT_TRUE(std::isfinite(pushed.moved[0]) && std::isfinite(pushed.moved[1]));
}

TEST(LayoutMoves, CoincidentPointsStayFinite) {
  Pair pair(0.0F, 5);
  move_points(pair.moves, 0, 2);
  for (const float value : pair.moved) EXPECT_TRUE(std::isfinite(value));
}

TEST(LayoutMoves, OnlyTheRangeIsMoved) {
  Pair pair(1.0F);
  pair.moved = {7, 7, 7, 7};
  move_points(pair.moves, 1, 2);
  EXPECT_EQ(pair.moved[0], 7.0F);
  EXPECT_NE(pair.moved[2], 7.0F);
}

}  // namespace
}  // namespace saithe::embed
