#pragma once

// Labelled counts -> a model: filters, split, preprocessing, network, evaluation.

#include <optional>
#include <string>
#include <vector>

#include "saithe/classify/evaluate.h"
#include "saithe/classify/model.h"
#include "saithe/data/cell_source.h"
#include "saithe/nn/trainer.h"
#include "saithe/prep/preprocessor.h"
#include "saithe/prep/qc.h"
#include "saithe/prep/split.h"

namespace saithe {

/// Which cells the gene filter and the scaling look at.
enum class ScaleOn {
  Training,  ///< training cells only: nothing of the validation cells leaks into the features
  All        ///< all cells, as the article does
};
template <>
struct EnumNames<ScaleOn> {
  static constexpr std::pair<ScaleOn, const char*> values[] = {{ScaleOn::Training, "training"},
                                                               {ScaleOn::All, "all"}};
};

/// Every option of training.
struct TrainOptions {
  QcOptions qc;
  PreprocessorOptions preprocessor;
  TrainerOptions trainer;
  std::vector<int> hidden = {1028, 256, 128};
  std::vector<double> dropout = {0.2, 0.2};
  SplitKind split = SplitKind::Stratified;
  double validation_fraction = 0.2;
  std::string donor_key;
  ScaleOn scale_on = ScaleOn::Training;

  template <typename Visitor>
  static void describe(Visitor& visit, TrainOptions& options) {
    visit("hidden", options.hidden, "units of each hidden layer");
    visit("dropout", options.dropout, "dropout rate after each hidden layer");
    TrainerOptions::describe(visit, options.trainer);
    visit("split", options.split, "how validation cells are drawn: random, stratified, donor");
    visit("validation-fraction", options.validation_fraction, "share of the cells that validate");
    visit("donor-key", options.donor_key, "obs column of donors, for --split donor");
    visit("scale-on", options.scale_on,
          "cells that gene filter and scaling look at: training, all");
    QcOptions::describe(visit, options.qc);
    PreprocessorOptions::describe(visit, options.preprocessor);
  }

  /// "walkthrough" (the article as written) or "default". Throws Error(InvalidArgument) listing
  /// them.
  static TrainOptions preset(const std::string& name);
};

/// Labelled cells that passed the filters.
struct TrainingData {
  Dataset dataset;  ///< counts of the cells and genes kept
  LabelSet types;
  std::vector<LabelIndex> labels;  ///< of the cells kept
  QcResult qc;                     ///< indices refer to the labelled cells of the input
  std::int64_t n_cells_read = 0;
  std::int64_t n_genes_read = 0;
  std::int64_t n_cells_without_label = 0;
  std::int64_t n_cells_without_counts = 0;
};

/// Drops unlabelled and empty cells, then filters by options.qc (the gene filter waits for the
/// split unless scale_on is All). Throws Error(BadFormat) if fewer than two types or no cell
/// remains, or values are no counts.
TrainingData prepare_training_data(Dataset dataset, const std::vector<std::string>& label_of_cell,
                                   const TrainOptions& options, const Context& context);

/// A trained model and everything that is said of it.
struct TrainResult {
  Model model;
  TrainHistory history;
  Split split;
  Dataset dataset;  ///< cells and model genes kept, counts
  std::vector<LabelIndex> labels;
  QcResult qc;              ///< as in TrainingData; the gene filter's step is there in any case
  Activations activations;  ///< of all cells of `dataset`, evaluation mode, with hidden layer
  /// One softmax of the logits, labels and confidence: what predict() says of the same cells.
  DenseMatrix probabilities;
  std::vector<LabelIndex> predicted;
  std::vector<float> confidence;
  Evaluation training;
  Evaluation validation;
};

/// Splits, fits the preprocessing, trains and judges. With scale_on Training the gene filter counts
/// the training cells. When the context is cancelled after a full epoch the model of that epoch is
/// returned, marked. Throws what its steps throw; Error(BadFormat) if the data have no donor_key, a
/// gene twice, or no gene that passes the filter; Error(InvalidArgument) on options that make no
/// sense; Error(Cancelled).
TrainResult train(TrainingData data, const TrainOptions& options, kernels::Device device,
                  const Context& context,
                  const std::function<void(const EpochRecord&)>& on_epoch = {});

}  // namespace saithe
