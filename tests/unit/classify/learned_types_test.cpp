// Which held-out cells tell how sure a model may be.

#include "saithe/classify/learned_types.h"

#include <gtest/gtest.h>

namespace saithe {
namespace {

const std::vector<LabelIndex> kLabels = {0, 0, 1, 1, 1, 0, 2};

TEST(LearnedTypes, ATypeOfOneFoldAloneIsNotLearnedThere) {
  const std::vector<CellIndex> all = {0, 1, 2, 3, 4, 5, 6};
  const std::vector<int> folds = {0, 1, 0, 0, 0, 1, 1};
  EXPECT_EQ(find_learned(kLabels, all, folds, all),
            (std::vector<bool>{true, true, false, false, false, true, false}));
  // Cells that were dropped teach nothing.
  const std::vector<CellIndex> kept = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(find_learned(kLabels, kept, folds, std::vector<CellIndex>{0, 1}),
            (std::vector<bool>{true, false}));
}

TEST(LearnedTypes, AHeldOutShareIsJudgedByTheTrainingCells) {
  const std::vector<CellIndex> training = {0, 2, 3};
  EXPECT_EQ(find_learned(kLabels, training, {}, std::vector<CellIndex>{1, 4, 5, 6}),
            (std::vector<bool>{true, true, true, false}));
}

TEST(LearnedTypes, WhatWasNotLearnedIsNamedWithItsNumber) {
  const LabelSet types(std::vector<std::string>{"B", "NK", "T"});
  const std::vector<CellIndex> held_out = {2, 3, 5, 6};
  EXPECT_EQ(describe_unlearned(types, kLabels, held_out, {true, true, true, true}, false), "");
  const std::string some =
      describe_unlearned(types, kLabels, held_out, {false, false, true, false}, false);
  EXPECT_NE(some.find("'NK' (2 cells), 'T' (1 cell)"), std::string::npos) << some;
  EXPECT_EQ(some.find("not calibrated"), std::string::npos) << some;
  const std::string none =
      describe_unlearned(types, kLabels, held_out, {false, false, false, false}, true);
  EXPECT_NE(none.find("not calibrated"), std::string::npos) << none;
  EXPECT_NE(some.find("--validate 5-fold judges"), std::string::npos) << some;
  EXPECT_EQ(none.find("--validate"), std::string::npos) << none;  // they were, and it did not
}

}  // namespace
}  // namespace saithe
