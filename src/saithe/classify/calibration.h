#pragma once

// Probabilities that mean what they say: a temperature fitted on cells that were not trained on.

#include <span>

#include "saithe/data/label_set.h"
#include "saithe/matrix/dense_matrix.h"

namespace saithe {

/// p^(1/T) of each probability, every row scaled to a sum of 1; a row of zeros stays. In place.
/// Guo et al. 2017, arXiv:1706.04599, whose logits / T this is for a softmax.
void apply_temperature(DenseMatrix& probabilities, double temperature);

/// Mean -ln of the true type's probability at a temperature (cut at 2^-52).
double nll_at_temperature(DenseView probabilities, std::span<const LabelIndex> labels,
                          std::span<const CellIndex> cells, double temperature);

/// The temperature, in [0.2, 5], of least NLL over the rows `cells`.
double fit_temperature(DenseView probabilities, std::span<const LabelIndex> labels,
                       std::span<const CellIndex> cells);

/// The fitted temperature if it helps cells that it was not fitted on (each half of the cells
/// judged by the other half's temperature) by more than chance: a mean gain in NLL of two standard
/// errors or more. Otherwise 1.
double choose_temperature(DenseView probabilities, std::span<const LabelIndex> labels,
                          std::span<const CellIndex> cells);

}  // namespace saithe
