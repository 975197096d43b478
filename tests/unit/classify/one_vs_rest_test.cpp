#include "saithe/classify/one_vs_rest.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "saithe/core/random.h"

namespace saithe {
namespace {

constexpr std::int64_t kCells = 4000;
constexpr LabelIndex kTypes = 3;

/// Logits whose type 0 has the probability 1 / (1 + exp(-(1.5 x - 2))) at a logit x (less the
/// mean).
struct Cells {
  DenseMatrix logits{kCells, kTypes};
  std::vector<LabelIndex> labels;
  std::vector<CellIndex> rows = std::vector<CellIndex>(static_cast<std::size_t>(kCells));

  Cells() {
    const Random random(1, 2);
    std::iota(rows.begin(), rows.end(), CellIndex{0});
    for (std::int64_t cell = 0; cell < kCells; ++cell) {
      const auto index = static_cast<std::uint64_t>(3 * cell);
      const double x = 6 * random.uniform(index) - 2;
      const auto shift = static_cast<float>(10 * random.uniform(index + 1));  // means nothing
      logits(cell, 0) = static_cast<float>(x) + shift;
      logits(cell, 1) = static_cast<float>(-x / 2) + shift;
      logits(cell, 2) = static_cast<float>(-x / 2) + shift;
      const bool is_first = random.uniform(index + 2) < 1 / (1 + std::exp(-(1.5 * x - 2)));
      labels.push_back(is_first ? 0 : static_cast<LabelIndex>(1 + cell % 2));
    }
  }
};

TEST(OneVsRest, FindsTheCurveThatMadeTheLabels) {
  const Cells cells;
  const OneVsRest model = fit_one_vs_rest(cells.logits.view(), cells.labels, cells.rows);
  // The standard error of a logistic fit on 4000 cells is about 0.05 here: four of them.
  EXPECT_NEAR(model.slopes[0], 1.5, 0.2);
  EXPECT_NEAR(model.offsets[0], -2, 0.2);
}

TEST(OneVsRest, SeparatedAndMissingTypesHaveFiniteCurves) {
  DenseMatrix logits(20, 3);
  std::vector<LabelIndex> labels;
  std::vector<CellIndex> rows;
  for (std::int64_t cell = 0; cell < 20; ++cell) {
    labels.push_back(cell < 10 ? 0 : 1);  // no cell of type 2
    logits(cell, labels.back()) = 8;
    rows.push_back(cell);
  }
  const OneVsRest model = fit_one_vs_rest(logits.view(), labels, rows);
  for (std::size_t type = 0; type < 3; ++type) {
    EXPECT_TRUE(std::isfinite(model.slopes[type]) && std::isfinite(model.offsets[type]));
  }
  const std::vector<float> p = {0.98F, 0.01F, 0.01F};
  EXPECT_EQ(types_above(model, logits.view().row(0), p, 0.5), std::vector<LabelIndex>{0});
  EXPECT_EQ(types_above(model, logits.view().row(15), p, 0.5), std::vector<LabelIndex>{1});
}

TEST(OneVsRest, ACellOfTwoTypesHasBothTheMoreProbableFirst) {
  const OneVsRest model{{2, 2, 2}, {0, 0, 0}};
  const std::vector<float> logits = {3, 4, -7};
  EXPECT_EQ(types_above(model, logits, std::vector<float>{0.3F, 0.7F, 0}, 0.5),
            (std::vector<LabelIndex>{1, 0}));
  // Too improbable among all types to be one of two.
  EXPECT_EQ(types_above(model, logits, std::vector<float>{0.001F, 0.999F, 0}, 0.5),
            std::vector<LabelIndex>{1});
  EXPECT_TRUE(types_above(model, logits, std::vector<float>{0.3F, 0.7F, 0}, 0.9999).empty());
}

}  // namespace
}  // namespace saithe
