// Held-out predictions: rows of folds, doublets beside cells.

#include "saithe/classify/held_out.h"

#include <gtest/gtest.h>

namespace saithe {
namespace {

HeldOutPredictions two_folds() {
  HeldOutPredictions held_out;
  held_out.cells = {1, 3, 4};
  held_out.folds = {0, 1, 0};
  reserve_held_out(held_out, 2, false);
  return held_out;
}

/// What a model says of five cells: cell + type / 10.
EnsembleOutput output_of_five(float sign) {
  EnsembleOutput output{DenseMatrix(5, 2), DenseMatrix(5, 2), {}, {}, {}};
  for (std::int64_t cell = 0; cell < 5; ++cell) {
    for (std::int64_t type = 0; type < 2; ++type) {
      output.probabilities(cell, type) =
          static_cast<float>(cell) + static_cast<float>(type) / 10.0F;
      output.logits(cell, type) = sign * output.probabilities(cell, type);
    }
  }
  return output;
}

TEST(HeldOut, EveryFoldFillsItsOwnRows) {
  HeldOutPredictions held_out = two_folds();
  EXPECT_TRUE(held_out.distances.empty());
  EXPECT_EQ(rows_of_fold(held_out, 0), (std::vector<std::size_t>{0, 2}));
  fill_held_out(held_out, 1, output_of_five(1), {});
  EXPECT_EQ(held_out.probabilities(1, 1), 3.1F);
  EXPECT_EQ(held_out.probabilities(0, 1), 0.0F);
  fill_held_out(held_out, 0, output_of_five(-1), {});
  EXPECT_EQ(held_out.logits(0, 1), -1.1F);
  EXPECT_EQ(held_out.logits(1, 1), 3.1F);
  EXPECT_EQ(held_out.logits(2, 0), -4.0F);
  held_out.folds.clear();  // one share: all rows
  EXPECT_EQ(rows_of_fold(held_out, 0).size(), 3U);
}

TEST(HeldOut, DoubletsFollowTheCellsThatAreAskedFor) {
  HeldOutPredictions held_out = two_folds();
  fill_held_out(held_out, 0, output_of_five(1), {});
  fill_held_out(held_out, 1, output_of_five(1), {});
  const std::vector<LabelIndex> of_all_cells = {0, 1, 0, 0, 1};
  DenseMatrix logits(1, 2);
  logits(0, 0) = 7;
  add_doublets(held_out, std::vector<CellPair>{{4, 3}}, of_all_cells, logits);
  logits(0, 0) = 8;
  add_doublets(held_out, std::vector<CellPair>{{3, 1}}, of_all_cells, logits);
  const std::vector<LabelIndex> labels = {1, 0, 1};
  const TypedLogits typed = typed_logits(held_out, labels, std::vector<CellIndex>{1, 2});
  ASSERT_EQ(typed.logits.n_rows(), 4);
  EXPECT_EQ(typed.logits(0, 0), 3.0F);
  EXPECT_EQ(typed.logits(1, 0), 4.0F);
  EXPECT_EQ(typed.logits(2, 0), 7.0F);
  EXPECT_EQ(typed.logits(3, 0), 8.0F);
  using Types = std::vector<std::array<LabelIndex, 2>>;
  EXPECT_EQ(typed.types, (Types{{0, kNoLabel}, {1, kNoLabel}, {1, 0}, {0, 1}}));
}

}  // namespace
}  // namespace saithe
