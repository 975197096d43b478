// find_suspects(): wrong labels are found, right ones are left in peace.

#include "saithe/classify/suspects.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <optional>

#include "saithe/core/random.h"
#include "support/marker_cells.h"

namespace saithe {
namespace {

/// The standard recipe with a network that is trained in a moment.
RecipeOptions quick_recipe() {
  RecipeOptions options;
  options.linear = true;
  options.hidden = {16};
  options.dropout = {0.3};
  options.layer_norm = true;
  options.class_weights = 0.5;
  options.trainer.epochs = 8;
  options.trainer.minibatch_size = 32;
  options.trainer.learning_rate = 3e-3;
  options.augment.input_mask = 0.2;
  options.augment.thin_share = 0.5;
  return options;
}

/// Marker cells, some with a wrong label.
struct Problem {
  Dataset dataset;
  Preprocessor preprocessor;
  std::optional<InputCells> inputs;
  std::vector<LabelIndex> labels;
  std::vector<LabelIndex> truth;
  std::vector<CellIndex> training;
  LabelIndex n_types = 4;

  Problem(CellIndex n_cells, double share_wrong, LabelIndex n_looks = 4)
      : dataset(testing::marker_cells(n_cells, 60, n_looks, 0, testing::kClear)),
        training(as_size(n_cells)) {
    PreprocessorOptions options;
    options.scale = false;
    preprocessor = Preprocessor::fit(dataset.counts.view(), {}, dataset.var().index(), {}, options,
                                     Context(1));
    inputs.emplace(MatrixRows(dataset.counts.view()), preprocessor, Context(1));
    std::iota(training.begin(), training.end(), CellIndex{0});
    const Random random(77, 1);
    for (CellIndex cell = 0; cell < n_cells; ++cell) {
      truth.push_back(static_cast<LabelIndex>(cell % n_looks));
      const auto at = static_cast<std::uint64_t>(2 * cell);
      const auto shift = static_cast<LabelIndex>(1 + random.below(at, 3));
      labels.push_back(random.uniform(at + 1) < share_wrong ? (truth.back() + shift) % n_looks
                                                            : truth.back());
    }
  }

