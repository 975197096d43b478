#pragma once

// The directions in which cells differ most, of sparse features that are never centred in memory.

#include <span>

#include "saithe/core/aligned_vector.h"
#include "saithe/core/context.h"
#include "saithe/matrix/row_source.h"
#include "saithe/prep/input_cells.h"

namespace saithe {

/// The first `n_axes` principal axes of the rows of features (n, G) about `center` (G): unit
/// vectors as the columns of a (G, axes) matrix, by falling variance, each with its largest entry
/// above 0. Fewer where there are fewer genes or cells. Subspace iteration from random vectors,
/// which finds the leading axes of a clear spectrum and mixes those whose variances are alike
/// (Halko, Martinsson, Tropp 2011, doi:10.1137/090771806). The features are read once, block by
/// block; a quarter of context.max_memory is for them, what is more lies in a temporary file.
AlignedVector<float> fit_principal_axes(const RowSelection& features,
                                        std::span<const double> center, int n_axes,
                                        const Context& context);

/// The same of the rows that the groups name, in that order, where a feature that was not measured
/// in a cell has the mean `center`: as complete cells would give them (complete_axes()).
AlignedVector<float> fit_principal_axes(const RowSource& features,
                                        std::span<const CellsWithInputs> groups,
                                        std::span<const double> center, int n_axes,
                                        const Context& context);

}  // namespace saithe
