// train(): presets, what the model learns from, determinism, interruption, refused options.

#include "saithe/classify/train.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>

#include "saithe/classify/predict.h"
#include "saithe/core/option_text.h"
#include "saithe/prep/normalize.h"
#include "support/marker_cells.h"

namespace saithe {
namespace {

using testing::marker_cells;

TrainOptions small_network() {
  TrainOptions options;
  options.hidden = {24, 10};
  options.dropout = {0.2};
  options.trainer.epochs = 12;
  options.trainer.minibatch_size = 16;
  options.trainer.learning_rate = 3e-3;
  return options;
}

TrainingData prepared(const Dataset& dataset, const TrainOptions& options) {
  return prepare_training_data(dataset, dataset.obs().as_text("cell_type"), options, Context(1));
}

TrainResult trained(const Dataset& dataset, const TrainOptions& options, int n_threads = 1) {
  return train(prepared(dataset, options), options, kernels::Device::Cpu, Context(n_threads, 9));
}

bool is_equal(const DenseMatrix& a, const DenseMatrix& b) {
  return a.n_rows() == b.n_rows() && a.n_cols() == b.n_cols() &&
         std::equal(a.data(), a.data() + a.n_rows() * a.n_cols(), b.data());
}

TEST(TrainOptions, WalkthroughIsTheArticle) {
  const auto options = TrainOptions::preset("walkthrough");
  EXPECT_EQ(options.qc.min_genes, 200);
  EXPECT_EQ(options.qc.min_cells, 3);
  EXPECT_EQ(options.qc.max_genes, 2500);
  EXPECT_EQ(options.qc.max_percent_mt, 5);
  EXPECT_EQ(options.preprocessor.target_sum, 10000);
  EXPECT_TRUE(options.preprocessor.scale);
  EXPECT_EQ(options.preprocessor.max_value, 0);
  EXPECT_EQ(options.split, SplitKind::Random);
  EXPECT_EQ(options.validation_fraction, 0.2);
  EXPECT_EQ(options.scale_on, ScaleOn::All);
  EXPECT_EQ(options.hidden, (std::vector<int>{1028, 256, 128}));
  EXPECT_EQ(options.dropout, (std::vector<double>{0.2, 0.2}));
  EXPECT_EQ(options.trainer.loss, kernels::Loss::Article);
  EXPECT_EQ(options.trainer.epochs, 10);
  EXPECT_EQ(options.trainer.minibatch_size, 64);
  EXPECT_EQ(options.trainer.learning_rate, 1e-4);
  EXPECT_EQ(options.trainer.weight_decay, 0);
}

TEST(TrainOptions, WithoutAPresetTheyHaveNoCellFilterAndLookAtTrainingCellsOnly) {
  const TrainOptions options;
  EXPECT_EQ(options.qc.min_genes, 0);
  EXPECT_EQ(options.qc.min_cells, 3);
  EXPECT_EQ(options.qc.max_genes, 0);
  EXPECT_EQ(options.qc.max_percent_mt, 0);
  EXPECT_EQ(options.split, SplitKind::Stratified);
  EXPECT_EQ(options.scale_on, ScaleOn::Training);
  EXPECT_EQ(options.trainer.loss, kernels::Loss::CrossEntropy);
}

TEST(TrainOptions, ThePresetsDifferInTheirMembersAlone) {
  const auto standard = TrainOptions::preset("standard");
  EXPECT_TRUE(standard.linear);
  EXPECT_EQ(standard.networks, 1);
  EXPECT_TRUE(standard.layer_norm);
  EXPECT_FALSE(standard.preprocessor.scale);
  EXPECT_EQ(standard.preprocessor.n_variable_genes, 3000);
  EXPECT_EQ(standard.validate, Validation::FiveFold);
  EXPECT_TRUE(standard.calibrate);
  EXPECT_TRUE(standard.novelty);
  EXPECT_TRUE(standard.suspects.find);
  EXPECT_EQ(standard.suspects.drop, DropSuspects::Auto);
  EXPECT_EQ(standard.min_cells_per_type, 5);
  EXPECT_GT(standard.augment.input_mask, 0);
  EXPECT_GT(standard.augment.thin_share, 0);
  auto thorough = TrainOptions::preset("thorough");
  EXPECT_GT(thorough.networks, 1);
  thorough.networks = standard.networks;
  EXPECT_EQ(options_as_text(thorough), options_as_text(standard));
  auto fast = TrainOptions::preset("fast");
  EXPECT_EQ(fast.networks, 0);
  fast.networks = standard.networks;
  EXPECT_EQ(options_as_text(fast), options_as_text(standard));
}

TEST(TrainOptions, AnUnknownPresetListsTheKnownOnes) {
  try {
    TrainOptions::preset("default");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
    EXPECT_NE(std::string(error.what()).find("standard, fast, thorough, walkthrough"),
              std::string::npos);
  }
}

TEST(Train, LearnsTypesAndSaysSo) {
  const Dataset dataset = marker_cells(240, 40, 3);
  const auto options = small_network();
  const auto result = trained(dataset, options);
  EXPECT_EQ(result.split.training.size(), 192U);
  EXPECT_EQ(result.split.validation.size(), 48U);
  EXPECT_GE(result.validation.accuracy, 0.95);
  EXPECT_EQ(result.validation.n_cells, 48);
  EXPECT_EQ(result.training.n_cells, 192);
  EXPECT_EQ(result.history.epochs.size(), 12U);
  EXPECT_LT(result.history.epochs.back().train_loss, result.history.epochs.front().train_loss);
  EXPECT_EQ(result.activations.hidden.n_cols(), 10);
  EXPECT_EQ(result.activations.hidden.n_rows(), 240);

  const Model& model = result.model;
  EXPECT_EQ(model.types.names(), (std::vector<std::string>{"type0", "type1", "type2"}));
  EXPECT_EQ(model.members[0].shape.n_inputs, 40);
  EXPECT_EQ(model.seed, 9U);
  EXPECT_FALSE(model.saithe_version.empty());
  EXPECT_FALSE(model.was_interrupted);
  EXPECT_EQ(model.preprocessor.reference().ids[2], "ENSG2");
  const std::map<std::string, std::string> texts(model.options.begin(), model.options.end());
  EXPECT_EQ(texts.at("hidden"), "24,10");
  EXPECT_EQ(texts.at("learning-rate"), "0.003");
  EXPECT_EQ(texts.at("loss"), "cross-entropy");
  EXPECT_EQ(texts.at("split"), "stratified");
  EXPECT_EQ(texts.at("scale"), "true");
  EXPECT_EQ(texts.at("mt-prefixes"), "MT-,mt-");
}

TEST(Train, ItsPredictionsAreThoseOfPredict) {
  const Dataset dataset = marker_cells(150, 30, 3);
  auto result = trained(dataset, small_network());
  PredictOptions options;
  options.with_hidden = true;
  const auto again =
      predict(result.model, result.dataset, options, kernels::Device::Cpu, Context(2));
  EXPECT_TRUE(is_equal(again.probabilities, result.probabilities));
  EXPECT_TRUE(is_equal(again.hidden, result.activations.hidden));
  EXPECT_EQ(again.labels, result.predicted);
  EXPECT_EQ(again.confidence, result.confidence);
  const auto scores = evaluate(again.probabilities.view(), result.labels, result.model.types);
  const double n = 150;
  EXPECT_NEAR(scores.nll, (result.training.nll * 120 + result.validation.nll * 30) / n, 1e-12);
}

TEST(Train, TheLastEpochsValidationLossIsTheEvaluationsLoss) {
  // One minibatch holds the validation set, so the mean of minibatch means is the mean of cells.
  auto options = small_network();
  options.trainer.minibatch_size = 64;
  options.trainer.loss = kernels::Loss::Article;
  const auto result = trained(marker_cells(150, 30, 3), options);
  ASSERT_EQ(result.split.validation.size(), 30U);
  EXPECT_NEAR(result.validation.loss.value(), result.history.epochs.back().validation_loss, 1e-12);
  EXPECT_EQ(result.validation.accuracy, result.history.epochs.back().validation_accuracy);
}

TEST(Train, AnyNumberOfThreadsGivesTheSameBits) {
  const Dataset dataset = marker_cells(150, 60, 3);
  auto options = small_network();
  options.hidden = {70, 20};
  const auto one = trained(dataset, options, 1);
  for (const int n_threads : {2, 5}) {
    const auto many = trained(dataset, options, n_threads);
    EXPECT_EQ(many.model.members[0].parameters.weights, one.model.members[0].parameters.weights);
    EXPECT_EQ(many.model.members[0].parameters.biases, one.model.members[0].parameters.biases);
    EXPECT_EQ(many.model.preprocessor.mean(), one.model.preprocessor.mean());
    EXPECT_EQ(many.model.preprocessor.sd(), one.model.preprocessor.sd());
    EXPECT_TRUE(is_equal(many.probabilities, one.probabilities));
    EXPECT_EQ(many.validation.nll, one.validation.nll);
  }
}

TEST(Train, ScaledOnTrainingCellsNothingOfTheValidationCellsLeaks) {
  const Dataset dataset = marker_cells(150, 30, 3);
  const auto options = small_network();
  const auto first = trained(dataset, options);
  Dataset changed = dataset;  // other counts in the validation cells; one loses a gene
  for (const CellIndex cell : first.split.validation) {
    for (auto i = changed.counts.row_start[as_size(cell)];
         i < changed.counts.row_start[as_size(cell) + 1]; ++i) {
      changed.counts.values[as_size(i)] *= static_cast<float>(2 + i % 5);
    }
  }
  const auto second = trained(changed, options);
  ASSERT_EQ(second.split.validation, first.split.validation);
  EXPECT_EQ(second.model.preprocessor.mean(), first.model.preprocessor.mean());
  EXPECT_EQ(second.model.preprocessor.sd(), first.model.preprocessor.sd());
  EXPECT_EQ(second.model.members[0].parameters.weights, first.model.members[0].parameters.weights);
  EXPECT_NE(second.validation.nll, first.validation.nll);

  auto all = options;
  all.scale_on = ScaleOn::All;
  EXPECT_NE(trained(changed, all).model.preprocessor.mean(),
            trained(dataset, all).model.preprocessor.mean());
}

TEST(Train, StatisticsAreThoseOfTheStatedCells) {
  const Dataset dataset = marker_cells(100, 20, 2);
  for (const ScaleOn scale_on : {ScaleOn::Training, ScaleOn::All}) {
    auto options = small_network();
    options.scale_on = scale_on;
    options.trainer.epochs = 1;
    const auto result = trained(dataset, options);
    std::vector<CellIndex> cells = result.split.training;
    if (scale_on == ScaleOn::All) {
      cells.insert(cells.end(), result.split.validation.begin(), result.split.validation.end());
    }
    std::sort(cells.begin(), cells.end());
    std::vector<double> mean(20);
    for (const CellIndex cell : cells) {
      const auto genes = dataset.counts.view().row_columns(cell);
      const auto values = dataset.counts.view().row_values(cell);
      double total = 0;
      for (const float value : values) total += static_cast<double>(value);
      for (std::size_t i = 0; i < genes.size(); ++i) {
        mean[as_size(genes[i])] += std::log1p(static_cast<double>(values[i]) * 1e4 / total);
      }
    }
    for (std::size_t gene = 0; gene < 20; ++gene) {
      EXPECT_NEAR(result.model.preprocessor.mean()[gene],
                  mean[gene] / static_cast<double>(cells.size()), 1e-6);
    }
  }
}

TEST(Train, GenesAreFilteredOverTheTrainingCells) {
  const Dataset dataset = marker_cells(100, 30, 2);
  auto options = small_network();
  options.trainer.epochs = 1;
  const auto split = trained(dataset, options).split;
  // gene29 keeps its counts in the validation cells and in two training cells
  Dataset changed = dataset;
  int n_left = 2;
  for (const CellIndex cell : split.training) {
    for (auto i = changed.counts.row_start[as_size(cell)];
         i < changed.counts.row_start[as_size(cell) + 1]; ++i) {
      if (changed.counts.columns[as_size(i)] == 29 && n_left-- <= 0) {
        changed.counts.values[as_size(i)] = 0;
      }
    }
  }
  const auto result = trained(changed, options);
  EXPECT_EQ(result.model.members[0].shape.n_inputs, 29);
  EXPECT_EQ(result.dataset.n_genes(), 29);
  EXPECT_EQ(result.dataset.var().index().back(), "gene28");
  EXPECT_EQ(result.qc.steps.back().n_genes_dropped, 1);
  EXPECT_EQ(result.qc.genes.size(), 29U);
  options.qc.min_cells = 2;
  EXPECT_EQ(trained(changed, options).model.members[0].shape.n_inputs, 30);
  options.qc.min_cells = 1000;
  try {
    trained(changed, options);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::BadFormat);
    EXPECT_NE(std::string(error.what()).find("--min-cells"), std::string::npos);
  }
}

TEST(Train, AnInterruptedTrainingIsTheModelOfTheLastFullEpoch) {
  const Dataset dataset = marker_cells(150, 30, 3);
  auto options = small_network();
  std::atomic<bool> cancelled = false;
  Context context(2, 9);
  context.cancelled = &cancelled;
  const auto stopped = train(prepared(dataset, options), options, kernels::Device::Cpu, context,
                             [&](const EpochRecord& record) { cancelled = record.epoch == 2; });
  EXPECT_TRUE(stopped.model.was_interrupted);
  EXPECT_TRUE(stopped.history.was_interrupted);
  ASSERT_EQ(stopped.history.epochs.size(), 3U);

  options.trainer.epochs = 3;
  const auto whole = trained(dataset, options);
  EXPECT_FALSE(whole.model.was_interrupted);
  EXPECT_EQ(stopped.model.members[0].parameters.weights, whole.model.members[0].parameters.weights);
  EXPECT_EQ(stopped.model.members[0].parameters.biases, whole.model.members[0].parameters.biases);
  EXPECT_EQ(stopped.validation.nll, whole.validation.nll);
}

TEST(Train, CancelledBeforeTheFirstEpochThereIsNoModel) {
  const std::atomic<bool> cancelled = true;
  Context context(1);
  context.cancelled = &cancelled;
  const auto options = small_network();
  try {
    train(prepared(marker_cells(60, 20, 2), options), options, kernels::Device::Cpu, context);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Cancelled);
  }
}