  [[nodiscard]] std::vector<Suspect> find(const SuspectOptions& options = {},
                                          const RecipeOptions& recipe = quick_recipe(),
                                          const Context& context = Context(2, 3)) const {
    RecipeCells cells;
    cells.inputs = &*inputs;
    cells.labels = labels;
    cells.training = training;
    cells.n_types = n_types;
    const auto backend = kernels::make_backend(kernels::Device::Cpu, context);
    return find_suspects(cells, recipe, options, *backend, context);
  }
};

TEST(Suspects, AFifthOfWrongLabelsIsFound) {
  const Problem problem(400, 0.2);
  const auto suspects = problem.find();
  double n_wrong = 0;
  for (std::size_t cell = 0; cell < problem.labels.size(); ++cell) {
    n_wrong += problem.labels[cell] != problem.truth[cell] ? 1 : 0;
  }
  double n_found = 0;
  double n_named = 0;
  for (const Suspect& suspect : suspects) {
    const auto cell = as_size(suspect.cell);
    EXPECT_EQ(suspect.label, problem.labels[cell]);
    EXPECT_NE(suspect.looks_like, suspect.label);
    EXPECT_GE(suspect.label_probability, 0.0F);
    EXPECT_GT(suspect.probability, suspect.label_probability);
    EXPECT_LE(suspect.probability, 1.0F);
    n_found += problem.labels[cell] != problem.truth[cell] ? 1 : 0;
    n_named += suspect.looks_like == problem.truth[cell] ? 1 : 0;
  }
  EXPECT_TRUE(std::ranges::is_sorted(suspects, {}, &Suspect::cell));
  const auto n_suspects = static_cast<double>(suspects.size());
  RecordProperty("recall", std::to_string(n_found / n_wrong));
  RecordProperty("precision", std::to_string(n_found / n_suspects));
  EXPECT_GE(n_found / n_wrong, 0.85);
  EXPECT_GE(n_found / n_suspects, 0.9);
  EXPECT_GE(n_named / n_suspects, 0.9);
  EXPECT_TRUE(drops_suspects(suspects, 400, problem.n_types, {}));
}

TEST(Suspects, RightLabelsGiveFewAndNoneIsDropped) {
  const Problem problem(400, 0);
  const auto suspects = problem.find();
  EXPECT_LT(static_cast<double>(suspects.size()), 0.02 * 400);  // the gate is at 0.05
  EXPECT_FALSE(drops_suspects(suspects, 400, problem.n_types, {}));
}

TEST(Suspects, AFewCellsThatNothingTellsFromAnotherTypeSpoilNoOthers) {
  Problem problem(400, 0);
  problem.n_types = 5;
  for (std::size_t cell = 0; cell < 280; cell += 40) problem.labels[cell] = 4;
  const auto suspects = problem.find();
  for (const Suspect& suspect : suspects) {
    EXPECT_GE(suspect.probability, 0.25F * suspect.label_probability);
  }
  EXPECT_LT(suspects.size(), 0.03 * 400);  // the seven and few others
  EXPECT_FALSE(drops_suspects(suspects, 400, problem.n_types, {}));
}

// Of these no model has seen enough to say that a label is wrong.
TEST(Suspects, TypesOfFewCellsAreNotJudged) {
  std::vector<std::string> warnings;
  Context listening(2, 3);
  listening.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  RecipeOptions linear = quick_recipe();
  linear.networks = 0;
  Problem each_its_own(12, 0);
  each_its_own.n_types = 12;
  std::iota(each_its_own.labels.begin(), each_its_own.labels.end(), LabelIndex{0});
  EXPECT_TRUE(each_its_own.find({}, linear, listening).empty());
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(warnings[0].starts_with("no label is looked at for being wrong: "));
  Problem four(4, 0);  // fewer cells than folds
  EXPECT_TRUE(four.find({}, linear, listening).empty());
  warnings.clear();
  Problem some(400, 0.2);
  some.n_types = 6;
  for (std::size_t cell = 0; cell < 4; ++cell) some.labels[cell] = 4;
  some.labels[4] = 5;
  const auto suspects = some.find({}, linear, listening);
  EXPECT_GE(suspects.size(), 60U);
  for (const Suspect& suspect : suspects) {
    EXPECT_LT(suspect.label, 4);
    EXPECT_LT(suspect.looks_like, 4);
  }
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(warnings[0].starts_with("labels of 2 types are not looked at for being wrong: "));
}

TEST(Suspects, LabelsThatAllLookWrongAreJudgedAgain) {
  // The five cells that look alike have five labels: that of the one held out is the least likely.
  Problem problem(25, 0, 5);
  problem.n_types = 5;
  for (std::size_t cell = 0; cell < 25; ++cell) {
    problem.labels[cell] = static_cast<LabelIndex>(cell / 5);
  }
  RecipeOptions linear = quick_recipe();
  linear.networks = 0;
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    EXPECT_GE(problem.find({}, linear, Context(2, seed)).size(), 13U);
  }
}

TEST(Suspects, TheLinearModelAloneFindsThemToo) {
  const Problem problem(400, 0.2);
  RecipeOptions linear = quick_recipe();
  linear.networks = 0;
  const auto suspects = problem.find({}, linear);
  double n_found = 0;
  for (const Suspect& suspect : suspects) {
    n_found += suspect.label != problem.truth[as_size(suspect.cell)] ? 1 : 0;
  }
  EXPECT_GE(n_found / static_cast<double>(suspects.size()), 0.85);
  EXPECT_GE(suspects.size(), 60U);
}

TEST(Suspects, ModelsOfASubsampleJudgeAllCells) {
  const Problem problem(400, 0.2);
  SuspectOptions options;
  options.max_cells = 200;
  RecipeOptions linear = quick_recipe();
  linear.networks = 0;
  const auto suspects = problem.find(options, linear);
  double n_found = 0;
  for (const Suspect& suspect : suspects) {
    n_found += suspect.label != problem.truth[as_size(suspect.cell)] ? 1 : 0;
  }
  EXPECT_GE(n_found / static_cast<double>(suspects.size()), 0.8);
  EXPECT_GE(n_found, 60);  // more than half of the wrong ones among 400, not among 200
}

TEST(Suspects, OnlyTrainingCellsAreLookedAt) {
  Problem problem(400, 0.2);
  problem.training.resize(300);
  RecipeOptions linear = quick_recipe();
  linear.networks = 0;
  const auto before = problem.find({}, linear);
  for (const Suspect& suspect : before) EXPECT_LT(suspect.cell, 300);
  for (std::size_t cell = 300; cell < 400; ++cell) problem.labels[cell] = 0;
  const auto after = problem.find({}, linear);
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    EXPECT_EQ(after[i].cell, before[i].cell);
    EXPECT_EQ(after[i].probability, before[i].probability);
  }
}

