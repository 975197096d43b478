#pragma once

// Multinomial logistic regression on sparse features: the linear member of an ensemble, and by
// itself the strongest simple classifier of cell types.

#include <span>

#include "saithe/core/context.h"
#include "saithe/core/options.h"
#include "saithe/kernels/backend.h"
#include "saithe/matrix/csr_matrix.h"
#include "saithe/matrix/row_source.h"
#include "saithe/nn/mlp.h"

namespace saithe {

/// How a logistic regression is fitted.
struct LogisticOptions {
  double c = 0.1;            ///< inverse strength of the L2 penalty, as scikit-learn's C
  int max_iterations = 150;  ///< of L-BFGS
  double tolerance = 1e-5;   ///< largest entry of the mean loss's gradient at the end
};

/// Weights (genes, types) and biases that minimise, over the cells `cells`,
///   mean of weight x cross-entropy  +  |W|^2 / (2 c n)
/// of logits b + (x - shift) W, with the biases free, as scikit-learn's LogisticRegression.
/// `labels` and `weights` have one entry for each row of `features` (no weights: all 1). Starts at
/// zero. Sums have a fixed order: the same bits for any number of threads. Throws
/// Error(InvalidArgument) unless c is above 0, Error(Cancelled).
MlpParameters fit_logistic_regression(const CsrView& features, std::span<const float> shift,
                                      std::span<const LabelIndex> labels,
                                      std::span<const CellIndex> cells,
                                      std::span<const float> weights, LabelIndex n_types,
                                      const LogisticOptions& options, kernels::Backend& backend,
                                      const Context& context);
/// The same of rows that are read block by block, once; `labels` and `weights` have one entry for
/// each. Memory is a quarter of context.max_memory, and beside it what an iteration takes.
MlpParameters fit_logistic_regression(const RowSelection& features, std::span<const float> shift,
                                      std::span<const LabelIndex> labels,
                                      std::span<const float> weights, LabelIndex n_types,
                                      const LogisticOptions& options, kernels::Backend& backend,
                                      const Context& context);

}  // namespace saithe
