#pragma once

// What models say of cells that they had not seen: what a training is judged and calibrated by.

#include <span>
#include <vector>

#include "saithe/classify/artificial_doublets.h"
#include "saithe/classify/ensemble.h"
#include "saithe/classify/one_vs_rest.h"
#include "saithe/classify/train.h"

namespace saithe {

/// Room for what is said of `cells`.
void reserve_held_out(HeldOutPredictions& held_out, LabelIndex n_types, bool with_distances);

/// Numbers of the held-out cells of a fold.
std::vector<std::size_t> rows_of_fold(const HeldOutPredictions& held_out, int fold);

/// The rows of a fold, from what its model says of all cells of the data set, and their novelty
/// (empty for a model without it).
void fill_held_out(HeldOutPredictions& held_out, int fold, const EnsembleOutput& output,
                   std::span<const double> distances);

/// Adds doublets and their logits, a row each.
void add_doublets(HeldOutPredictions& held_out, std::span<const CellPair> pairs,
                  std::span<const LabelIndex> labels, const DenseMatrix& logits);

/// The logits of the rows `rows` with their labels (labels[i] is of held_out.cells[i]), and of all
/// doublets: what fit_one_vs_rest() takes.
TypedLogits typed_logits(const HeldOutPredictions& held_out, std::span<const LabelIndex> labels,
                         std::span<const CellIndex> rows);

}  // namespace saithe
