#pragma once

// Principal axes where cells lack some of the features.

#include <span>

#include "saithe/core/aligned_vector.h"
#include "saithe/core/context.h"
#include "saithe/matrix/row_source.h"
#include "saithe/prep/input_cells.h"

namespace saithe {

/// Axes (inputs, A) that were fitted to features (cells, inputs) of which some cells lack some, at
/// the means `center`, so that such features came out too small: the same axes of complete cells.
/// Alternating least squares (Wiberg 1976): scores of the cells from the features they have, then
/// each feature's weights from the cells that have it, which are made orthonormal again. The rows
/// of the groups are read once a round, block by block.
AlignedVector<float> complete_axes(const AlignedVector<float>& axes, const RowSource& features,
                                   std::span<const CellsWithInputs> groups,
                                   std::span<const double> center, const Context& context);

}  // namespace saithe