TEST(Suspects, ThreadsDoNotChangeABit) {
  const Problem problem(120, 0.2);
  const auto one = problem.find({}, quick_recipe(), Context(1, 3));
  const auto many = problem.find({}, quick_recipe(), Context(5, 3));
  ASSERT_FALSE(one.empty());
  ASSERT_EQ(one.size(), many.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].cell, many[i].cell);
    EXPECT_EQ(one[i].probability, many[i].probability);
    EXPECT_EQ(one[i].label_probability, many[i].label_probability);
  }
}

TEST(DropsSuspects, TheGateDecidesUnlessAskedOtherwise) {
  const std::vector<Suspect> five(5, {.label_probability = 0.01F, .probability = 0.9F});
  SuspectOptions options;
  options.gate = 0.05;
  EXPECT_TRUE(drops_suspects(five, 100, 4, options));
  EXPECT_FALSE(drops_suspects(five, 101, 4, options));
  EXPECT_TRUE(drops_suspects(five, 40, 4, options));
  EXPECT_FALSE(drops_suspects(five, 39, 4, options));  // too few of each type
  options.drop = DropSuspects::Always;
  EXPECT_TRUE(drops_suspects(five, 100000, 4, options));
  EXPECT_FALSE(drops_suspects({}, 100, 4, options));
  options.drop = DropSuspects::Never;
  EXPECT_FALSE(drops_suspects(five, 5, 4, options));
  options = {};
  options.gate = 0;
  EXPECT_FALSE(drops_suspects({}, 100, 4, options));
}

TEST(DropsSuspects, TypesThatOverlapAreNoWrongLabelsUnlessTheyAreMany) {
  const Suspect unclear{.label_probability = 0.3F, .probability = 0.5F};
  const Suspect clear{.label_probability = 0.04F, .probability = 0.5F};
  std::vector<Suspect> suspects(50, unclear);
  suspects.resize(74, clear);
  EXPECT_FALSE(drops_suspects(suspects, 500, 4, {}));
  suspects[0] = clear;
  EXPECT_TRUE(drops_suspects(suspects, 500, 4, {}));
  EXPECT_FALSE(drops_suspects(std::vector<Suspect>(74, unclear), 500, 4, {}));
  EXPECT_TRUE(drops_suspects(std::vector<Suspect>(75, unclear), 500, 4, {}));
}

TEST(Suspects, StopWhenCancelledAndRefuseOptionsWithoutSense) {
  const Problem problem(80, 0.2);
  const std::atomic<bool> cancelled = true;
  Context context(1);
  context.cancelled = &cancelled;
  const auto kind_of = [&](const SuspectOptions& options, const Context& own) {
    try {
      (void)problem.find(options, quick_recipe(), own);
    } catch (const Error& error) {
      return error.kind();
    }
    ADD_FAILURE() << "no error";
    return ErrorKind::Internal;
  };
  EXPECT_EQ(kind_of({}, context), ErrorKind::Cancelled);
  SuspectOptions options;
  options.gate = 1.5;
  EXPECT_EQ(kind_of(options, Context(1)), ErrorKind::InvalidArgument);
  options = {};
  options.max_cells = 4;
  EXPECT_EQ(kind_of(options, Context(1)), ErrorKind::InvalidArgument);
}

}  // namespace
}  // namespace saithe
