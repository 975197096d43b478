#pragma once

// Why a model calls cells what it calls them: the genes that speak for each type, and for it
// against the type that it is most confused with; the same for single cells. Formulas:
// docs/methods_explain.md.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "saithe/classify/attribution.h"
#include "saithe/classify/predict.h"

namespace saithe {

/// The word of --against for each cell's second type.
inline constexpr const char* kRunnerUp = "runner-up";

/// How much to explain.
struct ExplainOptions {
  int top_genes = 10;
  int cells = 100;
  int steps = 32;
  std::string against = kRunnerUp;

  template <typename Visitor>
  static void describe(Visitor& visit, ExplainOptions& options) {
    visit("top-genes", options.top_genes, "genes to name for each type and cell");
    visit("cells", options.cells,
          "explain at most so many cells of each predicted type, evenly spaced (0: all)");
    visit("steps", options.steps, "steps of the integral, at least; more where they are needed");
    visit("against", options.against,
          "also compare with this type, or with each cell's runner-up (runner-up)");
  }
};

/// Throws Error(InvalidArgument) on options that make no sense, and on a type to compare with that
/// the model has not; Error(Incompatible) if the model has one type only.
void require_explainable(const Model& model, const ExplainOptions& options);

/// What speaks for a type: that a gene is expressed more than in the background, or that it is not.
enum class Evidence { Expressed, Absent };

/// One contrast of a type: against all types or against one.
struct TypeContrast {
  LabelIndex other = kNoLabel;      ///< kNoLabel: against all
  std::vector<double> attribution;  ///< per gene of the model, in units of logits
  std::vector<bool> is_expressed;   ///< per gene: its evidence is Expressed
};

/// A type and its genes.
struct TypeExplanation {
  LabelIndex type = kNoLabel;
  std::int64_t n_cells = 0;      ///< of the query that are called so
  std::int64_t n_explained = 0;  ///< of these, those that the attributions are means of
  TypeContrast over_all;
  TypeContrast over_other;
};

/// A gene that speaks for a cell's label.
struct CellGene {
  GeneIndex gene = 0;
  double attribution = 0;
  double expression = 0;  ///< ln(1 + x) in the cell
};

/// A cell and its genes, those that speak loudest first; none whose attribution is not above 0.
struct CellExplanation {
  CellIndex cell = 0;
  LabelIndex label = kNoLabel;
  LabelIndex other = kNoLabel;
  std::vector<CellGene> over_all;
  std::vector<CellGene> over_other;
};

/// Expression by predicted type; unassigned cells belong to none.
struct TypeExpression {
  std::vector<std::int64_t> n_cells;  ///< of each type
  DenseMatrix mean;                   ///< (types, genes): mean ln(1 + x)
  DenseMatrix share;                  ///< (types, genes): share of cells that express the gene
  std::vector<bool> is_present;       ///< per gene: the query has it
};

/// All of it.
struct Explanation {
  std::vector<TypeExplanation> types;  ///< in the model's order; with a query those that occur
  std::vector<CellExplanation> cells;  ///< in the query's order
  TypeExpression expression;           ///< empty without a query
  std::vector<double> background;      ///< mean ln(1 + x) per gene where integration starts
  /// The largest difference between the sum of a cell's attributions and what they must add up to,
  /// over the latter (1 where that is smaller), of all cells and contrasts.
  double largest_gap = 0;
};

/// From the model alone: what a rise or fall of each gene by one standard deviation of the training
/// cells adds at their mean (gradient x sd). The most confused other type is the second of the mean
/// logits of the type's training cells, or where the model lacks them (no novelty score) the type
/// with the likest effects above 0 (cosine). Throws as require_explainable().
Explanation explain_model(const Model& model, const ExplainOptions& options);

/// Means over cells of integrated gradients, and the cells' own. The most confused other type is
/// the one with the highest sum of confidence as a runner-up. Every cell that has a label in
/// `predictions` (which come from the same model and source) can be chosen. Throws as
/// require_explainable(), and as the source does; Error(Cancelled).
Explanation explain_cells(const Model& model, CellSource& source, const Predictions& predictions,
                          const Background& background, const ExplainOptions& options,
                          const Context& context);

/// The genes of a contrast with that evidence and an attribution above 0, most first, at most `n`;
/// ties go to the first gene.
std::vector<GeneIndex> top_genes(const TypeContrast& contrast, Evidence evidence, int n);

/// Mean of `expression` over the cells of all types but one; NaN if there is none.
double mean_in_others(const TypeExpression& expression, LabelIndex type, GeneIndex gene);

}  // namespace saithe
