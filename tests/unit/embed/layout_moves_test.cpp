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
  std::vector<float> positions;
  LayoutMoves moves;

  explicit Pair(float distance, int n_samples = 0)
      : positions{0, 0, 0.6F * distance, 0.8F * distance} {
    moves.n_points = 2;
    moves.first_link = first_link.data();
    moves.other = other.data();
    moves.period = period.data();
    moves.next_epoch = next_epoch.data();
    moves.positions = positions.data();
    moves.a = static_cast<float>(kA);
    moves.b = static_cast<float>(kB);
    moves.n_samples = n_samples;
    moves.rate = 0.5F;
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  /// The moves of the points [begin, end), in the order found.
  std::vector<Move> moves_of(std::int64_t begin, std::int64_t end) {
    std::vector<Move> found;
    find_moves(moves, begin, end, found);
    return found;
  }
};

/// All that a list of moves does to a point.
Move sum_of(const std::vector<Move>& moves, std::int32_t point) {
  Move sum{point, 0, 0};
  for (const Move& move : moves) {
    if (move.point != point) continue;
    sum.x += move.x;
    sum.y += move.y;
  }
  return sum;
}

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
    const Move move = sum_of(pair.moves_of(0, 1), 0);
    const double tolerance = 2e-4 * std::max(1.0, expected);
    EXPECT_NEAR(static_cast<double>(move.x), 0.6 * expected, tolerance) << distance;
    EXPECT_NEAR(static_cast<double>(move.y), 0.8 * expected, tolerance) << distance;
  }
}

// The link of point 0 acts, that of point 1 waits.
TEST(LayoutMoves, TheOtherEndTakesTheSameMoveReversed) {
  Pair pair(1.0F);
  const std::vector<Move> found = pair.moves_of(0, 2);
  const Move move = sum_of(found, 0);
  const Move reversed = sum_of(found, 1);
  EXPECT_GT(move.x, 0);
  EXPECT_EQ(reversed.x, -move.x);
  EXPECT_EQ(reversed.y, -move.y);
}

TEST(LayoutMoves, ALinkActsOncePerPeriod) {
  Pair pair(1.0F);
  const Move waiting = sum_of(pair.moves_of(1, 2), 1);  // period 2: not in epoch 0
  EXPECT_EQ(waiting.x, 0);
  EXPECT_EQ(waiting.y, 0);
  EXPECT_EQ(pair.next_epoch, (std::vector<float>{1, 2}));
  pair.moves.epoch = 1;
  EXPECT_LT(sum_of(pair.moves_of(1, 2), 1).x, 0);
  EXPECT_EQ(pair.next_epoch, (std::vector<float>{1, 4}));
}

TEST(LayoutMoves, SamplesPushApart) {
  Pair pulled(0.5F);
  Pair pushed(0.5F, 40);
  const auto distance = [](Pair& pair) {
    const Move move = sum_of(pair.moves_of(0, 1), 0);
    return std::hypot(move.x - pair.positions[2], move.y - pair.positions[3]);
  };
  EXPECT_GT(distance(pushed), 2 * distance(pulled));
}

TEST(LayoutMoves, CoincidentPointsStayFinite) {
  Pair pair(0.0F, 5);
  for (const Move& move : pair.moves_of(0, 2)) {
    EXPECT_TRUE(std::isfinite(move.x) && std::isfinite(move.y));
  }
}

// Points move in pairs for speed alone: whether a point has a partner changes nothing.
TEST(LayoutMoves, APointMovesAloneAsBesideAnother) {
  Pair together(1.0F, 5);
  Pair alone(1.0F, 5);
  const std::vector<Move> both = together.moves_of(0, 2);
  std::vector<Move> single = alone.moves_of(0, 1);
  for (const Move& move : alone.moves_of(1, 2)) single.push_back(move);
  for (const std::int32_t point : {0, 1}) {
    EXPECT_EQ(sum_of(both, point).x, sum_of(single, point).x);
    EXPECT_EQ(sum_of(both, point).y, sum_of(single, point).y);
  }
}

}  // namespace
}  // namespace saithe::embed