TEST(Train, DonorsAreHeldOutWhole) {
  const Dataset dataset = marker_cells(160, 30, 2);
  auto options = small_network();
  options.split = SplitKind::ByDonor;
  options.donor_key = "donor";
  const auto result = trained(dataset, options);
  const auto donors = result.dataset.obs().as_text("donor");
  std::set<std::string> training;
  for (const CellIndex cell : result.split.training) training.insert(donors[as_size(cell)]);
  for (const CellIndex cell : result.split.validation) {
    EXPECT_EQ(training.count(donors[as_size(cell)]), 0U);
  }
  EXPECT_EQ(training.size(), 3U);
}

TEST(Train, ATypeThatNoTrainingDonorHasIsWarnedOf) {
  Dataset dataset = marker_cells(80, 30, 2);
  std::vector<std::string> donors;  // each type is a donor: one of them is held out
  for (const auto& type : dataset.obs().as_text("cell_type")) donors.push_back("of " + type);
  dataset.obs().set("donor", TextColumn{donors, {}});
  auto options = small_network();
  options.split = SplitKind::ByDonor;
  options.donor_key = "donor";
  options.trainer.epochs = 1;
  Context context(1);
  std::vector<std::string> warnings;
  context.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  train(prepared(dataset, options), options, kernels::Device::Cpu, context);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("cannot learn this type"), std::string::npos);
}

