#include "saithe/nn/trainer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>

#include "saithe/nn/minibatches.h"
#include "support/random_cells.h"

namespace saithe {
namespace {

/// Three types, each with ten genes of its own, over 200 cells.
struct Problem {
  CsrMatrix cells;
  std::vector<LabelIndex> labels;
  std::vector<CellIndex> training;
  std::vector<CellIndex> validation;
  std::vector<float> shift = std::vector<float>(40, 0.1F);
  MlpShape shape;

  Problem() {
    const Random random(5, 1);
    cells.n_rows = 200;
    cells.n_cols = 40;
    std::uint64_t index = 0;
    for (int c = 0; c < 200; ++c) {
      labels.push_back(c % 3);
      for (int g = 0; g < 40; ++g) {
        const double share = g / 10 == c % 3 ? 0.6 : 0.1;
        if (random.uniform(index++) >= share) continue;
        cells.columns.push_back(g);
        cells.values.push_back(1.0F);
      }
      cells.row_start.push_back(static_cast<RowPointer>(cells.columns.size()));
      (c < 150 ? training : validation).push_back(c);
    }
    shape.n_inputs = 40;
    shape.hidden = {16, 8};
    shape.dropout = {0.2, 0.2};
    shape.n_outputs = 3;
  }

  TrainHistory train(const TrainerOptions& options, const Context& context,
                     MlpParameters* trained = nullptr,
                     const std::function<void(const EpochRecord&)>& on_epoch = {}) const {
    const auto backend = kernels::make_backend(kernels::Device::Cpu, context);
    Mlp mlp(shape, initial_parameters(shape, context.seed()), shift, *backend);
    auto history =
        train_network(mlp, cells.view(), labels, training, validation, options, context, on_epoch);
    if (trained != nullptr) *trained = mlp.parameters();
    return history;
  }
};

TrainerOptions quick_options() {
  TrainerOptions options;
  options.epochs = 20;
  options.learning_rate = 5e-3;
  return options;
}

TEST(TrainNetwork, LearnsSeparableTypes) {
  for (const auto loss : {kernels::Loss::CrossEntropy, kernels::Loss::Article}) {
    TrainerOptions options = quick_options();
    options.loss = loss;
    const auto history = Problem().train(options, Context(2, 3));
    ASSERT_EQ(history.epochs.size(), 20U);
    EXPECT_LT(history.epochs.back().train_loss, history.epochs.front().train_loss);
    EXPECT_GT(history.epochs.back().validation_accuracy, 0.9);
    EXPECT_EQ(history.epochs[7].epoch, 7);
    EXPECT_FALSE(history.was_interrupted);
  }
}

TEST(TrainNetwork, SameSeedGivesTheSameBitsForAnyThreads) {
  MlpParameters one;
  MlpParameters many;
  MlpParameters other_seed;
  const auto first = Problem().train(quick_options(), Context(1, 3), &one);
  const auto second = Problem().train(quick_options(), Context(4, 3), &many);
  Problem().train(quick_options(), Context(1, 4), &other_seed);
  EXPECT_EQ(one.weights, many.weights);
  EXPECT_EQ(first.epochs.back().validation_loss, second.epochs.back().validation_loss);
  EXPECT_NE(one.weights, other_seed.weights);
}

TEST(TrainNetwork, HistoryIsTheMeanOfMinibatchMeans) {
  // With one epoch of a vanishing step, the validation loss can be computed from the start weights.
  const Problem problem;
  TrainerOptions options = quick_options();
  options.epochs = 1;
  options.learning_rate = 1e-12;
  options.minibatch_size = 32;  // 50 validation cells: 32 and 18, so the two means differ
  const Context context(1, 3);
  const auto history = problem.train(options, context);
  const auto backend = kernels::make_backend(kernels::Device::Cpu, context);
  const Mlp mlp(problem.shape, initial_parameters(problem.shape, 3), problem.shift, *backend);
  const auto logits =
      mlp.forward(select_rows(problem.cells.view(), problem.validation).view(), false, context)
          .logits;
  double means = 0;
  for (const auto& [begin, end] : {std::pair(0, 32), std::pair(32, 50)}) {
    double sum = 0;
    std::vector<double> row(3);
    std::vector<double> p(3);
    std::vector<double> d(3);
    for (int r = begin; r < end; ++r) {
      std::copy(logits.row(r).begin(), logits.row(r).end(), row.begin());
      const auto label = problem.labels[as_size(problem.validation[as_size(r)])];
      sum += kernels::cell_loss(options.loss, row, as_size(label), p, d);
    }
    means += sum / (end - begin) / 2;
  }
  EXPECT_NEAR(history.epochs[0].validation_loss, means, 1e-6);
}

TEST(TrainNetwork, WithoutValidationCellsItsColumnsAreNaN) {
  Problem problem;
  problem.validation.clear();
  TrainerOptions options = quick_options();
  options.epochs = 1;
  const auto history = problem.train(options, Context(1, 3));
  EXPECT_TRUE(std::isnan(history.epochs[0].validation_loss));
  EXPECT_FALSE(std::isnan(history.epochs[0].train_loss));
}

TEST(TrainNetwork, AnInterruptGoesBackToTheLastFullEpoch) {
  std::atomic<bool> cancelled = false;
  Context context(2, 3);
  context.cancelled = &cancelled;
  // Stops in the middle of the fourth epoch: 150 cells make 3 minibatches an epoch.
  context.on_progress = [&](const ProgressUpdate& update) {
    if (update.done == 3 * 3 + 1) cancelled = true;
  };
  MlpParameters stopped;
  const auto history = Problem().train(quick_options(), context, &stopped);
  EXPECT_TRUE(history.was_interrupted);
  ASSERT_EQ(history.epochs.size(), 3U);

  TrainerOptions three = quick_options();
  three.epochs = 3;
  MlpParameters expected;
  Problem().train(three, Context(2, 3), &expected);
  EXPECT_EQ(stopped.weights, expected.weights);
  EXPECT_EQ(stopped.biases, expected.biases);
}

TEST(TrainNetwork, AnInterruptBeforeTheFirstEpochIsCancelled) {
  std::atomic<bool> cancelled = true;
  Context context(1, 3);
  context.cancelled = &cancelled;
  try {
    Problem().train(quick_options(), context);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Cancelled);
  }
}

TEST(TrainNetwork, ALossThatIsNotFiniteNamesEpochAndStep) {
  Problem problem;
  problem.cells.values[problem.cells.values.size() / 2] = std::numeric_limits<float>::infinity();
  try {
    problem.train(quick_options(), Context(1, 3));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Numerical);
    EXPECT_NE(std::string(error.what()).find("epoch 0, step"), std::string::npos);
    EXPECT_EQ(std::string(error.what()).find("-nan"), std::string::npos) << error.what();
  }
}

