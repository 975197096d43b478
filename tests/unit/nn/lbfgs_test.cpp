// minimize_lbfgs(): known minima, when it stops, and what it throws.

#include "saithe/nn/lbfgs.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <limits>

#include "saithe/core/error.h"

namespace saithe {
namespace {

/// sum of weight_i (x_i - i)^2 / 2 with weights from 1 to 10^4: a badly scaled bowl.
double bowl(std::span<const double> x, std::span<double> gradient) {
  double value = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto place = static_cast<double>(i);
    const double weight = std::pow(10.0, 4 * place / static_cast<double>(x.size() - 1));
    gradient[i] = weight * (x[i] - place);
    value += 0.5 * gradient[i] * (x[i] - place);
  }
  return value;
}

/// ln(e^(x + 3y - 0.1) + e^(x - 3y - 0.1) + e^(-x - 0.1)): convex and curved (Boyd & Vandenberghe
/// 2004, section 9.3). Its minimum is at x = -ln(2) / 2, y = 0.
double valley(std::span<const double> x, std::span<double> gradient) {
  const double a = std::exp(x[0] + 3 * x[1] - 0.1);
  const double b = std::exp(x[0] - 3 * x[1] - 0.1);
  const double c = std::exp(-x[0] - 0.1);
  const double sum = a + b + c;
  gradient[0] = (a + b - c) / sum;
  gradient[1] = 3 * (a - b) / sum;
  return std::log(sum);
}

TEST(Lbfgs, FindsTheBottomOfABadlyScaledBowl) {
  std::vector<double> x(20);
  const auto result = minimize_lbfgs(bowl, x, {2000, 1e-8}, Context(1));
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], static_cast<double>(i), 1e-7);
  EXPECT_LE(result.largest_gradient, 1e-8);
  EXPECT_LT(result.value, 1e-12);
  EXPECT_LT(result.n_iterations, 900);  // SciPy 1.17 with as many pairs: 631
}

TEST(Lbfgs, FindsTheMinimumOfACurvedValleyFromFarAway) {
  for (const auto& start : {std::vector<double>{4, 3}, {-8, -2}, {0, 0}}) {
    std::vector<double> x = start;
    const auto result = minimize_lbfgs(valley, x, {200, 1e-10}, Context(1));
    EXPECT_NEAR(x[0], -0.5 * std::log(2.0), 1e-8);
    EXPECT_NEAR(x[1], 0.0, 1e-8);
    EXPECT_NEAR(result.value, -0.1 + std::log(2 * std::sqrt(2.0)), 1e-12);
  }
}

TEST(Lbfgs, StopsAtItsToleranceAndNotBefore) {
  int n_before = 0;
  for (const double tolerance : {1e-1, 1e-4, 1e-8}) {
    std::vector<double> x(20);
    const auto result = minimize_lbfgs(bowl, x, {2000, tolerance}, Context(1));
    EXPECT_LE(result.largest_gradient, tolerance);
    EXPECT_GT(result.n_iterations, n_before);
    n_before = result.n_iterations;
    // what it says is what the function says at the point it gives
    std::vector<double> gradient(20);
    EXPECT_EQ(bowl(x, gradient), result.value);
    double largest = 0;
    for (const double slope : gradient) largest = std::max(largest, std::abs(slope));
    EXPECT_EQ(largest, result.largest_gradient);
  }
}

TEST(Lbfgs, StopsAfterItsIterationsAndNeverRises) {
  double before = std::numeric_limits<double>::infinity();
  for (int n = 0; n < 12; ++n) {
    std::vector<double> x(20);
    const auto result = minimize_lbfgs(bowl, x, {n, 0}, Context(1));
    EXPECT_EQ(result.n_iterations, n);
    EXPECT_LT(result.value, before);
    before = result.value;
  }
}

TEST(Lbfgs, AtTheMinimumItStays) {
  std::vector<double> x = {0, 1, 2, 3};
  const auto result = minimize_lbfgs(bowl, x, {100, 1e-5}, Context(1));
  EXPECT_EQ(result.n_iterations, 0);
  EXPECT_EQ(x, (std::vector<double>{0, 1, 2, 3}));
}

TEST(Lbfgs, EndsWhereNoFurtherFallCanBeRepresented) {
  // A tolerance that rounding does not allow: the fit ends, at the minimum.
  std::vector<double> x = {4, 3};
  const auto result = minimize_lbfgs(valley, x, {100000, 0}, Context(1));
  EXPECT_LT(result.n_iterations, 1000);
  EXPECT_NEAR(x[0], -0.5 * std::log(2.0), 1e-7);
}

TEST(Lbfgs, StopsWhenCancelled) {
  std::atomic<bool> cancelled = false;
  Context context(1);
  context.cancelled = &cancelled;
  int n_calls = 0;
  std::vector<double> x(20);
  try {
    minimize_lbfgs(
        [&](std::span<const double> at, std::span<double> gradient) {
          cancelled = ++n_calls == 5;
          return bowl(at, gradient);
        },
        x, {500, 1e-8}, context);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Cancelled);
  }
}

TEST(Lbfgs, AStartThatIsNotFiniteIsNumerical) {
  std::vector<double> x = {1};
  const auto nowhere = [](std::span<const double>, std::span<double> gradient) {
    gradient[0] = 0;
    return std::nan("");
  };
  try {
    minimize_lbfgs(nowhere, x, {}, Context(1));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Numerical);
  }
}

}  // namespace
}  // namespace saithe
