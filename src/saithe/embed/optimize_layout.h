#pragma once

// Moves the points of a layout: linked ones together, others apart. Private to embed/.
// McInnes et al. 2018, section 4.2; schedule as umap-learn 0.5.

#include "saithe/core/context.h"
#include "saithe/matrix/csr_matrix.h"
#include "saithe/matrix/dense_matrix.h"

namespace saithe::embed {

/// 1 / (1 + a d^(2b)): how surely points at distance d are linked in the picture.
struct Curve {
  double a = 1;
  double b = 1;
};

/// Fits the curve to 1 up to min_dist and exp(-(d - min_dist) / spread) beyond, by least squares at
/// 300 distances up to 3 * spread.
Curve fit_curve(double min_dist, double spread);

struct LayoutOptions {
  Curve curve;
  int n_epochs = 200;
  int negative_sample_rate = 5;
  double learning_rate = 1;
};

/// Changes `layout` (n, 2) in place. Points move in fixed groups, each point by its own links from
/// the positions before its group's turn, so that the result does not depend on the threads.
void optimize_layout(const CsrView& graph, const LayoutOptions& options, DenseMatrix& layout,
                     const Context& context);

}  // namespace saithe::embed