TEST(LearningRate, ACosineRisesOverATenthOfTheStepsAndFallsToZero) {
  TrainerOptions options;
  options.learning_rate = 0.5;
  options.schedule = Schedule::Cosine;
  constexpr std::int64_t kSteps = 100;
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 1, kSteps), 0.05);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 5, kSteps), 0.25);
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 10, kSteps), 0.5);
  EXPECT_NEAR(learning_rate_at(options, 55, kSteps), 0.25, 1e-12);  // half of the way down
  EXPECT_NEAR(learning_rate_at(options, 25, kSteps), 0.25 * (1 + std::sqrt(3.0) / 2), 1e-12);
  EXPECT_NEAR(learning_rate_at(options, 100, kSteps), 0.0, 1e-12);
  for (std::int64_t step = 2; step <= kSteps; ++step) {
    const bool rises =
        learning_rate_at(options, step, kSteps) > learning_rate_at(options, step - 1, kSteps);
    EXPECT_EQ(rises, step <= 10) << step;
  }
  EXPECT_DOUBLE_EQ(learning_rate_at(options, 1, 3), 0.5);  // short: the first step is the warm-up
  options.schedule = Schedule::Constant;
  EXPECT_EQ(learning_rate_at(options, 1, kSteps), 0.5);
  EXPECT_EQ(learning_rate_at(options, 100, kSteps), 0.5);
}

