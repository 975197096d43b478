#pragma once

// How probable each type is by itself, against all others together: what tells that a cell is two
// types at once. Probabilities that sum to 1 cannot.

#include <cstdint>
#include <span>
#include <vector>

#include "saithe/data/label_set.h"
#include "saithe/matrix/dense_matrix.h"

namespace saithe {

/// For each type a logistic curve over its own logit (Platt 1999), fitted on held-out cells:
/// probability = 1 / (1 + exp(-(slope x logit + offset))), logits less their mean over the types.
struct OneVsRest {
  std::vector<double> slopes;   ///< (types); empty: the model has none
  std::vector<double> offsets;  ///< (types)

  bool operator==(const OneVsRest&) const = default;
};

/// Fits the curves. Row i of `logits` (n, T) has the label labels[i]; rows `cells` are used. A type
/// without cells gets the mean curve of the others; one with all of them that of its share alone.
OneVsRest fit_one_vs_rest(DenseView logits, std::span<const LabelIndex> labels,
                          std::span<const CellIndex> cells);

/// A type with less than this probability among all types is never one of several: on cells of
/// another study, whose logits lie elsewhere, the curves alone would add types at random.
inline constexpr float kLeastProbability = 0.01F;

/// The types of one cell whose probability against the rest is at least `threshold`, and whose
/// probability among all types (`probabilities`) is at least kLeastProbability; most probable
/// against the rest first.
std::vector<LabelIndex> types_above(const OneVsRest& model, std::span<const float> logits,
                                    std::span<const float> probabilities, double threshold);

}  // namespace saithe
