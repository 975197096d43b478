#pragma once

// The training loop: epochs of minibatches, validation after each, the history of both.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/core/options.h"
#include "saithe/nn/mlp.h"

namespace saithe {

/// How the learning rate changes from step to step.
enum class Schedule {
  Constant,
  Cosine  ///< rises over the first tenth of the steps, then falls to 0 along a cosine
};
template <>
struct EnumNames<Schedule> {
  static constexpr std::pair<Schedule, const char*> values[] = {{Schedule::Constant, "constant"},
                                                                {Schedule::Cosine, "cosine"}};
};

/// How a network is trained. Defaults are the article's.
struct TrainerOptions {
  int epochs = 10;
  int min_steps = 0;
  int max_steps = 0;
  int minibatch_size = 64;
  double learning_rate = 1e-4;
  Schedule schedule = Schedule::Constant;
  double weight_decay = 0;
  bool decay_biases = true;
  kernels::Loss loss = kernels::Loss::CrossEntropy;

  template <typename Visitor>
  static void describe(Visitor& visit, TrainerOptions& options) {
    visit("epochs", options.epochs, "passes over the training cells");
    visit("min-steps", options.min_steps, "more epochs than --epochs where these are fewer steps");
    visit("max-steps", options.max_steps,
          "fewer epochs than --epochs where these are more steps, but at least one (0: off)");
    visit("minibatch-size", options.minibatch_size, "cells of a training step");
    visit("learning-rate", options.learning_rate, "step length of Adam");
    visit("schedule", options.schedule, "learning rate over the steps");
    visit("weight-decay", options.weight_decay, "decoupled weight decay (AdamW)");
    visit("decay-biases", options.decay_biases, "weight decay of biases, too, as PyTorch's AdamW");
    visit("loss", options.loss, "what training minimises; the article's applies softmax twice");
  }
  template <typename Visitor>
  static void needs(Visitor& need, const TrainerOptions& options) {
    need({"decay-biases"}, options.weight_decay > 0, "with --weight-decay 0");
  }
};

/// One epoch as the article reports it: means of minibatch means; the training set in training
/// mode. The validation columns are NaN where there is no validation set.
struct EpochRecord {
  int epoch = 0;  ///< from 0
  double train_loss = 0;
  double validation_loss = 0;
  double train_accuracy = 0;
  double validation_accuracy = 0;
  double seconds = 0;  ///< training and validation pass
};

/// The loss curves and how the loop ended.
struct TrainHistory {
  std::vector<EpochRecord> epochs;
  bool was_interrupted = false;
};

/// What a training may have beside its cells.
struct Augmentation {
  /// Weight of each cell's loss, one for each row of the features; empty: all weigh 1.
  std::span<const float> weights;
  /// The features that training cells have in an epoch, rows in the order of `cells`; asked for a
  /// stretch of minibatches at a time. Without it they are rows of the features, in every epoch.
  std::function<CsrMatrix(std::span<const CellIndex> cells, int epoch)> features_of_epoch;
  /// The features of validation cells, likewise. Without it they are rows of the features.
  std::function<CsrMatrix(std::span<const CellIndex> cells)> validation_features;
  /// At most how many features of a cell are stored: where they are many, fewer cells are asked for
  /// at a time. The bits do not depend on it.
  std::function<std::int64_t(CellIndex cell)> most_features;
};

/// The epochs that a training has: --epochs, or more until there are --min-steps steps, or as many
/// as fit into --max-steps.
int n_epochs(const TrainerOptions& options, std::size_t n_training_cells);

/// The learning rate of step `step` (from 1) of `n_steps`.
double learning_rate_at(const TrainerOptions& options, std::int64_t step, std::int64_t n_steps);

/// Trains `mlp` on the cells `training` of features and labels, and judges it on `validation`.
/// `features` has a row for each label; it may be empty where the augmentation has both functions.
///
/// `begun` are epochs that the network has behind it, with its weights and moments: the training
/// goes on after them, and ends with the same bits as one that was never stopped. `on_epoch` hears
/// of the new ones.
///
/// When the context is cancelled the network goes back to the end of the last full epoch and the
/// history is marked. Throws Error(Cancelled) if no epoch was complete, Error(Numerical) naming
/// epoch and step when the loss is not finite.
TrainHistory train_network(Mlp& mlp, const CsrView& features, std::span<const LabelIndex> labels,
                           std::span<const CellIndex> training,
                           std::span<const CellIndex> validation, const TrainerOptions& options,
                           const Context& context,
                           const std::function<void(const EpochRecord&)>& on_epoch = {},
                           const Augmentation& augmentation = {}, TrainHistory begun = {});

}  // namespace saithe