TEST(NumberOfEpochs, GrowsUntilThereAreEnoughSteps) {
  TrainerOptions options;
  options.epochs = 15;
  options.minibatch_size = 128;
  EXPECT_EQ(n_epochs(options, 100), 15);
  options.min_steps = 200;
  EXPECT_EQ(n_epochs(options, 100), 200);  // one step an epoch
  EXPECT_EQ(n_epochs(options, 128), 200);
  EXPECT_EQ(n_epochs(options, 129), 100);   // two
  EXPECT_EQ(n_epochs(options, 385), 50);    // four: 50 epochs are 200 steps
  EXPECT_EQ(n_epochs(options, 12800), 15);  // a hundred: enough as it is
  options.min_steps = 201;
  EXPECT_EQ(n_epochs(options, 385), 51);
}

TEST(Epochs, AreFewerWhereTheStepsWouldBeTooMany) {
  TrainerOptions options;
  options.epochs = 15;
  options.minibatch_size = 128;
  options.max_steps = 20000;
  EXPECT_EQ(n_epochs(options, 1000), 15);
  EXPECT_EQ(n_epochs(options, 128000), 15);   // 15 000 steps
  EXPECT_EQ(n_epochs(options, 800000), 3);    // 6 250 steps each
  EXPECT_EQ(n_epochs(options, 10000000), 1);  // one is more than the steps, and needed
}

TEST(TrainNetwork, TakesTheEpochsThatItsStepsAskFor) {
  TrainerOptions options = quick_options();
  options.epochs = 1;
  options.min_steps = 10;  // 150 cells in minibatches of 64: three steps an epoch
  EXPECT_EQ(Problem().train(options, Context(1, 3)).epochs.size(), 4U);
}

/// Trains the problem's network with an augmentation, and gives the weights.
MlpParameters trained_with(const Problem& problem, const Augmentation& augmentation,
                           const TrainerOptions& options) {
  const Context context(1, 3);
  const auto backend = kernels::make_backend(kernels::Device::Cpu, context);
  Mlp mlp(problem.shape, initial_parameters(problem.shape, 3), problem.shift, *backend);
  train_network(mlp, problem.cells.view(), problem.labels, problem.training, problem.validation,
                options, context, {}, augmentation);
  return mlp.parameters();
}

TEST(TrainNetwork, FeaturesMadeInStretchesGiveTheSameBitsAsThoseInMemory) {
  const Problem problem;
  TrainerOptions options = quick_options();
  options.epochs = 3;
  options.minibatch_size = 1;  // more minibatches than a stretch has
  Augmentation made;
  made.features_of_epoch = [&](std::span<const CellIndex> cells, int) {
    return select_rows(problem.cells.view(), cells);
  };
  made.validation_features = [&](std::span<const CellIndex> cells) {
    return select_rows(problem.cells.view(), cells);
  };
  Augmentation few = made;  // two cells have as many features as a stretch may have
  few.most_features = [](CellIndex) { return std::int64_t{1} << 20; };
  const Context context(2, 11);
  const auto backend = kernels::make_backend(kernels::Device::Cpu, context);
  std::vector<MlpParameters> parameters;
  std::vector<TrainHistory> histories;
  const CsrMatrix nothing;
  for (const Augmentation* augmentation :
       std::initializer_list<const Augmentation*>{nullptr, &made, &few}) {
    Mlp mlp(problem.shape, initial_parameters(problem.shape, 3), problem.shift, *backend);
    const bool is_made = augmentation != nullptr;
    histories.push_back(train_network(mlp, is_made ? nothing.view() : problem.cells.view(),
                                      problem.labels, problem.training, problem.validation, options,
                                      context, {}, is_made ? *augmentation : Augmentation{}));
    parameters.push_back(mlp.parameters());
  }
  ASSERT_GT(problem.training.size(), 64U);
  for (const std::size_t i : {std::size_t{1}, std::size_t{2}}) {
    EXPECT_EQ(parameters[0], parameters[i]);
    for (std::size_t epoch = 0; epoch < 3; ++epoch) {
      const EpochRecord& expected = histories[0].epochs[epoch];
      const EpochRecord& found = histories[i].epochs[epoch];
      EXPECT_EQ(expected.train_loss, found.train_loss);
      EXPECT_EQ(expected.validation_loss, found.validation_loss);
      EXPECT_EQ(expected.validation_accuracy, found.validation_accuracy);
    }
  }
}

