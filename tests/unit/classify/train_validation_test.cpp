// train() with the parts of the standard recipe: folds, donors, suspects, calibration, novelty, and
// values that are no counts.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <set>

#include "saithe/classify/predict.h"
#include "saithe/classify/train.h"
#include "saithe/prep/normalize.h"
#include "support/marker_cells.h"

namespace saithe {
namespace {

/// Cells of types that 200 of them are enough to learn.
Dataset marker_cells(CellIndex n_cells, GeneIndex n_genes, int n_types, std::uint64_t stream = 0) {
  return testing::marker_cells(n_cells, n_genes, n_types, stream, testing::kClear);
}

/// The standard preset with a network that is trained in a moment.
TrainOptions quick_standard() {
  TrainOptions options = TrainOptions::preset("standard");
  options.hidden = {12};
  options.trainer.epochs = 5;
  options.trainer.min_steps = 0;
  options.trainer.minibatch_size = 32;
  options.trainer.learning_rate = 3e-3;
  options.suspects.find = false;
  return options;
}

TrainOptions quick_fast() {
  TrainOptions options = quick_standard();
  options.networks = 0;
  return options;
}

TrainOptions by_donor(TrainOptions options) {
  options.validate = Validation::ByDonor;
  options.donor_key = "donor";
  return options;
}

TrainResult trained(const Dataset& dataset, const std::vector<std::string>& labels,
                    const TrainOptions& options, const Context& context = Context(1, 9)) {
  return train(prepare_training_data(dataset, labels, options, context), options,
               kernels::Device::Cpu, context);
}

TrainResult trained(const Dataset& dataset, const TrainOptions& options,
                    const Context& context = Context(1, 9)) {
  return trained(dataset, dataset.obs().as_text("cell_type"), options, context);
}

bool is_equal(const DenseMatrix& a, const DenseMatrix& b) {
  return a.n_rows() == b.n_rows() && a.n_cols() == b.n_cols() &&
         std::equal(a.data(), a.data() + a.n_rows() * a.n_cols(), b.data());
}

/// Multiplies all counts of a cell.
void scale_cell(Dataset& dataset, CellIndex cell) {
  for (auto i = dataset.counts.row_start[as_size(cell)];
       i < dataset.counts.row_start[as_size(cell) + 1]; ++i) {
    dataset.counts.values[as_size(i)] *= static_cast<float>(2 + i % 5);
  }
}

TEST(TrainValidation, FoldsJudgeEveryCellOnceAndTheModelLearnsFromAll) {
  const Dataset dataset = marker_cells(200, 40, 3);
  const auto result = trained(dataset, quick_standard());
  EXPECT_EQ(result.split.training.size(), 200U);
  EXPECT_TRUE(result.split.validation.empty());
  ASSERT_EQ(result.held_out.cells.size(), 200U);
  for (std::size_t i = 0; i < 200; ++i) EXPECT_EQ(result.held_out.cells[i], CellIndex(i));
  EXPECT_EQ(std::set<int>(result.held_out.folds.begin(), result.held_out.folds.end()),
            (std::set<int>{0, 1, 2, 3, 4}));
  EXPECT_EQ(result.held_out.probabilities.n_rows(), 200);
  EXPECT_EQ(result.held_out.distances.size(), 200U);
  EXPECT_EQ(result.validation.n_cells, 200);
  EXPECT_GE(result.validation.accuracy, 0.9);
  EXPECT_FALSE(is_equal(result.held_out.probabilities, result.probabilities));

  const Model& model = result.model;
  ASSERT_EQ(model.members.size(), 2U);
  EXPECT_TRUE(model.members[0].shape.hidden.empty());
  EXPECT_EQ(model.novelty.n_types, 3);
  EXPECT_EQ(model.novelty.held_out_quantiles.size(), kNoveltyQuantiles);
  const ModelScores& scores = model.card.scores;
  EXPECT_EQ(scores.validation, "5-fold");
  EXPECT_EQ(scores.n_cells, 200);
  EXPECT_EQ(scores.accuracy, result.validation.accuracy);
  EXPECT_EQ(scores.nll, result.validation.nll);
  EXPECT_EQ(scores.nll_uncalibrated, result.uncalibrated.nll);
  EXPECT_LE(scores.nll, scores.nll_uncalibrated);
  EXPECT_EQ(scores.f1_of_type.size(), 3U);
  EXPECT_EQ(model.card.cells_of_type, (std::vector<std::int64_t>{67, 67, 66}));
  EXPECT_EQ(model.card.input_sha256.size(), 64U);
  EXPECT_EQ(model.card.n_donors, 0);
}

TEST(TrainValidation, WhatAFoldsCellsHoldDoesNotChangeWhatIsSaidOfTheirNeighbours) {
  // Cells of one fold are judged by models of the others: other counts in half of them leave the
  // other half's probabilities, to the bit.
  const Dataset dataset = marker_cells(150, 40, 3);
  const auto options = quick_standard();
  const auto before = trained(dataset, options);
  Dataset changed = dataset;
  std::set<CellIndex> touched;
  for (std::size_t i = 0; i < 150; ++i) {
    if (before.held_out.folds[i] != 2 || touched.size() >= 15) continue;
    scale_cell(changed, CellIndex(i));
    touched.insert(CellIndex(i));
  }
  auto plain = options;  // one temperature for all would mix them
  plain.calibrate = false;
  const auto first = trained(dataset, plain);
  const auto second = trained(changed, plain);
  ASSERT_EQ(second.held_out.folds, before.held_out.folds);
  bool others_differ = false;
  for (std::size_t i = 0; i < 150; ++i) {
    const auto a = first.held_out.probabilities.row(static_cast<std::int64_t>(i));
    const auto b = second.held_out.probabilities.row(static_cast<std::int64_t>(i));
    if (first.held_out.folds[i] != 2) {
      others_differ |= !std::ranges::equal(a, b);
    } else if (!touched.contains(CellIndex(i))) {
      EXPECT_TRUE(std::ranges::equal(a, b)) << i;
      EXPECT_EQ(first.held_out.distances[i], second.held_out.distances[i]);
    } else {
      EXPECT_FALSE(std::ranges::equal(a, b)) << i;
    }
  }
  EXPECT_TRUE(others_differ);  // these were trained on the touched cells
}

TEST(TrainValidation, ACellsOwnLabelDoesNotTellWhatIsSaidOfIt) {
  const Dataset dataset = marker_cells(160, 40, 3);
  auto options = by_donor(quick_standard());
  options.calibrate = false;
  const auto labels = dataset.obs().as_text("cell_type");
  const auto donors = dataset.obs().as_text("donor");
  auto wrong = labels;
  for (std::size_t cell = 0; cell < 160; ++cell) {
    if (donors[cell] == "d1") wrong[cell] = "type0";
  }
  const auto first = trained(dataset, labels, options);
  const auto second = trained(dataset, wrong, options);
  ASSERT_EQ(first.held_out.folds, second.held_out.folds);
  EXPECT_EQ(first.model.card.n_donors, 4);
  EXPECT_EQ(first.model.card.scores.validation, "by-donor");
  for (std::size_t cell = 0; cell < 160; ++cell) {
    EXPECT_EQ(first.held_out.folds[cell], donors[cell][1] - '0');  // whole donors
    const auto row = static_cast<std::int64_t>(cell);
    EXPECT_EQ(std::ranges::equal(first.held_out.probabilities.row(row),
                                 second.held_out.probabilities.row(row)),
              donors[cell] == "d1")
        << cell;
  }
}

TEST(TrainValidation, ItsPredictionsAreThoseOfPredict) {
  const Dataset dataset = marker_cells(150, 60, 3);
  auto options = quick_standard();
  options.networks = 2;
  options.preprocessor.n_variable_genes = 30;
  auto result = trained(dataset, options);
  EXPECT_EQ(result.model.preprocessor.n_genes(), 30);
  EXPECT_EQ(result.model.members[0].shape.n_inputs, 30);
  EXPECT_EQ(result.model.preprocessor.reference().names.size(), 60U);
  PredictOptions all;
  all.with_logits = true;
  all.with_hidden = true;
  const auto again = predict(result.model, result.dataset, all, kernels::Device::Cpu, Context(2));
  EXPECT_TRUE(is_equal(again.probabilities, result.probabilities));
  EXPECT_TRUE(is_equal(again.logits, result.activations.logits));
  EXPECT_TRUE(is_equal(again.hidden, result.activations.hidden));
  EXPECT_EQ(again.best_labels, result.predicted);
  EXPECT_EQ(again.confidence, result.confidence);
  EXPECT_EQ(again.genes.n_matched, 30);
}

TEST(TrainValidation, ThreadsDoNotChangeABit) {
  const Dataset dataset = marker_cells(150, 60, 3);
  auto options = quick_standard();
  options.suspects.find = true;
  const auto one = trained(dataset, options, Context(1, 9));
  const auto many = trained(dataset, options, Context(4, 9));
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(many.model.members[i].parameters, one.model.members[i].parameters);
  }
  EXPECT_EQ(many.model.calibration, one.model.calibration);
  EXPECT_EQ(many.model.novelty, one.model.novelty);
  EXPECT_EQ(many.model.card, one.model.card);
  EXPECT_TRUE(is_equal(many.held_out.probabilities, one.held_out.probabilities));
}

TEST(TrainValidation, HeldOutCellsAreRejectedAsOftenAsAsked) {
  Dataset dataset = marker_cells(600, 40, 3);
  auto result = trained(dataset, quick_fast());
  for (const double rate : {0.02, 0.1}) {
    const double threshold = novelty_threshold(result.model.novelty, rate);
    const auto n_above =
        std::ranges::count_if(result.held_out.distances, [&](double d) { return d > threshold; });
    EXPECT_NEAR(static_cast<double>(n_above) / 600, rate, 0.003);
  }
  // and new cells of the same types about as often: 3 000 cells, an sd of 0.5 % and of the
  // threshold
  Dataset query = marker_cells(3000, 40, 3, 5);
  PredictOptions options;
  options.false_reject_rate = 0.1;
  const auto found = predict(result.model, query, options, kernels::Device::Cpu, Context(2));
  const auto n_rejected = std::ranges::count(found.labels, kNoLabel);
  EXPECT_NEAR(static_cast<double>(n_rejected) / 3000, 0.1, 0.04);
}

TEST(TrainValidation, CellsOfAnUnknownTypeAreFartherAway) {
  const Dataset all = marker_cells(400, 40, 4);
  std::vector<CellIndex> known;
  std::vector<CellIndex> unknown;
  for (CellIndex cell = 0; cell < 400; ++cell) (cell % 4 == 2 ? unknown : known).push_back(cell);
  const auto result = trained(select_cells(all, known), quick_standard());
  Dataset query = select_cells(all, unknown);
  const auto found = predict(result.model, query, {}, kernels::Device::Cpu, Context(1));
  auto of_known = result.held_out.distances;
  std::ranges::sort(of_known);
  const double median =
      of_known[of_known.size() / 2] / novelty_threshold(result.model.novelty, 0.01);
  double n_above = 0;
  for (const float novelty : found.novelty)
    n_above += static_cast<double>(novelty) > median ? 1 : 0;
  EXPECT_GE(n_above / static_cast<double>(unknown.size()), 0.9);
}

/// Marker cells of which every fifth has the next type's label.
std::vector<std::string> noisy_labels(const Dataset& dataset) {
  auto labels = dataset.obs().as_text("cell_type");
  for (std::size_t cell = 0; cell < labels.size(); cell += 5) {
    labels[cell] = "type" + std::to_string((cell + 1) % 3);
  }
  return labels;
}

TEST(TrainValidation, SuspectsAreListedAndAboveTheGateLeftOut) {
  const Dataset dataset = marker_cells(300, 40, 3);
  auto options = quick_standard();
  options.suspects.find = true;
  const auto labels = noisy_labels(dataset);
  const auto result = trained(dataset, labels, options);
  EXPECT_TRUE(result.suspects_dropped);
  const ModelCard& card = result.model.card;
  EXPECT_EQ(card.n_suspects, static_cast<std::int64_t>(result.suspects.size()));
  EXPECT_EQ(card.n_suspects_dropped, card.n_suspects);
  EXPECT_EQ(std::accumulate(card.cells_of_type.begin(), card.cells_of_type.end(), std::int64_t{0}),
            300 - card.n_suspects);
  EXPECT_EQ(result.training.n_cells, 300 - card.n_suspects);
  EXPECT_EQ(result.validation.n_cells, 300);  // judged they are, with the labels that they have
  double n_wrong = 0;
  for (const Suspect& suspect : result.suspects) n_wrong += suspect.cell % 5 == 0 ? 1 : 0;
  EXPECT_GE(n_wrong, 0.75 * 60);
  EXPECT_GE(n_wrong / static_cast<double>(result.suspects.size()), 0.9);
  // The labels that most cells have win: the model says what the cells are.
  double n_right = 0;
  for (std::size_t cell = 0; cell < 300; ++cell) {
    n_right += result.predicted[cell] == static_cast<LabelIndex>(cell % 3) ? 1 : 0;
  }
  EXPECT_GE(n_right / 300, 0.95);

  options.suspects.drop = DropSuspects::Never;
  const auto kept = trained(dataset, labels, options);
  EXPECT_FALSE(kept.suspects_dropped);
  EXPECT_EQ(kept.suspects.size(), result.suspects.size());
  EXPECT_EQ(kept.model.card.n_suspects_dropped, 0);
  EXPECT_EQ(kept.training.n_cells, 300);
}

TEST(TrainValidation, ATypeThatIsAllSuspectsStays) {
  const Dataset dataset = marker_cells(300, 40, 3);
  auto options = quick_standard();
  options.suspects.find = true;
  options.suspects.drop = DropSuspects::Always;
  auto labels = noisy_labels(dataset);
  for (std::size_t cell = 0; cell < 36; cell += 6) labels[cell] = "rare";  // look like another type
  const auto result = trained(dataset, labels, options);
  const ModelCard& card = result.model.card;
  const LabelIndex rare = result.model.types.find("rare");
  const auto n_rare = std::ranges::count(result.suspects, rare, &Suspect::label);
  ASSERT_GE(n_rare, 2);
  EXPECT_EQ(card.cells_of_type[as_size(rare)], n_rare == 6 ? 6 : 6 - n_rare);
  EXPECT_EQ(card.n_suspects_dropped, card.n_suspects - (n_rare == 6 ? 6 : 0));
  EXPECT_GT(card.n_suspects_dropped, 30);
}

TEST(TrainValidation, WithMoreCellsThanAskedForOneFoldJudges) {
  auto options = quick_fast();
  options.fold_cells = 199;
  const Dataset dataset = marker_cells(200, 40, 3);
  const auto result = trained(dataset, options);
  EXPECT_NEAR(static_cast<double>(result.held_out.cells.size()), 40, 3);
  EXPECT_EQ(std::ranges::count(result.held_out.folds, 0),
            static_cast<std::ptrdiff_t>(result.held_out.cells.size()));
  EXPECT_EQ(result.validation.n_cells, static_cast<std::int64_t>(result.held_out.cells.size()));
  EXPECT_EQ(result.model.card.scores.validation, "5-fold, one fold");
  options.fold_cells = 200;
  EXPECT_EQ(trained(dataset, options).held_out.cells.size(), 200U);
}

TEST(TrainValidation, RightLabelsAreAllTrainedOn) {
  const Dataset dataset = marker_cells(300, 40, 3);
  auto options = quick_standard();
  options.suspects.find = true;
  const auto result = trained(dataset, options);
  EXPECT_FALSE(result.suspects_dropped);
  EXPECT_EQ(result.training.n_cells, 300);
  EXPECT_LT(result.suspects.size(), 9U);
}

TEST(TrainValidation, HeldOutSuspectsAreNotLookedFor) {
  const Dataset dataset = marker_cells(300, 40, 3);
  auto options = quick_fast();
  options.suspects.find = true;
  options.validate = Validation::HeldOut;
  const auto result = trained(dataset, noisy_labels(dataset), options);
  const std::set<CellIndex> validation(result.split.validation.begin(),
                                       result.split.validation.end());
  EXPECT_EQ(validation.size(), 60U);
  ASSERT_FALSE(result.suspects.empty());
  for (const Suspect& suspect : result.suspects) EXPECT_FALSE(validation.contains(suspect.cell));
  EXPECT_EQ(result.validation.n_cells, 60);
  EXPECT_EQ(result.held_out.cells, result.split.validation);
  EXPECT_TRUE(result.held_out.folds.empty());
}

TEST(TrainValidation, WithoutValidationNothingIsClaimed) {
  auto options = quick_fast();
  options.validate = Validation::None;
  const auto result = trained(marker_cells(100, 40, 3), options);
  EXPECT_EQ(result.validation.n_cells, 0);
  EXPECT_EQ(result.training.n_cells, 100);
  EXPECT_EQ(result.model.calibration, Calibration{});
  EXPECT_TRUE(result.model.novelty.held_out_quantiles.empty());
  EXPECT_EQ(result.model.card.scores.validation, "none");
  EXPECT_TRUE(result.model.card.scores.f1_of_type.empty());
}

TEST(TrainValidation, LogarithmsGiveTheModelOfTheCountsTheyWere) {
  const Dataset counts = marker_cells(150, 40, 3);
  Dataset logs = counts;
  normalize_total(logs.counts, 1e4, Context(1));
  log1p_in_place(logs.counts, Context(1));
  auto options = quick_fast();
  options.qc.min_cells = 0;
  const auto of_counts = trained(counts, options);
  const auto of_logs = trained(logs, options);
  EXPECT_EQ(of_logs.model.preprocessor.kind(), ExpressionKind::LogNormalized);
  for (std::size_t gene = 0; gene < 40; ++gene) {
    EXPECT_NEAR(of_logs.model.preprocessor.mean()[gene], of_counts.model.preprocessor.mean()[gene],
                1e-6);
  }
  // Both kinds of query get the same answer from both models, up to the rounding of logarithms.
  for (const Model* model : {&of_counts.model, &of_logs.model}) {
    for (const bool is_log : {false, true}) {
      Dataset query = is_log ? logs : counts;
      const auto found = predict(*model, query, {}, kernels::Device::Cpu, Context(1));
      EXPECT_EQ(found.kind, is_log ? ExpressionKind::LogNormalized : ExpressionKind::Counts);
      for (CellIndex cell = 0; cell < 150; ++cell) {
        for (std::int64_t type = 0; type < 3; ++type) {
          EXPECT_NEAR(static_cast<double>(found.probabilities(cell, type)),
                      static_cast<double>(of_counts.probabilities(cell, type)), 2e-3);
        }
      }
    }
  }
  auto network = quick_standard();  // augmented by masks alone
  const auto masked = trained(logs, network);
  EXPECT_GE(masked.validation.accuracy, 0.9);
}

TEST(TrainValidation, AnInterruptInTheModelsTrainingGivesAModelThatIsJudged) {
  const Dataset dataset = marker_cells(150, 40, 3);
  const auto options = quick_standard();
  std::atomic<bool> cancelled = false;
  Context context(1, 9);
  context.cancelled = &cancelled;
  const auto result =
      train(prepare_training_data(dataset, dataset.obs().as_text("cell_type"), options, context),
            options, kernels::Device::Cpu, context,
            [&](const EpochRecord& record) { cancelled = record.epoch == 1; });
  EXPECT_TRUE(result.model.was_interrupted);
  EXPECT_EQ(result.history.epochs.size(), 2U);
  EXPECT_EQ(result.model.members.size(), 2U);
  EXPECT_EQ(result.validation.n_cells, 150);  // by models that were trained whole
  EXPECT_EQ(result.model.novelty.held_out_quantiles.size(), kNoveltyQuantiles);
}

TEST(TrainValidation, AnInterruptBeforeTheModelsTrainingLeavesNone) {
  const Dataset dataset = marker_cells(150, 40, 3);
  for (const char* stage : {"looking for suspect labels", "validating"}) {
    auto options = quick_fast();
    options.suspects.find = true;
    std::atomic<bool> cancelled = false;
    Context context(1, 9);
    context.cancelled = &cancelled;
    context.on_progress = [&](const ProgressUpdate& update) {
      if (std::string(update.stage) == stage && update.done == 2) cancelled = true;
    };
    try {
      trained(dataset, options, context);
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Cancelled) << stage;
    }
  }
}

