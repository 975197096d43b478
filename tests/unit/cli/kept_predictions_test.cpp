// What is kept of each cell comes back in any pieces, in memory or not.

#include "kept_predictions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace saithe::cli {
namespace {

using Texts = std::vector<std::string>;

const LabelSet kTypes({"B", "T|x"});

Predictions block_of(LabelIndex label, float confidence) {
  Predictions block;
  block.labels = {label, kNoLabel};
  block.best_labels = {label, 1};
  block.runners_up = {kNoLabel, 0};
  block.confidence = {confidence, 0.25F};
  block.runner_up_confidence = {0, 0.125F};
  block.novelty = {0.5F, std::nanf("")};
  block.multi_labels = {{1, 0}, {}};
  block.probabilities = DenseMatrix(2, 2);
  const std::array<float, 4> rows = {confidence, 0.5F, 0.75F, 0.25F};
  std::copy(rows.begin(), rows.end(), block.probabilities.data());
  return block;
}

TEST(KeptPredictions, ComeBackInAnyPieces) {
  for (const std::int64_t max_memory : {std::int64_t{32}, kDefaultMemory}) {
    KeptPredictions kept(kTypes, true, max_memory);
    kept.add(block_of(0, 0.5F));
    kept.add(block_of(1, 0.75F));
    EXPECT_EQ(kept.n_cells(), 4);
    EXPECT_EQ(kept.unassigned().n_unassigned, 2);
    EXPECT_EQ(kept.unassigned().n_rejected, 2);
    ASSERT_EQ(kept.unassigned().of_type.size(), 2U);  // cells 0; 2 and the rejected 1 and 3
    EXPECT_EQ(kept.unassigned().of_type[0].n_rejected, 0);
    EXPECT_EQ(kept.unassigned().of_type[1].n_cells, 3);
    EXPECT_EQ(kept.unassigned().of_type[1].n_rejected, 2);
    UnassignedCells empty;
    Predictions empty_cells = block_of(kNoLabel, 0);
    empty_cells.best_labels[1] = kNoLabel;
    empty.add(empty_cells);
    EXPECT_EQ(empty.n_unassigned, 2);
    EXPECT_EQ(empty.n_rejected, 0);
    const Predictions cells = kept.read(1, 3);
    EXPECT_EQ(cells.labels, (std::vector<LabelIndex>{kNoLabel, 1}));
    EXPECT_EQ(cells.best_labels, (std::vector<LabelIndex>{1, 1}));
    EXPECT_EQ(cells.runners_up, (std::vector<LabelIndex>{0, kNoLabel}));
    EXPECT_EQ(cells.confidence, (std::vector<float>{0.25F, 0.75F}));
    EXPECT_EQ(cells.runner_up_confidence, (std::vector<float>{0.125F, 0}));
    EXPECT_TRUE(std::isnan(cells.novelty[0]));
    EXPECT_EQ(cells.novelty[1], 0.5F);
    EXPECT_EQ(kept.probabilities(1, 3), (std::vector<float>{0.75F, 0.25F, 0.75F, 0.5F}));
    EXPECT_EQ(kept.multi_labels(2, 4), (Texts{"T\\|x|B", "unassigned"}));
    EXPECT_EQ(kept.all_multi_labels(), (std::set<std::string>{"T\\|x|B", "unassigned"}));
  }
}

TEST(KeptPredictions, KnowWhichLabelsThereAre) {
  KeptPredictions kept(kTypes, false, kDefaultMemory);
  EXPECT_FALSE(kept.labels_seen().none);
  kept.add(block_of(0, 0.5F));
  EXPECT_EQ(kept.labels_seen().types, (std::vector<bool>{true, false}));
  EXPECT_TRUE(kept.labels_seen().none);
  EXPECT_EQ(kept.best_seen().types, (std::vector<bool>{true, true}));
  EXPECT_FALSE(kept.best_seen().none);
  EXPECT_EQ(kept.runners_up_seen().types, (std::vector<bool>{true, false}));
}

TEST(NameColumn, IsTheColumnOfTheseNames) {
  const Texts names = {"b", "", "a", "b"};
  const ResultColumn column =
      name_column(4, {names.begin(), names.end()}, [&](CellIndex begin, CellIndex end) {
        return Texts(names.begin() + begin, names.begin() + end);
      });
  const CategoryColumn whole = make_category_column(names);
  const auto piece = std::get<CategoryColumn>(column.piece(0, 4));
  EXPECT_EQ(piece.levels, whole.levels);
  EXPECT_EQ(piece.codes, whole.codes);
  EXPECT_EQ(std::get<CategoryColumn>(column.piece(2, 3)).codes, (std::vector<std::int32_t>{0}));
}

}  // namespace
}  // namespace saithe::cli
