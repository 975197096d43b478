#include "saithe/classify/one_vs_rest.h"

#include <gtest/gtest.h>

#include <cmath>

#include "saithe/core/random.h"

namespace saithe {
namespace {

constexpr std::int64_t kCells = 4000;
constexpr LabelIndex kTypes = 3;

/// Logits whose type 0 has the probability 1 / (1 + exp(-(1.5 x - 2))) at a logit x (less the
/// mean).
struct Cells {
  TypedLogits typed{DenseMatrix(kCells, kTypes), {}};

  Cells() {
    const Random random(1, 2);
    DenseMatrix& logits = typed.logits;
    for (std::int64_t cell = 0; cell < kCells; ++cell) {
      const auto index = static_cast<std::uint64_t>(3 * cell);
      const double x = 6 * random.uniform(index) - 2;
      const auto shift = static_cast<float>(10 * random.uniform(index + 1));  // means nothing
      logits(cell, 0) = static_cast<float>(x) + shift;
      logits(cell, 1) = static_cast<float>(-x / 2) + shift;
      logits(cell, 2) = static_cast<float>(-x / 2) + shift;
      const bool is_first = random.uniform(index + 2) < 1 / (1 + std::exp(-(1.5 * x - 2)));
      typed.types.push_back({is_first ? 0 : static_cast<LabelIndex>(1 + cell % 2), kNoLabel});
    }
  }
};

TEST(OneVsRest, FindsTheCurveThatMadeTheLabels) {
  const Cells cells;
  const OneVsRest model = fit_one_vs_rest(cells.typed);
  // The standard error of a logistic fit on 4000 cells is about 0.05 here: four of them.
  EXPECT_NEAR(model.slopes[0], 1.5, 0.2);
  EXPECT_NEAR(model.offsets[0], -2, 0.2);
}

TEST(OneVsRest, SeparatedAndMissingTypesHaveFiniteCurves) {
  TypedLogits cells{DenseMatrix(20, 3), {}};
  for (std::int64_t cell = 0; cell < 20; ++cell) {
    cells.types.push_back({cell < 10 ? 0 : 1, kNoLabel});  // no cell of type 2
    cells.logits(cell, cells.types.back()[0]) = 8;
  }
  const OneVsRest model = fit_one_vs_rest(cells);
  for (std::size_t type = 0; type < 3; ++type) {
    EXPECT_TRUE(std::isfinite(model.slopes[type]) && std::isfinite(model.offsets[type]));
  }
  EXPECT_EQ(types_above(model, cells.logits.view().row(0), 0.5), std::vector<LabelIndex>{0});
  EXPECT_EQ(types_above(model, cells.logits.view().row(15), 0.5), std::vector<LabelIndex>{1});
}

TEST(OneVsRest, CellsOfTwoTypesAreBoth) {
  // Logits of 4 for a cell's own type; of cells of two types 2 for both. From cells of one type
  // alone any bound between 0 and 4 would do; the others say that it lies between 0 and 2.
  TypedLogits cells{DenseMatrix(300, 3), {}};
  for (std::int64_t cell = 0; cell < 300; ++cell) {
    const auto type = static_cast<LabelIndex>(cell % 3);
    const auto other = static_cast<LabelIndex>((cell + 1) % 3);
    const bool is_doublet = cell >= 240;
    cells.types.push_back({type, is_doublet ? other : kNoLabel});
    cells.logits(cell, type) = is_doublet ? 2 : 4;
    if (is_doublet) cells.logits(cell, other) = 2;
  }
  const OneVsRest model = fit_one_vs_rest(cells);
  EXPECT_EQ(types_above(model, std::vector<float>{2, 2, 0}, 0.5), (std::vector<LabelIndex>{0, 1}));
  EXPECT_EQ(types_above(model, std::vector<float>{4, 0, 0}, 0.5), std::vector<LabelIndex>{0});
}

TEST(OneVsRest, TheMoreProbableTypeComesFirst) {
  const OneVsRest model{{2, 2, 2}, {0, 0, 0}};
  const std::vector<float> logits = {3, 4, -7};
  EXPECT_EQ(types_above(model, logits, 0.5), (std::vector<LabelIndex>{1, 0}));
  EXPECT_TRUE(types_above(model, logits, 0.9999).empty());
}

}  // namespace
}  // namespace saithe