TEST(TrainNetwork, EveryEpochHasItsOwnFeatures) {
  const Problem problem;
  TrainerOptions options = quick_options();
  options.epochs = 4;
  std::vector<int> asked;
  Augmentation same;
  same.features_of_epoch = [&](std::span<const CellIndex> cells, int epoch) {
    asked.push_back(epoch);
    return select_rows(problem.cells.view(), cells);
  };
  const auto plain = trained_with(problem, {}, options);
  EXPECT_EQ(trained_with(problem, same, options), plain);
  EXPECT_EQ(asked, (std::vector<int>{0, 1, 2, 3}));

  Augmentation changed = same;  // one value of a training cell, in the last epoch
  changed.features_of_epoch = [&](std::span<const CellIndex> cells, int epoch) {
    CsrMatrix features = problem.cells;
    if (epoch == 3) features.values[0] = 5;
    return select_rows(features.view(), cells);
  };
  EXPECT_NE(trained_with(problem, changed, options), plain);

  Augmentation others = same;  // rows that do not train are not asked for
  others.features_of_epoch = [&](std::span<const CellIndex> cells, int) {
    CsrMatrix features = problem.cells;
    for (auto i = as_size(features.row_start[150]); i < features.values.size(); ++i) {
      features.values[i] = 1000;
    }
    return select_rows(features.view(), cells);
  };
  EXPECT_EQ(trained_with(problem, others, options), plain);
}

TEST(TrainNetwork, CellsOfNoWeightTeachNothing) {
  Problem problem;
  TrainerOptions options = quick_options();
  options.epochs = 3;
  std::vector<float> weights(200, 1.0F);
  EXPECT_EQ(trained_with(problem,
                         {.weights = weights,
                          .features_of_epoch = {},
                          .validation_features = {},
                          .most_features = {}},
                         options),
            trained_with(problem, {}, options));
  for (std::size_t cell = 0; cell < 200; cell += 3) weights[cell] = 0;  // the first type's
  const auto without = trained_with(
      problem,
      {.weights = weights, .features_of_epoch = {}, .validation_features = {}, .most_features = {}},
      options);
  for (std::size_t cell = 0; cell < 200; cell += 3) problem.labels[cell] = 1;
  EXPECT_EQ(trained_with(problem,
                         {.weights = weights,
                          .features_of_epoch = {},
                          .validation_features = {},
                          .most_features = {}},
                         options),
            without);
  weights.assign(200, 1.0F);
  EXPECT_NE(trained_with(problem,
                         {.weights = weights,
                          .features_of_epoch = {},
                          .validation_features = {},
                          .most_features = {}},
                         options),
            without);
}

TEST(TrainNetwork, TheHistorysLossIsWeighted) {
  // One minibatch of a vanishing step: the loss is that of the start weights, all cells alike.
  Problem problem;
  problem.shape.dropout.clear();
  TrainerOptions options = quick_options();
  options.epochs = 1;
  options.learning_rate = 1e-12;
  options.minibatch_size = 150;
  const auto loss_of = [&](float weight) {
    const Context context(1, 3);
    const auto backend = kernels::make_backend(kernels::Device::Cpu, context);
    Mlp mlp(problem.shape, initial_parameters(problem.shape, 3), problem.shift, *backend);
    const std::vector<float> weights(200, weight);
    return train_network(mlp, problem.cells.view(), problem.labels, problem.training, {}, options,
                         context, {},
                         {.weights = weights,
                          .features_of_epoch = {},
                          .validation_features = {},
                          .most_features = {}})
        .epochs[0]
        .train_loss;
  };
  EXPECT_NEAR(loss_of(3), 3 * loss_of(1), 1e-9);
}

