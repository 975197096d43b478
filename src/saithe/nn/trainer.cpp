#include "saithe/nn/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numbers>

#include "saithe/core/text_io.h"
#include "saithe/nn/minibatches.h"

namespace saithe {
namespace {

// Share of the steps over which a cosine schedule rises.
constexpr double kWarmupShare = 0.1;

void require_options(const TrainerOptions& options) {
  if (options.epochs < 1) {
    fail(ErrorKind::InvalidArgument, "--epochs: {} is not 1 or more", options.epochs);
  }
  if (options.minibatch_size < 1) {
    fail(ErrorKind::InvalidArgument, "--minibatch-size: {} is not 1 or more",
         options.minibatch_size);
  }
  if (options.min_steps < 0) {
    fail(ErrorKind::InvalidArgument, "--min-steps: {} is not 0 or more", options.min_steps);
  }
  if (!(options.learning_rate > 0) || !std::isfinite(options.learning_rate)) {
    fail(ErrorKind::InvalidArgument, "--learning-rate: {} is not above 0", options.learning_rate);
  }
  if (!(options.weight_decay >= 0) || options.weight_decay * options.learning_rate >= 1) {
    fail(ErrorKind::InvalidArgument, "--weight-decay: {} is not between 0 and 1 / learning rate",
         options.weight_decay);
  }
}

/// Mean of minibatch means over a validation set in its own order.
void validate_epoch(const Mlp& mlp, const CsrView& features, std::span<const LabelIndex> labels,
                    const TrainerOptions& options, const Context& context, EpochRecord& record) {
  const DenseMatrix logits = mlp.forward(features, false, context).logits;
  const auto n_types = as_size(logits.n_cols());
  std::vector<double> row(n_types);
  std::vector<double> probabilities(n_types);
  std::vector<double> gradient(n_types);
  double loss_sum = 0;
  double accuracy_sum = 0;
  std::int64_t n_minibatches = 0;
  for (CellIndex begin = 0; begin < features.n_rows; begin += options.minibatch_size) {
    const CellIndex end = std::min(features.n_rows, begin + options.minibatch_size);
    double loss = 0;
    double n_correct = 0;
    for (CellIndex r = begin; r < end; ++r) {
      const auto source = logits.row(r);
      std::copy(source.begin(), source.end(), row.begin());
      const auto label = as_size(labels[as_size(r)]);
      loss += kernels::cell_loss(options.loss, row, label, probabilities, gradient);
      const auto best = std::max_element(row.begin(), row.end()) - row.begin();
      if (as_size(best) == label) n_correct += 1;
    }
    loss_sum += loss / static_cast<double>(end - begin);
    accuracy_sum += n_correct / static_cast<double>(end - begin);
    ++n_minibatches;
  }
  record.validation_loss = loss_sum / static_cast<double>(n_minibatches);
  record.validation_accuracy = accuracy_sum / static_cast<double>(n_minibatches);
}

/// One pass over the training cells; `step` counts Adam's steps on. False if cancelled.
bool train_epoch(Mlp& mlp, const CsrView& features, std::span<const LabelIndex> labels,
                 std::span<const float> weights, const Minibatches& minibatches, int epochs,
                 const TrainerOptions& options, const Context& context, std::int64_t& step,
                 EpochRecord& record) {
  kernels::AdamStep adam;
  adam.weight_decay = options.weight_decay;
  adam.decays_vectors = options.decay_biases;
  const std::int64_t n = minibatches.n_minibatches();
  for (std::int64_t i = 0; i < n; ++i) {
    if (context.is_cancelled()) return false;
    adam.step = ++step;
    adam.learning_rate = learning_rate_at(options, step, epochs * n);
    const auto rows = minibatches.at(i);
    const auto result = mlp.train_step(features, labels, rows, minibatches.at(i + 1), options.loss,
                                       adam, context.seed(), weights);
    if (!std::isfinite(result.mean_loss)) {
      fail(ErrorKind::Numerical,
           "the loss is {} in epoch {}, step {}: training diverged. Try a lower --learning-rate "
           "(now {}).",
           format_number(result.mean_loss), record.epoch, i, options.learning_rate);
    }
    record.train_loss += result.mean_loss;
    record.train_accuracy +=
        static_cast<double>(result.n_correct) / static_cast<double>(rows.size());
    context.report("training", record.epoch * n + i + 1, epochs * n);
  }
  record.train_loss /= static_cast<double>(n);
  record.train_accuracy /= static_cast<double>(n);
  return true;
}

/// The steps of an epoch.
std::int64_t n_minibatches(const TrainerOptions& options, std::size_t n_training_cells) {
  const auto n_cells = static_cast<std::int64_t>(n_training_cells);
  return (n_cells + options.minibatch_size - 1) / options.minibatch_size;
}

}  // namespace

int n_epochs(const TrainerOptions& options, std::size_t n_training_cells) {
  const std::int64_t n_steps = n_minibatches(options, n_training_cells);
  if (n_steps == 0) return options.epochs;
  const std::int64_t needed = (options.min_steps + n_steps - 1) / n_steps;
  return std::max(options.epochs, checked_cast<int>(needed, "epochs"));
}

double learning_rate_at(const TrainerOptions& options, std::int64_t step, std::int64_t n_steps) {
  if (options.schedule == Schedule::Constant) return options.learning_rate;
  const auto now = static_cast<double>(step);
  const auto last = static_cast<double>(n_steps);
  const double warmup = std::max(1.0, kWarmupShare * last);
  if (now <= warmup) return options.learning_rate * now / warmup;
  return options.learning_rate * 0.5 *
         (1.0 + std::cos(std::numbers::pi * (now - warmup) / (last - warmup)));
}

TrainHistory train_network(Mlp& mlp, const CsrView& features, std::span<const LabelIndex> labels,
                           std::span<const CellIndex> training,
                           std::span<const CellIndex> validation, const TrainerOptions& options,
                           const Context& context,
                           const std::function<void(const EpochRecord&)>& on_epoch,
                           const Augmentation& augmentation, TrainHistory begun) {
  require_options(options);
  if (training.empty()) fail(ErrorKind::InvalidArgument, "there is no training cell");
  const CsrMatrix validation_features = select_rows(features, validation);
  std::vector<LabelIndex> validation_labels;
  for (const CellIndex cell : validation) validation_labels.push_back(labels[as_size(cell)]);

  // An epoch whose steps are done is finished with its validation, interrupted or not.
  Context uninterrupted = context;
  uninterrupted.cancelled = nullptr;

  TrainHistory history = std::move(begun);
  const int epochs = n_epochs(options, training.size());
  const auto n_begun = static_cast<int>(history.epochs.size());
  SAITHE_ASSERT(n_begun <= epochs);
  std::int64_t step = n_begun * n_minibatches(options, training.size());
  if (n_begun > 0 && context.cancelled != nullptr) mlp.save_snapshot();
  for (int epoch = n_begun; epoch < epochs; ++epoch) {
    const auto start = std::chrono::steady_clock::now();
    EpochRecord record;
    record.epoch = epoch;
    record.validation_loss = std::numeric_limits<double>::quiet_NaN();
    record.validation_accuracy = std::numeric_limits<double>::quiet_NaN();
    const auto minibatches =
        Minibatches::shuffled(training, options.minibatch_size, context.seed(), epoch);
    CsrMatrix augmented;
    if (augmentation.features_of_epoch) augmented = augmentation.features_of_epoch(epoch);
    const bool is_complete =
        train_epoch(mlp, augmentation.features_of_epoch ? augmented.view() : features, labels,
                    augmentation.weights, minibatches, epochs, options, context, step, record);
    if (is_complete && !validation.empty()) {
      validate_epoch(mlp, validation_features.view(), validation_labels, options, uninterrupted,
                     record);
    }
    if (!is_complete) {
      if (history.epochs.empty()) context.throw_if_cancelled();
      mlp.restore_snapshot();
      history.was_interrupted = true;
      return history;
    }
    record.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    history.epochs.push_back(record);
    if (on_epoch) on_epoch(record);
    // Without someone who could interrupt, nobody goes back.
    if (context.cancelled != nullptr && epoch + 1 < epochs) mlp.save_snapshot();
  }
  return history;
}

}  // namespace saithe
