#pragma once

// A model and cells -> labels with probabilities; streams the cells in blocks.

#include <span>
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
  bool force = false;               ///< accept a query that lacks most of the model's genes
  std::int64_t block_cells = 4096;  ///< cells in memory at a time; the results do not depend on it
};

/// One entry per cell of the source, in its order.
struct Predictions {
  std::vector<LabelIndex> labels;  ///< kNoLabel: unassigned (no count on any gene of the model)
  std::vector<float> confidence;   ///< the largest probability; 0 where unassigned
  DenseMatrix probabilities;       ///< (n_cells, n_types), where asked for; 0 where unassigned
  DenseMatrix logits;              ///< likewise, also of unassigned cells
  DenseMatrix hidden;              ///< last hidden layer, likewise
  std::int64_t n_genes_matched = 0;
  double weight_matched = 0;  ///< share of the first layer's absolute weight on matched genes
};

/// Labels every cell of the source. A cell's result does not depend on the other cells.
/// Throws Error(Incompatible) when the matched genes are under 30 % of the model's and carry under
/// 30 % of its weight (unless forced), or none matches; Error(BadFormat) on values that are no
/// counts; Error(Numerical) if the network leaves the finite numbers; Error(Cancelled).
Predictions predict(const Model& model, CellSource& source, const PredictOptions& options,
                    kernels::Device device, const Context& context);

/// Whether each cell has a count on a gene with model_gene >= 0.
std::vector<bool> find_cells_with_counts(const CsrView& counts,
                                         std::span<const GeneIndex> model_gene);

/// Labels of softmax rows; ties go to the first type. Cells without counts become unassigned: no
/// label, confidence 0, a row of zeros. Throws Error(Numerical) on a row that is not finite.
void assign_labels(DenseMatrix& probabilities, const std::vector<bool>& has_counts,
                   std::span<LabelIndex> labels, std::span<float> confidence);

}  // namespace saithe
