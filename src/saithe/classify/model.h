#pragma once

// Everything needed to label new cells, immutable after training.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "saithe/classify/calibration.h"
#include "saithe/classify/novelty.h"
#include "saithe/classify/one_vs_rest.h"
#include "saithe/classify/recipe.h"
#include "saithe/data/label_set.h"
#include "saithe/prep/preprocessor.h"

namespace saithe {

/// What outputs of a network mean.
enum class OutputKind {
  Softmax,   ///< logits of types that exclude each other: probabilities sum to 1
  OneVsRest  ///< each type against all others: a sigmoid each, as CellTypist's models
};
template <>
struct EnumNames<OutputKind> {
  static constexpr std::pair<OutputKind, const char*> values[] = {
      {OutputKind::Softmax, "softmax"}, {OutputKind::OneVsRest, "one-vs-rest"}};
};

/// Scores of held-out cells, as the model card states them.
struct ModelScores {
  std::string validation;  ///< "5-fold", "held-out", "by-donor", or "none"
  std::int64_t n_cells = 0;
  double accuracy = 0;
  double macro_f1 = 0;
  double median_f1 = 0;
  double nll = 0;
  double brier = 0;
  double ece = 0;
  double nll_uncalibrated = 0;  ///< the same before calibration
  double brier_uncalibrated = 0;
  double ece_uncalibrated = 0;
  std::vector<double> f1_of_type;

  bool operator==(const ModelScores&) const = default;
};

/// Cells of the reference that did not train, besides suspects.
struct LeftOutCells {
  std::int64_t n_without_label = 0;
  std::int64_t n_without_counts = 0;
  /// Types with too few cells, and how many these are.
  std::vector<std::pair<std::string, std::int64_t>> small_types;

  bool operator==(const LeftOutCells&) const = default;
};

/// What a model was made from.
struct ModelCard {
  std::vector<std::string> sources;         ///< names of the reference files, without folders
  std::string input_sha256;                 ///< of the training cells: counts, genes and labels
  std::vector<std::int64_t> cells_of_type;  ///< training cells of each type
  std::int64_t n_donors = 0;                ///< 0: not known
  std::int64_t n_suspects = 0;              ///< cells whose label looks wrong
  std::int64_t n_suspects_dropped = 0;      ///< of these, not trained on
  std::optional<LeftOutCells> left_out;     ///< not known of older and imported models
  /// Counts that 99 % of the training cells have at least; 0: not known, or not counts.
  double shallow_counts = 0;
  ModelScores scores;

  bool operator==(const ModelCard&) const = default;
};

/// The option of an interrupted model that says how many full epochs its first network had.
inline constexpr const char* kEpochsDone = "epochs-done";

/// A trained classifier: its probabilities are the mean of its members' by their shares,
/// calibrated.
struct Model {
  LabelSet types;
  Preprocessor preprocessor;
  std::vector<Member> members;  ///< the linear one first, if there is one
  OutputKind output = OutputKind::Softmax;
  Calibration calibration;
  NoveltyModel novelty;
  OneVsRest one_vs_rest;
  kernels::Loss loss = kernels::Loss::CrossEntropy;
  ModelCard card;
  std::vector<std::pair<std::string, std::string>> options;  ///< resolved training options, as text
  std::string saithe_version;
  std::uint64_t seed = 0;
  bool was_interrupted = false;  ///< training was stopped before its last epoch; see kEpochsDone

  /// The first network, or the linear member where there is none: whose hidden layer is the
  /// embedding.
  [[nodiscard]] const Member& network() const;
  /// Whether that member has a hidden layer.
  [[nodiscard]] bool has_hidden_layer() const { return !network().shape.hidden.empty(); }
  [[nodiscard]] std::int64_t n_parameters() const;
};

}  // namespace saithe
