#pragma once

// A model and cells -> labels with probabilities; streams the cells in blocks.

#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "saithe/classify/model.h"
#include "saithe/data/cell_source.h"
#include "saithe/prep/gene_matching.h"

namespace saithe {

/// What to compute.
struct PredictOptions {
  bool with_probabilities = true;
  bool with_logits = false;
  bool with_hidden = false;
  bool force = false;               ///< accept a query that lacks most of the model's genes
  bool reject = true;               ///< cells of no known type become unassigned
  double false_reject_rate = 0.01;  ///< share of cells of known types that this may cost
  /// Types that cells may be given (all if empty), and types that they may not, names joined by
  /// commas (parse_type_list()). Of both, the first less the second. The others' probabilities
  /// become 0, and the rest is scaled to a sum of 1.
  std::string labels_allow;
  std::string labels_deny;
  double multi_label =
      0;  ///< every type whose probability against the rest is at least this (0: off)
  GeneMatchOptions genes;  ///< how the model's genes are found in the query
  /// Cells in memory at a time, 0: as many as suit the device; the results do not depend on it.
  std::int64_t block_cells = 0;

  template <typename Visitor>
  static void describe(Visitor& visit, PredictOptions& options) {
    visit("force", options.force, "accept cells that lack most of the model's genes");
    visit("reject", options.reject,
          "cells unlike every known type become unassigned (--no-reject: only empty cells)");
    visit("false-reject-rate", options.false_reject_rate,
          "share of new cells of known types that may become unassigned");
    visit("labels-allow", options.labels_allow, "give only these types, joined by commas");
    visit("labels-deny", options.labels_deny, "never give these types");
    visit("multi-label", options.multi_label,
          "add all types whose probability against the rest is at least this (0: off)");
  }
};

/// The types that `text` names, joined by commas; a name may hold commas itself (the longest name
/// that fits is taken). Throws Error(InvalidArgument) naming --`option` and the types there are.
std::vector<LabelIndex> parse_type_list(const std::string& text, const LabelSet& types,
                                        const std::string& option);

/// One entry per cell of the source, in its order.
struct Predictions {
  std::vector<LabelIndex> labels;  ///< kNoLabel: unassigned (rejected, or without counts)
  /// The most probable type, rejected or not; kNoLabel only where no gene of the model has counts.
  std::vector<LabelIndex> best_labels;
  std::vector<float> confidence;       ///< its probability; 0 without counts
  std::vector<LabelIndex> runners_up;  ///< the second; kNoLabel without one, or without counts
  std::vector<float> runner_up_confidence;
  /// Distance from the known types over the threshold of rejection: above 1 a cell is rejected.
  /// NaN for cells without counts, and where the model has no novelty score.
  std::vector<float> novelty;
  std::vector<std::vector<LabelIndex>> multi_labels;  ///< with --multi-label, most probable first
  std::vector<bool> has_counts;                       ///< on a gene of the model
  /// Fewer counts than half of what 99 % of the training cells have (ModelCard::shallow_counts):
  /// nothing was held out that tells how sure such cells are.
  std::vector<bool> is_shallow;
  DenseMatrix probabilities;  ///< (n_cells, n_types), where asked for; 0 without counts
  DenseMatrix logits;         ///< of the first member, likewise, also of cells without counts
  DenseMatrix hidden;         ///< last hidden layer of the first network, likewise
  ExpressionKind kind = ExpressionKind::Counts;  ///< what the query's values were taken for
  GeneMatch genes;            ///< which columns of the query are which genes of the model
  double weight_matched = 0;  ///< share of the first layer's absolute weight on matched genes
};

/// Of no cells: the genes and their weight that a file has of the model's. Throws
/// Error(Incompatible) if they are too few, unless `force`; without any in any case.
Predictions match_model(const Model& model, const CellSource& source, const GeneMatchOptions& genes,
                        bool force);

/// How many cells get no type, in all and by the type that they are most like.
struct UnassignedCells {
  struct OfType {
    CellIndex n_cells = 0;  ///< that are most like it
    CellIndex n_rejected = 0;
  };
  CellIndex n_cells = 0;        ///< all
  CellIndex n_unassigned = 0;   ///< of all
  CellIndex n_rejected = 0;     ///< of the unassigned, those with counts: unlike every known type
  std::vector<OfType> of_type;  ///< by label, up to the last that a cell is most like

  void add(const Predictions& block);
};

/// Labels every cell of the source. Counts are normalised, log1p(CP10k) taken as it is; which of
/// the two the first block of cells holds decides, and must hold for all. A cell's result does not
/// depend on the other cells. Throws Error(InvalidArgument) if a label to allow or deny is no type
/// of the model or none is left; Error(Incompatible) when the matched genes are under 30 % of the
/// model's and carry under 30 % of its weight (unless forced), or none matches; Error(BadFormat) on
/// values that are neither; Error(Numerical) if the network leaves the finite numbers;
/// Error(Cancelled).
Predictions predict(const Model& model, CellSource& source, const PredictOptions& options,
                    kernels::Device device, const Context& context);

/// What to do with a block of predictions, of the cells from `first` on.
using TakePredictions = std::function<void(CellIndex first, const Predictions& block)>;

/// The same, handed over block by block in the cells' order and not kept: memory does not grow with
/// their number. What is returned has no cells, but what holds for all of them: kind, genes,
/// weight_matched. Throws also what `take` throws.
Predictions predict_in_blocks(const Model& model, CellSource& source, const PredictOptions& options,
                              kernels::Device device, const Context& context,
                              const TakePredictions& take);

/// Whether each cell has a count on a gene with model_gene >= 0.
std::vector<bool> find_cells_with_counts(const CsrView& counts,
                                         std::span<const GeneIndex> model_gene,
                                         const Context& context);

/// Index and probability of the second most probable type of a row among those allowed; ties go to
/// the first type. kNoLabel and 0 where `best` alone is allowed. `ranking`, if it has values,
/// decides instead of the probabilities.
std::pair<LabelIndex, float> runner_up_of(std::span<const float> probabilities, LabelIndex best,
                                          const std::vector<bool>& is_allowed,
                                          std::span<const float> ranking = {});

/// Labels of rows of probabilities; ties go to the first type. `ranking`, if it has rows, decides
/// instead of the probabilities (logits, where sigmoids are rounded to 1). Cells without counts
/// become unassigned: no label, confidence 0, a row of zeros. Throws Error(Numerical) on a row that
/// is not finite.
void assign_labels(DenseMatrix& probabilities, const std::vector<bool>& has_counts,
                   std::span<LabelIndex> labels, std::span<float> confidence,
                   DenseView ranking = {});

}  // namespace saithe
