#pragma once

// Where UMAP starts: the slowest vibrations of the graph. Private to embed/.
// Belkin & Niyogi 2003, doi:10.1162/089976603321780317; components apart as umap-learn 0.5.

#include "saithe/core/context.h"
#include "saithe/matrix/csr_matrix.h"
#include "saithe/matrix/dense_matrix.h"

namespace saithe::embed {

/// (n_points, 2) from the eigenvectors of the normalised Laplacian. Components of the graph are
/// laid out one by one around places taken from the means of their points.
DenseMatrix spectral_layout(const CsrView& graph, DenseView points, const Context& context);

}  // namespace saithe::embed
