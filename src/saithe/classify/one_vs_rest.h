#pragma once

// How probable each type is by itself, against all others together: what tells that a cell is two
// types at once. Probabilities that sum to 1 cannot.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "saithe/data/label_set.h"
#include "saithe/matrix/dense_matrix.h"

namespace saithe {

/// For each type a logistic curve over its own logit (Platt 1999), fitted on held-out cells and on
/// artificial doublets of them:
/// probability = 1 / (1 + exp(-(slope x logit + offset))), logits less their mean over the types.
struct OneVsRest {
  std::vector<double> slopes;   ///< (types); empty: the model has none
  std::vector<double> offsets;  ///< (types)

  bool operator==(const OneVsRest&) const = default;
};

/// Logits (n, T) of cells, and the one or two types that each is.
struct TypedLogits {
  DenseMatrix logits;
  std::vector<std::array<LabelIndex, 2>> types;  ///< the second kNoLabel where it is of one type
};

/// Fits the curves. A type without cells gets the mean curve of the others; one with all of them
/// that of its share alone.
OneVsRest fit_one_vs_rest(const TypedLogits& cells);

/// The types of one cell whose probability against the rest is at least `threshold`, most probable
/// first.
std::vector<LabelIndex> types_above(const OneVsRest& model, std::span<const float> logits,
                                    double threshold);

}  // namespace saithe
