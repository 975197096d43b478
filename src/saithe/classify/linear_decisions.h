#pragma once

// Decisions of a linear member in double. Private to classify/.

#include <span>
#include <vector>

#include "saithe/classify/model.h"

namespace saithe {

/// A member without hidden layers, asked in double on the processor: the weights of stochastic
/// gradient descent may be large, and their sums nearly cancel.
class LinearDecisions {
 public:
  /// `shift` as Features::shift. Borrows the member.
  LinearDecisions(const Member& member, std::span<const float> shift);

  /// Logits (cells, types) of features (cells, inputs), summed in double and rounded once; a row's
  /// bits depend on it alone. Throws Error(Cancelled).
  [[nodiscard]] DenseMatrix of(const CsrView& features, const Context& context) const;

 private:
  const Member& member_;
  std::vector<double> of_empty_cell_;  // (types): of a cell without stored features
};

}  // namespace saithe
