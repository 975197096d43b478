#pragma once

// The directions in which cells differ most, of sparse features that are never centred in memory.

#include <span>

#include "saithe/core/aligned_vector.h"
#include "saithe/core/context.h"
#include "saithe/matrix/row_source.h"

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

}  // namespace saithe
