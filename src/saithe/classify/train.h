#pragma once

// Labelled cells -> a model: filters, split, preprocessing, suspect labels, members, calibration,
// novelty, evaluation.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "saithe/classify/evaluate.h"
#include "saithe/classify/model.h"
#include "saithe/classify/recipe.h"
#include "saithe/classify/suspects.h"
#include "saithe/data/cell_source.h"
#include "saithe/data/packed_cells.h"
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

/// On which cells a model is judged, and its calibration and threshold are fitted.
enum class Validation {
  HeldOut,   ///< one share of the cells, never trained on (--split, --validation-fraction)
  FiveFold,  ///< every cell, by a model of the other folds; the model itself trains on all cells
  ByDonor,   ///< the same with whole donors as folds (up to 10)
  None       ///< nothing is known of how good the model is
};
template <>
struct EnumNames<Validation> {
  static constexpr std::pair<Validation, const char*> values[] = {{Validation::HeldOut, "held-out"},
                                                                  {Validation::FiveFold, "5-fold"},
                                                                  {Validation::ByDonor, "by-donor"},
                                                                  {Validation::None, "none"}};
};

/// Every option of training. Defaults are those of the article's network.
struct TrainOptions : RecipeOptions {
  QcOptions qc;
  PreprocessorOptions preprocessor;
  SuspectOptions suspects;
  int min_cells_per_type = 1;
  Validation validate = Validation::HeldOut;
  SplitKind split = SplitKind::Stratified;
  double validation_fraction = 0.2;
  std::int64_t fold_cells = 50000;  ///< the cells of one fold are enough to calibrate
  std::string donor_key;
  ScaleOn scale_on = ScaleOn::Training;
  bool calibrate = false;
  bool novelty = false;
  /// Keep the last hidden layer of every cell in TrainResult::activations.
  bool keep_hidden = true;

  template <typename Visitor>
  static void describe(Visitor& visit, TrainOptions& options) {
    RecipeOptions::describe(visit, options);
    visit("validate", options.validate, "cells that judge and calibrate");
    visit("split", options.split, "how held-out cells are drawn");
    visit("validation-fraction", options.validation_fraction, "share of the cells held out");
    visit("fold-cells", options.fold_cells, "with more cells 5-fold judges the first fold alone");
    visit("donor-key", options.donor_key, "obs column of donors, for by-donor and --split donor");
    visit("calibrate", options.calibrate, "calibrate probabilities on the validation cells");
    visit("novelty", options.novelty, "learn to tell cells of unknown types");
    SuspectOptions::describe(visit, options.suspects);
    visit("min-cells-per-type", options.min_cells_per_type,
          "leave out types with fewer cells (before suspects are dropped)");
    visit("scale-on", options.scale_on, "cells that gene filter and scaling look at");
    QcOptions::describe(visit, options.qc);
    PreprocessorOptions::describe(visit, options.preprocessor);
  }
  template <typename Visitor>
  static void needs(Visitor& need, const TrainOptions& options) {
    RecipeOptions::needs(need, options);
    // The search for suspects has a linear member in any case.
    need({"linear-cells", "linear-share"}, options.linear || options.suspects.find,
         "without a linear member: leave out --no-linear, or add --linear");
    need({"split", "validation-fraction"}, options.validate == Validation::HeldOut,
         "where no share is held out: it belongs to --validate held-out");
    need({"fold-cells"}, options.validate == Validation::FiveFold,
         "where no folds are dealt: it belongs to --validate 5-fold");
    need({"calibrate"}, options.validate != Validation::None,
         "with --validate none: there are no cells to calibrate by");
    SuspectOptions::needs(need, options.suspects);
    QcOptions::needs(need, options.qc);
    PreprocessorOptions::needs(need, options.preprocessor);
  }

  /// "standard", "fast", "thorough", or "walkthrough" (the article as written). Throws
  /// Error(InvalidArgument) listing them.
  static TrainOptions preset(const std::string& name);
};

