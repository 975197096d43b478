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

/// How a network is trained. Defaults are the article's.
struct TrainerOptions {
  int epochs = 10;
  int minibatch_size = 64;
  double learning_rate = 1e-4;
  double weight_decay = 0;
  kernels::Loss loss = kernels::Loss::CrossEntropy;

  template <typename Visitor>
  static void describe(Visitor& visit, TrainerOptions& options) {
    visit("epochs", options.epochs, "passes over the training cells");
    visit("minibatch-size", options.minibatch_size, "cells of a training step");
    visit("learning-rate", options.learning_rate, "step length of Adam");
    visit("weight-decay", options.weight_decay, "decoupled weight decay (AdamW)");
    visit("loss", options.loss, "cross-entropy, or the article's, which applies softmax twice");
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

/// Trains `mlp` on the cells `training` of features and labels, and judges it on `validation`.
///
/// When the context is cancelled the network goes back to the end of the last full epoch and the
/// history is marked. Throws Error(Cancelled) if no epoch was complete, Error(Numerical) naming
/// epoch and step when the loss is not finite.
TrainHistory train_network(Mlp& mlp, const CsrView& features, std::span<const LabelIndex> labels,
                           std::span<const CellIndex> training,
                           std::span<const CellIndex> validation, const TrainerOptions& options,
                           const Context& context,
                           const std::function<void(const EpochRecord&)>& on_epoch = {});

}  // namespace saithe
