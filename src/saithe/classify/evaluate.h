#pragma once

// How good predictions are, measured as scikit-learn measures it.

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "saithe/data/label_set.h"
#include "saithe/kernels/backend.h"
#include "saithe/matrix/dense_matrix.h"

namespace saithe {

/// One cell type's scores; 0 where a score is 0/0, as scikit-learn's zero_division=0.
struct TypeScores {
  std::string cell_type;
  double precision = 0;
  double recall = 0;
  double f1 = 0;
  std::int64_t support = 0;  ///< cells that truly are of this type
};

/// Scores of a set of cells.
struct Evaluation {
  std::int64_t n_cells = 0;          ///< cells judged
  std::int64_t n_unknown_label = 0;  ///< cells left out: the model lacks their label
  std::int64_t n_without_label = 0;  ///< cells left out: they have none (set_without_label())
  std::int64_t n_unassigned = 0;     ///< cells judged that got no label: wrong, in no column
  double accuracy = 0;
  double macro_f1 = 0;         ///< over the types present in the truth
  double median_f1 = 0;        ///< likewise
  std::optional<double> loss;  ///< the training loss per cell, dropout off
  double nll = 0;    ///< mean -ln of the true type's probability (rows normalised, cut at 2^-52)
  double brier = 0;  ///< sum over types of (p - y)^2, mean over cells
  double ece = 0;    ///< expected calibration error of the largest probability, 15 equal bins
  std::vector<TypeScores> per_type;
  std::vector<std::int64_t> confusion;  ///< (n_types, n_types) row-major, rows true
  [[nodiscard]] std::int64_t n_types() const { return static_cast<std::int64_t>(per_type.size()); }
};

/// Of the cells that were left out, so many have no label at all; evaluate() cannot tell them from
/// those whose label the model lacks.
void set_without_label(Evaluation& evaluation, std::int64_t n_cells);

/// Judges probabilities (n_cells, n_types) against labels (kNoLabel: unknown to the model, left
/// out). Each cell is judged by its label in `best` (kNoLabel: it got none), where these are given;
/// else by its most probable type: ties go to the first type, and a row of zeros is a cell that got
/// no label. `logits` with `loss` fill Evaluation::loss. Throws Error(Incompatible) if no label is
/// known. All sums are in double, in the order of the cells. Formulas: docs/methods_metrics.md.
Evaluation evaluate(DenseView probabilities, std::span<const LabelIndex> truth,
                    const LabelSet& types, std::optional<DenseView> logits = std::nullopt,
                    kernels::Loss loss = kernels::Loss::CrossEntropy,
                    std::span<const LabelIndex> best = {});

inline constexpr int kCalibrationBins = 15;

/// Confidence and hits of the cells of one calibration bin.
struct CalibrationBin {
  double confidence_sum = 0;
  std::int64_t n_correct = 0;
  std::int64_t n_cells = 0;
};

/// The same of cells that come in blocks: what it holds does not grow with their number, and the
/// scores do not depend on the blocks.
class EvaluationSums {
 public:
  /// `types` must outlive it. With `loss`, logits come with the probabilities.
  explicit EvaluationSums(const LabelSet& types, std::optional<kernels::Loss> loss = std::nullopt);
  /// Adds cells, as evaluate() takes them.
  void add(DenseView probabilities, std::span<const LabelIndex> truth,
           std::optional<DenseView> logits = std::nullopt, std::span<const LabelIndex> best = {});
  /// Adds cells to be judged by `labels`; one without (kNoLabel) has no probabilities either.
  void add_rejecting(DenseView probabilities, std::span<const LabelIndex> truth,
                     std::span<const LabelIndex> labels);
  /// Of all that was added. Throws Error(Incompatible) if no label of them is known.
  [[nodiscard]] Evaluation scores() const;

 private:
  void judge_cell(std::span<const float> row, std::size_t label, std::optional<LabelIndex> best);

  const LabelSet& types_;
  std::optional<kernels::Loss> loss_;
  Evaluation evaluation_;  // its counts
  std::int64_t n_correct_ = 0;
  double nll_sum_ = 0;
  double brier_sum_ = 0;
  double loss_sum_ = 0;
  std::array<CalibrationBin, kCalibrationBins> bins_;
  std::vector<double> row_;  // of one cell
  std::vector<double> softmax_;
  std::vector<double> gradient_;
};

/// An off-diagonal cell of a confusion matrix.
struct Confusion {
  std::string truth;
  std::string predicted;
  std::int64_t n_cells = 0;
};

/// The most frequent confusions, at most `n`, most frequent first.
std::vector<Confusion> most_confused(const Evaluation& evaluation, int n);

}  // namespace saithe
