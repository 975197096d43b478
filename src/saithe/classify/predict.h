#pragma once

// A model and cells -> labels with probabilities; streams the cells in blocks.

#include <vector>

#include "saithe/classify/model.h"
#include "saithe/data/cell_source.h"

namespace saithe {

/// The word for a cell that gets no label.
inline constexpr const char* kUnassigned = "unassigned";

/// What to compute.
struct PredictOptions {
  bool with_probabilities = true;
  bool with_logits = false;
  bool with_hidden = false;
  bool force = false;  ///< accept a query that lacks most of the model's genes
};

/// One entry per cell of the source, in its order.
struct Predictions {
  std::vector<LabelIndex> labels;  ///< kNoLabel: unassigned (a cell without counts)
  std::vector<float> confidence;   ///< the largest probability; 0 where unassigned
  DenseMatrix probabilities;       ///< (n_cells, n_types), where asked for
  DenseMatrix logits;              ///< likewise
  DenseMatrix hidden;              ///< last hidden layer, likewise
  std::int64_t n_genes_matched = 0;
  double weight_matched = 0;  ///< share of the first layer's absolute weight on matched genes
};

/// Labels every cell of the source. A cell's result does not depend on the other cells.
/// Throws Error(Incompatible) when the matched genes are under 30 % of the model's and carry under
/// 30 % of its weight (unless forced), or none matches; Error(BadFormat) on values that are no
/// counts.
Predictions predict(const Model& model, CellSource& source, const PredictOptions& options,
                    kernels::Device device, const Context& context);

}  // namespace saithe
