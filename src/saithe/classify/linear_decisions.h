#pragma once

// Decisions of a linear member in double. Private to classify/.

#include <span>
#include <vector>

#include "saithe/classify/model.h"

namespace saithe {

/// A member without hidden layers, asked in double on the processor: the weights of stochastic
/// gradient descent may be large, and their sums nearly cancel. Features are scaled here, for the
/// same reason.
class LinearDecisions {
 public:
  /// `shift` as Features::shift of the preprocessor. Borrows the member and the preprocessor.
  LinearDecisions(const Member& member, const Preprocessor& preprocessor,
                  std::span<const float> shift);

  /// Logits (cells, types) of features (cells, inputs) as Preprocessor::unscaled() makes them,
  /// scaled and summed in double and rounded once; a row's bits depend on it alone. Throws
  /// Error(Cancelled).
  [[nodiscard]] DenseMatrix of(const CsrView& features, const Context& context) const;

 private:
  [[nodiscard]] double scaled(GeneIndex gene, double value) const;

  const Member& member_;
  const Preprocessor& preprocessor_;
  std::vector<double> unexpressed_;    // (inputs): what a gene that is not stored counts as
  std::vector<double> of_empty_cell_;  // (types): of a cell without stored features
};

}  // namespace saithe