TEST(TrainValidation, DonorsAndValidationMustAgree) {
  const Dataset dataset = marker_cells(100, 30, 3);
  const auto kind_of = [&](const TrainOptions& options) {
    try {
      trained(dataset, options);
    } catch (const Error& error) {
      return error.kind();
    }
    ADD_FAILURE() << "the options were accepted";
    return ErrorKind::Internal;
  };
  auto options = quick_fast();
  options.donor_key = "donor";  // five folds do not look at donors
  EXPECT_EQ(kind_of(options), ErrorKind::InvalidArgument);
  options = quick_fast();
  options.validate = Validation::ByDonor;
  EXPECT_EQ(kind_of(options), ErrorKind::InvalidArgument);
  options = by_donor(quick_fast());
  options.donor_key = "patient";
  EXPECT_EQ(kind_of(options), ErrorKind::BadFormat);
  options = quick_fast();
  options.min_cells_per_type = 0;
  EXPECT_EQ(kind_of(options), ErrorKind::InvalidArgument);
  options.min_cells_per_type = 5;
  options.fold_cells = -5;
  EXPECT_EQ(kind_of(options), ErrorKind::InvalidArgument);
  options.fold_cells = 0;
  options.qc.min_cells = -1;
  EXPECT_EQ(kind_of(options), ErrorKind::InvalidArgument);
  options.qc.min_cells = 0;
  options = quick_fast();
  options.preprocessor.scale = true;  // the augmentation of z-scores
  options.networks = 1;
  EXPECT_EQ(kind_of(options), ErrorKind::InvalidArgument);
}

}  // namespace
}  // namespace saithe
