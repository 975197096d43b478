#pragma once

// What a model says of the cells of its own reference, each as predict() says it of a query with
// the genes that the cell's file has; and the novelty score that it learns of them.

#include <span>
#include <vector>

#include "saithe/classify/ensemble.h"

namespace saithe {

/// What a model says of these cells; rows as `cells`. Where it has no fitted novelty score, inputs
/// that were not measured count as their means.
EnsembleOutput forward_reference(const Model& model, const InputCells& inputs,
                                 std::span<const CellIndex> cells, bool with_hidden,
                                 kernels::Backend& backend, const Context& context);

/// Fits the novelty score, but its quantiles, to the cells `training`, where the model has the axes
/// of one; then forward_reference() of all cells. Labels are of all cells.
EnsembleOutput learn_novelty(Model& model, const InputCells& inputs,
                             std::span<const LabelIndex> labels,
                             std::span<const CellIndex> training, bool with_hidden,
                             kernels::Backend& backend, const Context& context);

/// The novelty of all cells, of what forward_reference() says of them all. Empty for a model
/// without a novelty score.
std::vector<double> reference_distances(const Model& model, const InputCells& inputs,
                                        const EnsembleOutput& output, const Context& context);

}  // namespace saithe
