#include "saithe/kernels/loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace saithe::kernels {
namespace {

TEST(Loss, GradientAgreesWithFiniteDifferences) {
  const std::vector<double> logits = {0.3, -1.2, 2.5, 0.0, 1.1};
  std::vector<double> p(5);
  std::vector<double> gradient(5);
  std::vector<double> unused(5);
  for (const Loss loss : {Loss::CrossEntropy, Loss::Article}) {
    for (std::size_t label = 0; label < 5; ++label) {
      cell_loss(loss, logits, label, p, gradient);
      for (std::size_t i = 0; i < 5; ++i) {
        const double h = 1e-6;
        auto up = logits;
        auto down = logits;
        up[i] += h;
        down[i] -= h;
        const double slope =
            (cell_loss(loss, up, label, p, unused) - cell_loss(loss, down, label, p, unused)) /
            (2 * h);
        EXPECT_NEAR(gradient[i], slope, 1e-8);
      }
    }
  }
}

TEST(Loss, TheArticlesLossCannotFallBelowItsFloor) {
  // With 8 types and all probability on the right one: ln((e + 7) / e).
  std::vector<double> logits(8, 0.0);
  logits[3] = 200;
  std::vector<double> p(8);
  std::vector<double> gradient(8);
  EXPECT_NEAR(cell_loss(Loss::Article, logits, 3, p, gradient),
              std::log((std::exp(1.0) + 7) / std::exp(1.0)), 1e-12);
  EXPECT_NEAR(cell_loss(Loss::CrossEntropy, logits, 3, p, gradient), 0.0, 1e-12);
}

TEST(Loss, LargeLogitsStayFinite) {
  const std::vector<double> logits = {1e4, -1e4, 0};
  std::vector<double> p(3);
  std::vector<double> gradient(3);
  EXPECT_DOUBLE_EQ(cell_loss(Loss::CrossEntropy, logits, 1, p, gradient), 2e4);
  EXPECT_TRUE(std::isfinite(cell_loss(Loss::Article, logits, 1, p, gradient)));
}

}  // namespace
}  // namespace saithe::kernels
