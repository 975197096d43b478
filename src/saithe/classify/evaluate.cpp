#include "saithe/classify/evaluate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace saithe {
namespace {

/// Probabilities are kept this far from 0 and 1 under the logarithm, as scikit-learn does.
constexpr double kSmallest = std::numeric_limits<double>::epsilon();

/// Bin i holds confidences in (i / 15, (i + 1) / 15]; the first one holds 0 as well.
std::size_t calibration_bin(double confidence) {
  std::size_t bin = 0;
  while (bin + 1 < kCalibrationBins &&
         confidence > static_cast<double>(bin + 1) / kCalibrationBins) {
    ++bin;
  }
  return bin;
}

/// Scales a row to sum 1; false, and the row stays as it is, if it is all zeros.
bool normalize_row(std::span<const float> row, std::vector<double>& normalized) {
  normalized.assign(row.begin(), row.end());
  const double sum = std::accumulate(normalized.begin(), normalized.end(), 0.0);
  if (sum == 0) return false;
  for (double& value : normalized) value /= sum;
  return true;
}

double ratio(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

/// Precision, recall and F1 of every type from the confusion matrix.
void score_types(Evaluation& evaluation) {
  const auto n_types = as_size(evaluation.n_types());
  for (std::size_t type = 0; type < n_types; ++type) {
    std::int64_t n_predicted = 0;
    for (std::size_t truth = 0; truth < n_types; ++truth) {
      n_predicted += evaluation.confusion[truth * n_types + type];
    }
    const std::int64_t n_hits = evaluation.confusion[type * n_types + type];
    TypeScores& scores = evaluation.per_type[type];
    scores.precision = ratio(n_hits, n_predicted);
    scores.recall = ratio(n_hits, scores.support);
    scores.f1 = ratio(2 * n_hits, n_predicted + scores.support);
  }
}

void average_f1(Evaluation& evaluation) {
  std::vector<double> f1;
  for (const TypeScores& scores : evaluation.per_type) {
    if (scores.support > 0) f1.push_back(scores.f1);
  }
  evaluation.macro_f1 = std::accumulate(f1.begin(), f1.end(), 0.0) / static_cast<double>(f1.size());
  std::sort(f1.begin(), f1.end());
  const std::size_t middle = f1.size() / 2;
  evaluation.median_f1 = f1.size() % 2 == 1 ? f1[middle] : (f1[middle - 1] + f1[middle]) / 2;
}

double calibration_error(std::span<const CalibrationBin> bins, std::int64_t n_cells) {
  double error = 0;
  for (const CalibrationBin& bin : bins) {
    if (bin.n_cells == 0) continue;
    // |accuracy - mean confidence|, weighted by the bin's share of the cells
    error += std::abs(static_cast<double>(bin.n_correct) - bin.confidence_sum);
  }
  return error / static_cast<double>(n_cells);
}

std::string some_names(const LabelSet& types) {
  constexpr std::size_t kShown = 10;
  std::string text;
  const auto& names = types.names();
  for (std::size_t i = 0; i < std::min(kShown, names.size()); ++i) {
    text += (i == 0 ? "'" : ", '") + names[i] + "'";
  }
  return names.size() > kShown ? text + ", ..." : text;
}

}  // namespace

void set_without_label(Evaluation& evaluation, std::int64_t n_cells) {
  SAITHE_ASSERT(n_cells >= 0 && n_cells <= evaluation.n_unknown_label);
  evaluation.n_unknown_label -= n_cells;
  evaluation.n_without_label += n_cells;
}

EvaluationSums::EvaluationSums(const LabelSet& types, std::optional<kernels::Loss> loss)
    : types_(types), loss_(loss), softmax_(as_size(types.n_types())), gradient_(softmax_.size()) {
  for (const std::string& name : types.names()) evaluation_.per_type.push_back({name});
  evaluation_.confusion.assign(softmax_.size() * softmax_.size(), 0);
}

void EvaluationSums::add(DenseView probabilities, std::span<const LabelIndex> truth,
                         std::optional<DenseView> logits, std::span<const LabelIndex> best) {
  SAITHE_ASSERT(probabilities.n_rows == static_cast<std::int64_t>(truth.size()));
  SAITHE_ASSERT(probabilities.n_cols == types_.n_types());
  SAITHE_ASSERT(best.empty() || best.size() == truth.size());
  SAITHE_ASSERT(logits.has_value() == loss_.has_value());
  SAITHE_ASSERT(!logits ||
                (logits->n_rows == probabilities.n_rows && logits->n_cols == probabilities.n_cols));
  for (std::size_t cell = 0; cell < truth.size(); ++cell) {
    if (truth[cell] == kNoLabel) {
      ++evaluation_.n_unknown_label;
      continue;
    }
    SAITHE_ASSERT(truth[cell] >= 0 && truth[cell] < types_.n_types());
    const auto label = as_size(truth[cell]);
    const auto r = static_cast<std::int64_t>(cell);
    judge_cell(probabilities.row(r), label,
               best.empty() ? std::nullopt : std::optional(best[cell]));
    if (!logits) continue;
    const auto source = logits->row(r);
    row_.assign(source.begin(), source.end());
    loss_sum_ += kernels::cell_loss(*loss_, row_, label, softmax_, gradient_);
  }
}

void EvaluationSums::add_rejecting(DenseView probabilities, std::span<const LabelIndex> truth,
                                   std::span<const LabelIndex> labels) {
  SAITHE_ASSERT(labels.size() == truth.size());
  DenseMatrix rows(probabilities.n_rows, probabilities.n_cols);
  for (std::size_t cell = 0; cell < labels.size(); ++cell) {
    const auto r = static_cast<std::int64_t>(cell);
    const auto row = probabilities.row(r);
    if (labels[cell] != kNoLabel) std::copy(row.begin(), row.end(), rows.row(r).begin());
  }
  add(rows.view(), truth, std::nullopt, labels);
}

/// `best`: the label that the cell got; nothing where its probabilities say it.
void EvaluationSums::judge_cell(std::span<const float> row, std::size_t label,
                                std::optional<LabelIndex> best) {
  std::vector<double>& p = row_;
  bool is_assigned = normalize_row(row, p);
  // Of the row as it was given, so that two values that rounding makes equal are told apart.
  auto predicted = as_size(std::max_element(row.begin(), row.end()) - row.begin());
  if (best) is_assigned = *best != kNoLabel;
  if (best && is_assigned) predicted = as_size(*best);
  const bool is_correct = is_assigned && predicted == label;
  if (is_assigned) {
    ++evaluation_.confusion[label * p.size() + predicted];
  } else {
    ++evaluation_.n_unassigned;
  }
  ++evaluation_.n_cells;
  ++evaluation_.per_type[label].support;
  n_correct_ += is_correct ? 1 : 0;
  nll_sum_ -= std::log(std::clamp(p[label], kSmallest, 1.0 - kSmallest));
  for (std::size_t type = 0; type < p.size(); ++type) {
    const double difference = p[type] - (type == label ? 1.0 : 0.0);
    brier_sum_ += difference * difference;
  }
  CalibrationBin& bin = bins_[calibration_bin(p[predicted])];
  bin.confidence_sum += p[predicted];
  bin.n_correct += is_correct ? 1 : 0;
  ++bin.n_cells;
}

Evaluation EvaluationSums::scores() const {
  const std::int64_t n_all = evaluation_.n_cells + evaluation_.n_unknown_label;
  if (n_all == 0) fail(ErrorKind::Incompatible, "there are no cells to evaluate");
  if (evaluation_.n_cells == 0) {
    fail(ErrorKind::Incompatible,
         "none of the {} cells has a label that the model knows; the model's types are {}. Use "
         "labels with the same spelling.",
         n_all, some_names(types_));
  }
  Evaluation evaluation = evaluation_;
  const auto n = static_cast<double>(evaluation.n_cells);
  evaluation.accuracy = static_cast<double>(n_correct_) / n;
  evaluation.nll = nll_sum_ / n;
  evaluation.brier = brier_sum_ / n;
  evaluation.ece = calibration_error(bins_, evaluation.n_cells);
  if (loss_) evaluation.loss = loss_sum_ / n;
  score_types(evaluation);
  average_f1(evaluation);
  return evaluation;
}

Evaluation evaluate(DenseView probabilities, std::span<const LabelIndex> truth,
                    const LabelSet& types, std::optional<DenseView> logits, kernels::Loss loss,
                    std::span<const LabelIndex> best) {
  EvaluationSums sums(types, logits ? std::optional(loss) : std::nullopt);
  sums.add(probabilities, truth, logits, best);
  return sums.scores();
}

std::vector<Confusion> most_confused(const Evaluation& evaluation, int n) {
  const auto n_types = as_size(evaluation.n_types());
  std::vector<Confusion> confusions;
  for (std::size_t truth = 0; truth < n_types; ++truth) {
    for (std::size_t predicted = 0; predicted < n_types; ++predicted) {
      const std::int64_t n_cells = evaluation.confusion[truth * n_types + predicted];
      if (truth == predicted || n_cells == 0) continue;
      confusions.push_back({evaluation.per_type[truth].cell_type,
                            evaluation.per_type[predicted].cell_type, n_cells});
    }
  }
  std::stable_sort(confusions.begin(), confusions.end(),
                   [](const Confusion& a, const Confusion& b) { return a.n_cells > b.n_cells; });
  if (confusions.size() > as_size(std::max(n, 0))) confusions.resize(as_size(std::max(n, 0)));
  return confusions;
}

}  // namespace saithe
