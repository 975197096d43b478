#pragma once

// The members of a model on a device, asked together.

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "saithe/classify/linear_decisions.h"
#include "saithe/classify/model.h"

namespace saithe {

/// What an ensemble says of cells.
struct EnsembleOutput {
  DenseMatrix probabilities;  ///< (cells, types): mean of the members' by their shares, calibrated
  DenseMatrix logits;         ///< (cells, types) of the first member
  DenseMatrix scores;         ///< (cells, axes) on the novelty score's axes, if it has any
  DenseMatrix sums;           ///< (cells, kFeatureSums) of the features, if there are axes
  DenseMatrix hidden;         ///< (cells, units): last hidden layer of the first network, if wanted
};

/// A model's members with weights on a device.
class Ensemble {
 public:
  /// `shift` as Features::shift. Borrows the model.
  Ensemble(const Model& model, std::span<const float> shift, kernels::Backend& backend);

  /// What makes the features that forward() takes: the model's, or the same unscaled.
  [[nodiscard]] const Preprocessor& preprocessor() const {
    return unscaled_ ? *unscaled_ : model_.preprocessor;
  }
  /// Whether there is a hidden layer.
  [[nodiscard]] bool has_hidden() const;
  /// Evaluation mode, all rows; a row's bits depend on it alone. Throws Error(Cancelled).
  [[nodiscard]] EnsembleOutput forward(const CsrView& features, bool with_hidden,
                                       const Context& context) const;

 private:
  const Model& model_;
  std::vector<std::unique_ptr<Mlp>> members_;
  std::unique_ptr<LinearDecisions> decisions_;  // of the one member of types each against the rest
  std::optional<Preprocessor> unscaled_;        // where there are decisions
  std::unique_ptr<Mlp> axes_;                   // what gives the scores; null without axes
  std::size_t network_ = 0;                     // whose hidden layer is looked at
};

}  // namespace saithe