TEST(TrainNetwork, OptionsOutOfRangeAreRefused) {
  TrainerOptions options = quick_options();
  options.epochs = 0;
  EXPECT_THROW(Problem().train(options, Context(1, 3)), Error);
  options = quick_options();
  options.learning_rate = 0;
  EXPECT_THROW(Problem().train(options, Context(1, 3)), Error);
  options = quick_options();
  options.weight_decay = -1;
  EXPECT_THROW(Problem().train(options, Context(1, 3)), Error);
  options = quick_options();
  options.minibatch_size = 0;
  EXPECT_THROW(Problem().train(options, Context(1, 3)), Error);
  options = quick_options();
  options.min_steps = -1;
  EXPECT_THROW(Problem().train(options, Context(1, 3)), Error);
  options = quick_options();
  options.max_steps = 5;
  options.min_steps = 6;
  EXPECT_THROW(Problem().train(options, Context(1, 3)), Error);
  Problem empty;
  empty.training.clear();
  EXPECT_THROW(empty.train(quick_options(), Context(1, 3)), Error);
}

TEST(TrainNetwork, GoesOnAfterBegunEpochsWithTheSameBits) {
  const Problem problem;
  TrainerOptions options = quick_options();
  options.epochs = 6;
  options.schedule = Schedule::Cosine;
  options.weight_decay = 1e-2;
  MlpParameters whole;
  const Context context(2, 3);
  const auto history = problem.train(options, context, &whole);
  const auto backend = kernels::make_backend(kernels::Device::Cpu, context);
  for (const std::size_t n_begun : {std::size_t{1}, std::size_t{4}, std::size_t{6}}) {
    // Stopped after some epochs by the end of on_epoch, as a checkpoint sees it.
    MlpParameters parameters;
    Mlp::Moments moments;
    TrainHistory begun;
    {
      Mlp mlp(problem.shape, initial_parameters(problem.shape, 3), problem.shift, *backend);
      const auto hear = [&](const EpochRecord& record) {
        if (begun.epochs.size() == n_begun) return;
        begun.epochs.push_back(record);
        parameters = mlp.parameters();
        moments = mlp.moments();
      };
      train_network(mlp, problem.cells.view(), problem.labels, problem.training, problem.validation,
                    options, context, hear);
    }
    Mlp mlp(problem.shape, parameters, problem.shift, *backend);
    mlp.set_moments(moments);
    int n_heard = 0;
    const auto resumed = train_network(
        mlp, problem.cells.view(), problem.labels, problem.training, problem.validation, options,
        context, [&](const EpochRecord&) { ++n_heard; }, {}, begun);
    EXPECT_EQ(mlp.parameters(), whole);
    EXPECT_EQ(n_heard, 6 - static_cast<int>(n_begun));
    ASSERT_EQ(resumed.epochs.size(), 6U);
    EXPECT_EQ(resumed.epochs.back().validation_loss, history.epochs.back().validation_loss);
    EXPECT_EQ(resumed.epochs.back().train_loss, history.epochs.back().train_loss);
  }
}

TEST(TrainNetwork, StoppedBeforeANewEpochItStaysWhereItBegan) {
  const Problem problem;
  TrainerOptions options = quick_options();
  options.epochs = 3;
  const Context plain(1, 3);
  const auto backend = kernels::make_backend(kernels::Device::Cpu, plain);
  Mlp mlp(problem.shape, initial_parameters(problem.shape, 3), problem.shift, *backend);
  TrainHistory begun;
  begun.epochs.resize(1);
  const std::atomic<bool> stop = true;
  Context cancelled = plain;
  cancelled.cancelled = &stop;
  const auto history = train_network(mlp, problem.cells.view(), problem.labels, problem.training,
                                     problem.validation, options, cancelled, {}, {}, begun);
  EXPECT_TRUE(history.was_interrupted);
  EXPECT_EQ(history.epochs.size(), 1U);
  EXPECT_EQ(mlp.parameters(), initial_parameters(problem.shape, 3));
}

}  // namespace
}  // namespace saithe