/// Labelled cells that passed the filters.
struct TrainingData {
  PackedCells dataset;  ///< values of the cells and genes kept
  ExpressionKind kind = ExpressionKind::Counts;
  std::vector<std::string> sources;  ///< names of the files, for the model card; may be empty
  LabelSet types;
  std::vector<LabelIndex> labels;  ///< of the cells kept
  std::vector<CellIndex> cells;    ///< of the input, that were kept
  QcResult qc;                     ///< indices refer to the labelled cells of the input
  std::int64_t n_cells_read = 0;
  std::int64_t n_genes_read = 0;
  std::int64_t n_cells_without_label = 0;
  std::int64_t n_cells_without_counts = 0;
  /// Types with fewer cells than --min-cells-per-type, and their cells.
  std::vector<std::pair<std::string, std::int64_t>> small_types;
};

/// Throws Error(InvalidArgument), beginning with `name`, where training on so many cells takes more
/// memory than context.max_memory, however few types they are of: before their labels are read.
void require_memory_for_training(const std::string& name, CellIndex n_cells,
                                 const Context& context);

/// Drops unlabelled and empty cells and small types, then filters by options.qc (the gene filter
/// waits for the split unless scale_on is All). Values must be counts, or log1p(CP10k) where no
/// filter of cells needs counts. Throws Error(BadFormat) if fewer than two types or no cell
/// remains, or values are neither.
/// Reads the source once, block by block; half of context.max_memory is for what it packs.
TrainingData prepare_training_data(CellSource& source,
                                   const std::vector<std::string>& label_of_cell,
                                   const TrainOptions& options, const Context& context);
TrainingData prepare_training_data(Dataset dataset, const std::vector<std::string>& label_of_cell,
                                   const TrainOptions& options, const Context& context);

/// SHA-256 of counts, names of genes and labels of the cells kept: the same cells, the same hash.
std::string hash_training_cells(const TrainingData& data, const Context& context);

/// What models that had not seen them said of the cells that judge.
struct HeldOutPredictions {
  std::vector<CellIndex> cells;   ///< ascending, of TrainResult::dataset
  std::vector<int> folds;         ///< of these cells; empty where one share was held out
  DenseMatrix probabilities;      ///< (cells, types), calibrated; rows as `cells`
  DenseMatrix logits;             ///< of the first member, rows as `cells`
  std::vector<double> distances;  ///< novelty; empty where the model has none
  TypedLogits doublets;  ///< of pairs of these cells, fold by fold; none of scaled features
};

/// A trained model and everything that is said of it.
struct TrainResult {
  Model model;
  TrainHistory history;  ///< of the first network
  Split split;           ///< without a held-out share, all cells train
  PackedCells dataset;   ///< cells and genes kept, values
  std::vector<LabelIndex> labels;
  std::vector<CellIndex> cells;  ///< of the input, that `dataset` holds
  QcResult qc;  ///< as in TrainingData; the gene filter's step is there in any case
  std::vector<Suspect> suspects;  ///< cells of `dataset`
  bool suspects_dropped = false;
  HeldOutPredictions held_out;
  Activations activations;  ///< of all cells of `dataset`, evaluation mode: logits of the first
                            ///< member, last hidden layer of the first network, if kept
  /// What predict() says of the same cells, without rejecting any.
  DenseMatrix probabilities;
  std::vector<LabelIndex> predicted;
  std::vector<float> confidence;
  Evaluation training;      ///< the model on the cells it was trained on
  Evaluation validation;    ///< held_out; n_cells 0 where nothing validates
  Evaluation uncalibrated;  ///< the same before calibration
};

/// Splits or deals into folds, fits the preprocessing, looks for suspects, trains and judges. With
/// scale_on Training the gene filter counts the training cells. When the context is cancelled
/// after a full epoch of the model's first network, the model of that epoch is returned, marked;
/// before, Error(Cancelled) is thrown. With a checkpoint, finished stages are taken from there and
/// kept there, and Error(Cancelled) is thrown in any case: the same call goes on later, and gives
/// the same bits as one that was never stopped. Throws what its steps throw; Error(BadFormat) if
/// the data have no donor_key, a gene twice, or no gene that passes the filter;
/// Error(InvalidArgument) on options that make no sense.
TrainResult train(TrainingData data, const TrainOptions& options, kernels::Device device,
                  const Context& context,
                  const std::function<void(const EpochRecord&)>& on_epoch = {},
                  TrainingCheckpoint* checkpoint = nullptr);

}  // namespace saithe
