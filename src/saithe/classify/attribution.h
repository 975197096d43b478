#pragma once

// Which genes make a model prefer a type: exact gradients by the genes, and integrated gradients
// (Sundararajan, Taly, Yan 2017, arXiv:1703.01365) from a background to a cell.
//
// What is explained is a contrast of types: the mean over the members of sum_k c_k logit_k. Logits
// and not probabilities, because these are flat where a model is sure, and contrasts that sum to 0,
// because softmax ignores what all logits share (docs/methods_explain.md).
// The path from background to cell is dense in the genes, but the first layer's sums are linear in
// the position on it: the path is walked in the hidden units, and no cell is made dense.

#include <memory>
#include <span>
#include <vector>

#include "saithe/classify/background.h"
#include "saithe/classify/model.h"

namespace saithe {

/// A cell's features as Preprocessor::apply() gives them.
struct CellFeatures {
  std::span<const GeneIndex> genes;
  std::span<const float> values;
};

/// c, one entry per type: `type` against the mean of all types, or against `other` unless that is
/// kNoLabel. Of one-against-rest models the former is the type's own logit.
std::vector<double> contrast_of(const Model& model, LabelIndex type, LabelIndex other = kNoLabel);

/// What attributions must add up to, and what they did.
struct Completeness {
  double difference = 0;  ///< contrast at the cell less its mean at the backgrounds
  double sum = 0;         ///< of the attributions
};

/// A model ready to be asked; thread-safe. Borrows the model.
class Attributor {
 public:
  /// `shift` is what the query's features lack (Features::shift). The integral has `n_steps` steps;
  /// where a path's misses by more than 0.5 % of the difference (of 0.1 at the least), those steps
  /// are halved, again and again, that do not explain their own rise.
  Attributor(const Model& model, Background background, std::span<const float> shift, int n_steps);
  ~Attributor();

  /// Integrated gradients of a contrast: one attribution per gene of the model.
  Completeness attribute(const CellFeatures& cell, std::span<const double> contrast,
                         std::span<double> attributions) const;
  /// The contrast at a cell.
  [[nodiscard]] double value(const CellFeatures& cell, std::span<const double> contrast) const;
  /// Its derivative by each gene's feature at a cell.
  [[nodiscard]] std::vector<double> gradient(const CellFeatures& cell,
                                             std::span<const double> contrast) const;
  /// The same at the background (the mean over backgrounds).
  [[nodiscard]] std::vector<double> background_gradient(std::span<const double> contrast) const;
  [[nodiscard]] const Background& background() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace saithe
