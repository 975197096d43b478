#include "saithe/nn/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>

#include "saithe/core/text_io.h"
#include "saithe/nn/minibatches.h"

namespace saithe {
namespace {

// Minibatches whose features are made at once, and validation cells judged at once (a multiple of
// what Mlp::forward takes).
constexpr std::int64_t kStretch = 64;
constexpr std::int64_t kValidationMinibatches = 128;
// Fewer where they would have more values: there are a few copies of them while they are made.
constexpr std::int64_t kStretchValues = std::int64_t{1} << 21;

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
  if (options.min_steps < 0 || options.max_steps < 0 ||
      (options.max_steps > 0 && options.max_steps < options.min_steps)) {
    fail(ErrorKind::InvalidArgument,
         "--min-steps {} and --max-steps {}: expected 0 or more, the second not below the first "
         "unless it is 0",
         options.min_steps, options.max_steps);
  }
  if (!(options.learning_rate > 0) || !std::isfinite(options.learning_rate)) {
    fail(ErrorKind::InvalidArgument, "--learning-rate: {} is not above 0", options.learning_rate);
  }
  if (!(options.weight_decay >= 0) || options.weight_decay * options.learning_rate >= 1) {
    fail(ErrorKind::InvalidArgument, "--weight-decay: {} is not between 0 and 1 / learning rate",
         options.weight_decay);
  }
}

/// Cells with labels, as train_network() was given them.
struct Cells {
  const kernels::SparseRows& features;
  std::span<const LabelIndex> labels;
  const Augmentation& augmentation;
};

/// The end of the stretch of minibatches from `begin` on, `most` of them or fewer, whose features
/// are made at once.
std::int64_t stretch_end(const Minibatches& minibatches, std::int64_t begin, std::int64_t most,
                         const Augmentation& augmentation) {
  const std::int64_t most_end = std::min(minibatches.n_minibatches(), begin + most);
  if (!augmentation.most_features) return most_end;
  std::int64_t n_values = 0;
  std::int64_t end = begin;
  for (; end < most_end; ++end) {
    for (const CellIndex cell : minibatches.at(end)) n_values += augmentation.most_features(cell);
    if (n_values > kStretchValues && end > begin) break;
  }
  return end;
}

/// Adds up the means of the minibatches of a block of validation cells.
void judge_minibatches(const DenseMatrix& logits, std::span<const CellIndex> cells,
                       std::span<const LabelIndex> labels, const TrainerOptions& options,
                       EpochRecord& sums) {
  const auto n_types = as_size(logits.n_cols());
  std::vector<double> row(n_types);
  std::vector<double> probabilities(n_types);
  std::vector<double> gradient(n_types);
  for (CellIndex begin = 0; begin < logits.n_rows(); begin += options.minibatch_size) {
    const CellIndex end = std::min(logits.n_rows(), begin + options.minibatch_size);
    double loss = 0;
    double n_correct = 0;
    for (CellIndex r = begin; r < end; ++r) {
      const auto source = logits.row(r);
      std::copy(source.begin(), source.end(), row.begin());
      const auto label = as_size(labels[as_size(cells[as_size(r)])]);
      loss += kernels::cell_loss(options.loss, row, label, probabilities, gradient);
      const auto best = std::max_element(row.begin(), row.end()) - row.begin();
      if (as_size(best) == label) n_correct += 1;
    }
    sums.validation_loss += loss / static_cast<double>(end - begin);
    sums.validation_accuracy += n_correct / static_cast<double>(end - begin);
  }
}

/// Mean of minibatch means over a validation set in its own order.
void validate_epoch(const Mlp& mlp, const Cells& cells, std::span<const CellIndex> validation,
                    const TrainerOptions& options, const Context& context, EpochRecord& record) {
  record.validation_loss = 0;
  record.validation_accuracy = 0;
  const auto minibatches = Minibatches::in_order(validation, options.minibatch_size);
  const std::int64_t n_minibatches = minibatches.n_minibatches();
  for (std::int64_t begin = 0, end = 0; begin < n_minibatches; begin = end) {
    end = stretch_end(minibatches, begin, kValidationMinibatches, cells.augmentation);
    const auto some = minibatches.between(begin, end);
    const CsrMatrix features = cells.augmentation.validation_features
                                   ? cells.augmentation.validation_features(some)
                                   : select_rows(cells.features.host(), some);
    judge_minibatches(mlp.forward(features.view(), false, context).logits, some, cells.labels,
                      options, record);
  }
  record.validation_loss /= static_cast<double>(n_minibatches);
  record.validation_accuracy /= static_cast<double>(n_minibatches);
}

/// A few minibatches of an epoch with their features, which are made when they are needed, or rows
/// of those that are there.
class Stretch {
 public:
  /// Minibatches [begin, end).
  Stretch(const Cells& cells, const Minibatches& minibatches, std::int64_t begin, std::int64_t end,
          int epoch)
      : cells_(cells), minibatches_(minibatches), first_(begin) {
    if (!cells.augmentation.features_of_epoch) return;
    starts_.push_back(0);
    std::vector<CellIndex> visited;
    for (std::int64_t i = begin; i < end; ++i) {
      const auto own = minibatches.at(i);
      visited.insert(visited.end(), own.begin(), own.end());
      starts_.push_back(visited.size());
    }
    made_ = cells.augmentation.features_of_epoch(visited, epoch);
    made_rows_.emplace(made_.view());
    for (const CellIndex cell : visited) {
      rows_.push_back(static_cast<CellIndex>(rows_.size()));
      labels_.push_back(cells.labels[as_size(cell)]);
      if (!cells.augmentation.weights.empty()) {
        weights_.push_back(cells.augmentation.weights[as_size(cell)]);
      }
    }
  }
  [[nodiscard]] const kernels::SparseRows& features() const {
    return is_made() ? *made_rows_ : cells_.features;
  }
  [[nodiscard]] std::span<const LabelIndex> labels() const {
    return is_made() ? std::span<const LabelIndex>(labels_) : cells_.labels;
  }
  [[nodiscard]] std::span<const float> weights() const {
    return is_made() ? std::span<const float>(weights_) : cells_.augmentation.weights;
  }
  /// The rows of features() that minibatch i has; none after the last that is here.
  [[nodiscard]] std::span<const CellIndex> rows(std::int64_t i) const {
    if (!is_made()) return minibatches_.at(i);
    const auto at = as_size(i - first_);
    if (at + 1 >= starts_.size()) return {};
    return std::span(rows_).subspan(starts_[at], starts_[at + 1] - starts_[at]);
  }