TEST(Train, ATypeWithOneCellTrainsAndIsWarnedOf) {
  const Dataset dataset = marker_cells(61, 30, 2);
  auto labels = dataset.obs().as_text("cell_type");
  labels[60] = "rare";
  auto options = small_network();
  options.trainer.epochs = 1;
  for (const SplitKind split : {SplitKind::Stratified, SplitKind::Random}) {
    options.split = split;
    Context context(1);
    std::vector<std::string> warnings;
    context.on_warning = [&](const std::string& text) { warnings.push_back(text); };
    const auto result = train(prepare_training_data(dataset, labels, options, Context(1)), options,
                              kernels::Device::Cpu, context);
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_NE(warnings[0].find("rare"), std::string::npos);
    if (split == SplitKind::Stratified) {
      const auto& training = result.split.training;
      EXPECT_NE(std::find(training.begin(), training.end(), CellIndex{60}), training.end());
    }
  }
}

TEST(Train, DivergenceIsNamed) {
  auto options = small_network();
  options.trainer.learning_rate = 1e30;
  try {
    trained(marker_cells(150, 30, 3), options);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Numerical);
    EXPECT_NE(std::string(error.what()).find("epoch 0"), std::string::npos) << error.what();
  }
}

TEST(Train, OptionsThatMakeNoSenseAreRefused) {
  const Dataset dataset = marker_cells(60, 20, 2);
  const auto kind_of = [&](auto change) {
    auto options = small_network();
    change(options);
    try {
      trained(dataset, options);
    } catch (const Error& error) {
      return error.kind();
    }
    ADD_FAILURE() << "the options were accepted";
    return ErrorKind::Internal;
  };
  constexpr auto kInvalid = ErrorKind::InvalidArgument;
  EXPECT_EQ(kind_of([](TrainOptions& o) { o.hidden = {8, 0}; }), kInvalid);
  EXPECT_EQ(kind_of([](TrainOptions& o) { o.hidden = std::vector<int>(64, 2); }), kInvalid);
  EXPECT_EQ(kind_of([](TrainOptions& o) { o.dropout = {1.0}; }), kInvalid);
  EXPECT_EQ(kind_of([](TrainOptions& o) { o.dropout = {-0.1}; }), kInvalid);
  EXPECT_EQ(kind_of([](TrainOptions& o) { o.dropout = {0.1, 0.1, 0.1}; }), kInvalid);
  EXPECT_EQ(kind_of([](TrainOptions& o) { o.donor_key = "donor"; }), kInvalid);
  EXPECT_EQ(kind_of([](TrainOptions& o) { o.split = SplitKind::ByDonor; }), kInvalid);
  EXPECT_EQ(kind_of([](TrainOptions& o) { o.trainer.epochs = 0; }), kInvalid);
  EXPECT_EQ(kind_of([](TrainOptions& o) { o.trainer.minibatch_size = 0; }), kInvalid);
  EXPECT_EQ(kind_of([](TrainOptions& o) { o.trainer.learning_rate = -1; }), kInvalid);
  EXPECT_EQ(kind_of([](TrainOptions& o) { o.validation_fraction = 1; }), kInvalid);
  EXPECT_EQ(kind_of([](TrainOptions& o) { o.preprocessor.target_sum = 0; }), kInvalid);
  EXPECT_EQ(kind_of([](TrainOptions& o) { o.preprocessor.max_value = INFINITY; }), kInvalid);
  EXPECT_EQ(kind_of([](TrainOptions& o) {
              o.split = SplitKind::ByDonor;
              o.donor_key = "patient";
            }),
            ErrorKind::BadFormat);
}

}  // namespace
}  // namespace saithe
