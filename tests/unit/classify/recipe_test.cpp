// A recipe: which members it makes, what they weigh cells by, and what it refuses.

#include "saithe/classify/recipe.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <numeric>
#include <optional>

#include "support/marker_cells.h"

namespace saithe {
namespace {

/// Marker cells as a recipe takes them.
struct Problem {
  Dataset dataset = testing::marker_cells(120, 40, 3);
  Preprocessor preprocessor;
  std::optional<InputCells> inputs;
  std::vector<LabelIndex> labels;
  std::vector<CellIndex> training;

  Problem() {
    PreprocessorOptions options;
    options.scale = false;
    preprocessor = Preprocessor::fit(dataset.counts.view(), {}, dataset.var().index(), {}, options,
                                     Context(1));
    inputs.emplace(MatrixRows(dataset.counts.view()), preprocessor, Context(1));
    for (CellIndex cell = 0; cell < 120; ++cell) labels.push_back(static_cast<int>(cell % 3));
    for (CellIndex cell = 0; cell < 90; ++cell) training.push_back(cell);
  }

  [[nodiscard]] CsrMatrix features() const {
    return preprocessor.apply(dataset.counts.view(), Context(1)).values;
  }

  [[nodiscard]] RecipeCells cells() const {
    RecipeCells cells;
    cells.inputs = &*inputs;
    cells.labels = labels;
    cells.training = training;
    cells.n_types = 3;
    return cells;
  }