 private:
  [[nodiscard]] bool is_made() const { return !starts_.empty(); }
  const Cells& cells_;
  const Minibatches& minibatches_;
  std::int64_t first_;
  CsrMatrix made_;
  std::optional<kernels::SparseRows> made_rows_;
  std::vector<LabelIndex> labels_;
  std::vector<float> weights_;
  std::vector<CellIndex> rows_;
  std::vector<std::size_t> starts_;  // of each minibatch in the rows; empty: none are made
};

/// Adds up the means of a stretch of minibatches, the first of them `begin`.
void add_results(const std::vector<Mlp::StepResult>& results, std::int64_t begin,
                 const Stretch& stretch, const TrainerOptions& options, EpochRecord& record) {
  std::int64_t i = begin;
  for (const Mlp::StepResult& result : results) {
    if (!std::isfinite(result.mean_loss)) {
      fail(ErrorKind::Numerical,
           "the loss is {} in epoch {}, step {}: training diverged. Try a lower --learning-rate "
           "(now {}).",
           format_number(result.mean_loss), record.epoch, i, options.learning_rate);
    }
    record.train_loss += result.mean_loss;
    record.train_accuracy +=
        static_cast<double>(result.n_correct) / static_cast<double>(stretch.rows(i).size());
    ++i;
  }
}

/// One pass over the training cells; `step` counts Adam's steps on. False if cancelled.
bool train_epoch(Mlp& mlp, const Cells& cells, const Minibatches& minibatches, int epochs,
                 const TrainerOptions& options, const Context& context, std::int64_t& step,
                 EpochRecord& record) {
  kernels::AdamStep adam;
  adam.weight_decay = options.weight_decay;
  adam.decays_vectors = options.decay_biases;
  const std::int64_t n = minibatches.n_minibatches();
  for (std::int64_t begin = 0, end = 0; begin < n; begin = end) {
    end = stretch_end(minibatches, begin, kStretch, cells.augmentation);
    const Stretch stretch(cells, minibatches, begin, end, record.epoch);
    for (std::int64_t i = begin; i < end; ++i) {
      if (context.is_cancelled()) {
        static_cast<void>(mlp.finish_steps());
        return false;
      }
      adam.step = ++step;
      adam.learning_rate = learning_rate_at(options, step, epochs * n);
      mlp.start_step(stretch.features(), stretch.labels(), stretch.rows(i), stretch.rows(i + 1),
                     options.loss, adam, context.seed(), stretch.weights());
      context.report("training", record.epoch * n + i + 1, epochs * n);
    }
    add_results(mlp.finish_steps(), begin, stretch, options, record);
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
  const int epochs = std::max(options.epochs, checked_cast<int>(needed, "epochs"));
  if (options.max_steps == 0) return epochs;
  const std::int64_t fitting = std::max<std::int64_t>(1, options.max_steps / n_steps);
  return static_cast<int>(std::min<std::int64_t>(epochs, fitting));
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
  static_cast<void>(mlp.finish_steps());  // of a training that an error ended
  const auto rows = mlp.upload_rows(features);
  const Cells cells{*rows, labels, augmentation};

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
    const bool is_complete =
        train_epoch(mlp, cells, minibatches, epochs, options, context, step, record);
    if (is_complete && !validation.empty()) {
      validate_epoch(mlp, cells, validation, options, uninterrupted, record);
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