  [[nodiscard]] std::vector<Member> train(const RecipeOptions& options, TrainHistory& history,
                                          const Context& context = Context(1, 5)) const {
    const auto backend = kernels::make_backend(kernels::Device::Cpu, context);
    return train_members(cells(), options, *backend, context, history);
  }
  [[nodiscard]] std::vector<Member> train(const RecipeOptions& options) const {
    TrainHistory history;
    return train(options, history);
  }
};

RecipeOptions small_recipe() {
  RecipeOptions options;
  options.linear = true;
  options.networks = 2;
  options.hidden = {10};
  options.dropout = {0.1};
  options.layer_norm = true;
  options.class_weights = 0.5;
  options.trainer.epochs = 3;
  options.trainer.minibatch_size = 16;
  options.trainer.learning_rate = 3e-3;
  return options;
}

TEST(ClassWeights, AreThePowerOfTheTypesSizeWithMeanOne) {
  const std::vector<LabelIndex> labels = {0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 0};
  const std::vector<CellIndex> training = {0, 1, 2, 3, 4, 9};  // four, one and one
  EXPECT_TRUE(class_weights(labels, training, 3, 0).empty());
  for (const double power : {0.5, 1.0}) {
    const auto weights = class_weights(labels, training, 3, power);
    ASSERT_EQ(weights.size(), labels.size());
    double sum = 0;
    for (const CellIndex cell : training) sum += static_cast<double>(weights[as_size(cell)]);
    EXPECT_NEAR(sum, 6, 1e-5);
    EXPECT_NEAR(static_cast<double>(weights[4] / weights[0]), std::pow(4.0, power), 1e-5);
    EXPECT_EQ(weights[4], weights[9]);
    EXPECT_EQ(weights[11], 0.0F);  // does not train
  }
  // balanced: every type has the same total
  const auto balanced = class_weights(labels, training, 3, 1);
  EXPECT_FLOAT_EQ(4 * balanced[0], balanced[4]);
}

TEST(MemberShapes, AreTheLinearMemberAndTheNetworks) {
  const auto shapes = member_shapes(small_recipe(), 40, 3);
  ASSERT_EQ(shapes.size(), 3U);
  EXPECT_TRUE(shapes[0].hidden.empty());
  EXPECT_FALSE(shapes[0].layer_norm);
  for (const std::size_t i : {std::size_t{1}, std::size_t{2}}) {
    EXPECT_EQ(shapes[i].hidden, std::vector<int>{10});
    EXPECT_EQ(shapes[i].dropout, std::vector<double>{0.1});
    EXPECT_TRUE(shapes[i].layer_norm);
  }
  for (const MlpShape& shape : shapes) {
    EXPECT_EQ(shape.n_inputs, 40);
    EXPECT_EQ(shape.n_outputs, 3);
  }
}

TEST(TrainMembers, AreTheLogisticRegressionAndNetworksOfOwnSeeds) {
  const Problem problem;
  const auto members = problem.train(small_recipe());
  ASSERT_EQ(members.size(), 3U);
  const auto weights = class_weights(problem.labels, problem.training, 3, 1);
  EXPECT_EQ(members[0].parameters,
            fit_logistic_regression(problem.features().view(), problem.inputs->shift(),
                                    problem.labels, problem.training, weights, 3, {},
                                    *kernels::make_backend(kernels::Device::Cpu, Context(1)),
                                    Context(1)));
  EXPECT_NE(members[1].parameters, members[2].parameters);
  EXPECT_EQ(members[0].share, 0.5);
  EXPECT_EQ(members[1].share, 0.25);
  EXPECT_EQ(members[2].share, 0.25);
  // The first network is what it would be alone.
  RecipeOptions alone = small_recipe();
  alone.linear = false;
  alone.networks = 1;
  EXPECT_EQ(problem.train(alone).at(0).parameters, members[1].parameters);
  EXPECT_EQ(problem.train(alone).at(0).share, 1);
  RecipeOptions linear = small_recipe();
  linear.networks = 0;
  EXPECT_EQ(problem.train(linear).at(0).parameters, members[0].parameters);
}

TEST(TrainMembers, NetworksShareWhatTheLinearMemberLeaves) {
  const Problem problem;
  RecipeOptions options = small_recipe();
  options.trainer.epochs = 1;
  options.linear_share = 0.25;
  std::vector<double> shares;
  for (const Member& member : problem.train(options)) shares.push_back(member.share);
  EXPECT_EQ(shares, (std::vector<double>{0.25, 0.375, 0.375}));
  options.linear = false;
  shares.clear();
  for (const Member& member : problem.train(options)) shares.push_back(member.share);
  EXPECT_EQ(shares, (std::vector<double>{0.5, 0.5}));
}

TEST(TrainMembers, AugmentedNetworksDifferAndTheLinearMemberDoesNot) {
  const Problem problem;
  RecipeOptions change = small_recipe();
  change.augment = {.input_mask = 0.2, .thin_share = 0.5, .thin_minimum = 0.3};
  const auto plain = problem.train(small_recipe());
  const auto augmented = problem.train(change);
  EXPECT_EQ(augmented[0].parameters, plain[0].parameters);
  EXPECT_NE(augmented[1].parameters, plain[1].parameters);
}

TEST(TrainMembers, TheLinearMemberIsFittedOnADrawOfManyCells) {
  const Problem problem;
  RecipeOptions options = small_recipe();
  options.networks = 0;
  const auto whole = problem.train(options);
  options.linear_cells = 90;
  EXPECT_EQ(problem.train(options)[0].parameters, whole[0].parameters);
  options.linear_cells = 60;
  const auto drawn = problem.train(options);
  EXPECT_NE(drawn[0].parameters, whole[0].parameters);
  EXPECT_EQ(problem.train(options)[0].parameters, drawn[0].parameters);
  // What it learns from them is much the same: logits of all cells correlate.
  const auto backend = kernels::make_backend(kernels::Device::Cpu, Context(1));
  std::vector<DenseMatrix> logits;
  for (const auto* members : {&whole, &drawn}) {
    const Mlp mlp((*members)[0].shape, (*members)[0].parameters, problem.inputs->shift(), *backend);
    logits.push_back(mlp.forward(problem.features().view(), false, Context(1)).logits);
  }
  double both = 0;
  double first = 0;
  double second = 0;
  for (std::int64_t i = 0; i < 120 * 3; ++i) {
    const auto a = static_cast<double>(logits[0].data()[i]);
    const auto b = static_cast<double>(logits[1].data()[i]);
    both += a * b;
    first += a * a;
    second += b * b;
  }
  EXPECT_GT(both / std::sqrt(first * second), 0.95);
}

TEST(TrainMembers, AnInterruptLeavesOutTheNetworksThatHadNotBegun) {
  const Problem problem;
  std::atomic<bool> cancelled = false;
  Context context(1, 5);
  context.cancelled = &cancelled;
  const auto backend = kernels::make_backend(kernels::Device::Cpu, context);
  TrainHistory history;
  const auto members =
      train_members(problem.cells(), small_recipe(), *backend, context, history,
                    [&](const EpochRecord& record) { cancelled = record.epoch == 1; });
  EXPECT_TRUE(history.was_interrupted);
  EXPECT_EQ(history.epochs.size(), 2U);
  EXPECT_EQ(members.size(), 2U);  // the linear one and the first network
}

TEST(RequireRecipe, NamesTheOptionThatMakesNoSense) {
  const auto message = [](auto change) -> std::string {
    RecipeOptions options = small_recipe();
    change(options);
    try {
      require_recipe(options);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
      return error.what();
    }
    ADD_FAILURE() << "the recipe was accepted";
    return "";
  };
  EXPECT_NO_THROW(require_recipe(small_recipe()));
  const auto names = [&](const char* option, auto change) {
    const std::string text = message(change);
    EXPECT_NE(text.find(option), std::string::npos) << text;
  };
  names("--networks", [](RecipeOptions& o) { o.networks = -1; });
  names("--networks", [](RecipeOptions& o) { o.networks = 101; });
  names("--linear", [](RecipeOptions& o) {
    o.networks = 0;
    o.linear = false;
  });
  names("--hidden", [](RecipeOptions& o) { o.hidden = {0}; });
  names("--dropout", [](RecipeOptions& o) { o.dropout = {0.1, 0.1}; });
  names("--class-weights", [](RecipeOptions& o) { o.class_weights = -0.5; });
  names("--class-weights", [](RecipeOptions& o) { o.class_weights = 1.5; });
  names("--linear-class-weights", [](RecipeOptions& o) { o.linear_class_weights = NAN; });
  names("--linear-share", [](RecipeOptions& o) { o.linear_share = -0.1; });
  names("--linear-share", [](RecipeOptions& o) { o.linear_share = 1.1; });
  names("--linear-share", [](RecipeOptions& o) { o.linear_share = NAN; });
  names("--linear-c", [](RecipeOptions& o) { o.linear_c = 0; });
  names("--linear-c", [](RecipeOptions& o) { o.linear_c = INFINITY; });
}

}  // namespace
}  // namespace saithe
