#pragma once

// Counts -> features of a model: fitted once on training cells, applied to any cells.
//
// A cell is normalised by its total over the genes that the reference has, also those that are no
// input of the model: to the target sum, or, where the query lacks genes, to the share of it that
// the training cells had on the genes that are there. So a missing gene shifts no other gene's
// value. The feature of a gene is ln(1 + x), or z = (ln(1 + x) - mean) / sd.
// z is dense, so it is never made: features hold x / sd of the expressed genes only, and mean / sd
// of each gene (shift) is subtracted by the network's first layer as a rank-one term
// (docs/methods.md). A gene with sd 0 has z = 0 for every cell.
//
// Where the training cells are of several files with different genes (MeasuredGenes), all
// statistics of a gene are taken over the cells that have it, each file is normalised as a query
// that lacks what it lacks, and a missing input has the gene's mean as its value.

#include <span>
#include <string>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/core/options.h"
#include "saithe/data/cell_source.h"
#include "saithe/data/measured_genes.h"
#include "saithe/matrix/csr_matrix.h"
#include "saithe/matrix/row_source.h"
#include "saithe/prep/expression_kind.h"
#include "saithe/prep/gene_matching.h"

namespace saithe {

/// How counts become features.
struct PreprocessorOptions {
  int n_variable_genes = 0;   ///< inputs of the model: so many of the most variable genes (0: all)
  double target_sum = 10000;  ///< counts of a cell after normalisation
  bool scale = true;          ///< z-score each gene; otherwise ln(1 + x) is the feature
  double max_value = 0;       ///< z above this is cut to it (0: off); only expressed genes

  template <typename Visitor>
  static void describe(Visitor& visit, PreprocessorOptions& options) {
    visit("variable-genes", options.n_variable_genes,
          "use so many of the most variable genes (0: all)");
    visit("target-sum", options.target_sum, "counts of a cell after normalisation");
    visit("scale", options.scale, "scale each gene to mean 0 and standard deviation 1");
    visit("max-value", options.max_value, "cut scaled values above this (0: off)");
  }
  template <typename Visitor>
  static void needs(Visitor& need, const PreprocessorOptions& options) {
    need({"max-value"}, options.scale, "on values that are not scaled: add --scale");
  }
};

/// Sparse features of cells x model genes, and what the first layer subtracts for each gene.
struct Features {
  CsrMatrix values;          ///< x / sd (x where not scaled)
  std::vector<float> shift;  ///< mean / sd per gene, 0 where not scaled. Of a gene that the query
                             ///< lacks, what makes it count as its training mean.
  /// Counts of each cell of a query, on the genes by which it is normalised, over the share of
  /// counts that the reference has on them; empty of logarithms.
  std::vector<double> depths;
};

/// Fitted preprocessing: a value, saved in the model.
class Preprocessor {
 public:
  Preprocessor() = default;
  /// From saved parts (model file). mean and sd have one entry per input.
  Preprocessor(PreprocessorOptions options, ExpressionKind kind, ReferenceGenes genes,
               std::vector<double> mean, std::vector<double> sd);

  /// Chooses the inputs and takes statistics over the rows `cells` of `values` (cells x genes of
  /// the reference; all rows if empty). gene_ids may be empty. Values of the kind LogNormalized
  /// are features as they stand, and their genes are chosen by the variance of the logarithms.
  static Preprocessor fit(const RowSource& values, std::span<const CellIndex> cells,
                          std::vector<std::string> gene_names, std::vector<std::string> gene_ids,
                          const PreprocessorOptions& options, const Context& context,
                          ExpressionKind kind = ExpressionKind::Counts,
                          const MeasuredGenes& measured = {});
  static Preprocessor fit(const CsrView& values, std::span<const CellIndex> cells,
                          std::vector<std::string> gene_names, std::vector<std::string> gene_ids,
                          const PreprocessorOptions& options, const Context& context,
                          ExpressionKind kind = ExpressionKind::Counts,
                          const MeasuredGenes& measured = {});

  /// Features of values whose columns are the reference's genes, of the reference's kind. An input
  /// that was not measured in a cell is stored with its training mean.
  [[nodiscard]] Features apply(const CsrView& values, const Context& context,
                               const MeasuredGenes& measured = {}) const;
  /// Features of cells whose inputs' values are already chosen: row i holds the values of the
  /// model's inputs of a cell with the total totals[i] over all its genes, which is to be
  /// targets[i]. In place.
  void finish_features(CsrMatrix& inputs, std::span<const double> totals,
                       std::span<const double> targets, const Context& context) const;
  /// The same without the inputs that were not measured: what the cells themselves say.
  [[nodiscard]] CsrMatrix measured_features(const CsrView& values, const Context& context,
                                            const MeasuredGenes& measured) const;
  /// measured_features() of the rows `cells` (all if empty) with the means of what is missing.
  [[nodiscard]] CsrMatrix add_missing(CsrMatrix features, std::span<const CellIndex> cells,
                                      const MeasuredGenes& measured) const;
  /// Counts that a cell of each source has after normalisation: the target sum, or the share of it
  /// that lies on the source's genes.
  [[nodiscard]] std::vector<double> target_sums(const MeasuredGenes& measured) const;
  /// Features of a query's values, counts or log-normalised. An input that the query lacks has its
  /// training mean.
  [[nodiscard]] Features apply(const CsrView& values, const GeneMatch& match, ExpressionKind kind,
                               const Context& context) const;
  /// Finds the reference's genes in a query (saithe::match_genes()).
  [[nodiscard]] GeneMatch match_genes(const Table& var, const GeneMatchOptions& options = {},
                                      const std::string& where = "the query") const {
    return saithe::match_genes(reference_, var, options, where);
  }
  /// What match_genes() finds in the reference itself.
  [[nodiscard]] GeneMatch match_reference() const { return saithe::match_reference(reference_); }
  /// What the first layer subtracts for cells that have the inputs `is_present` (all if empty):
  /// Features::shift.
  [[nodiscard]] std::vector<float> shift(const std::vector<bool>& is_present) const;

  /// The training mean of each input's stored feature (before the first layer subtracts anything).
  [[nodiscard]] std::vector<double> center() const;

  /// The same with ln(1 + x) as the feature of every gene, neither scaled nor cut.
  [[nodiscard]] Preprocessor unscaled() const;

  /// Inputs of the model.
  [[nodiscard]] GeneIndex n_genes() const { return static_cast<GeneIndex>(gene_names_.size()); }
  /// Names of the inputs.
  [[nodiscard]] const std::vector<std::string>& gene_names() const { return gene_names_; }
  [[nodiscard]] const ReferenceGenes& reference() const { return reference_; }
  [[nodiscard]] const std::vector<double>& mean() const { return mean_; }
  [[nodiscard]] const std::vector<double>& sd() const { return sd_; }
  [[nodiscard]] const PreprocessorOptions& options() const { return options_; }
  [[nodiscard]] ExpressionKind kind() const { return kind_; }
  /// mean / sd of each input, 0 where not scaled or sd is 0.
  [[nodiscard]] const std::vector<float>& shift() const { return shift_; }

 private:
  void derive();
  void finish_features(CsrMatrix& inputs, ExpressionKind kind, std::span<const double> totals,
                       std::span<const double> targets, const Context& context) const;
  /// Features, and the totals that they were normalised by.
  struct Normalized {
    CsrMatrix features;
    std::vector<double> totals;
  };
  [[nodiscard]] Normalized normalized(const CsrView& values, const GeneMatch& match,
                                      ExpressionKind kind, std::span<const double> targets,
                                      const MeasuredGenes& measured, const Context& context) const;
  PreprocessorOptions options_;
  ExpressionKind kind_ = ExpressionKind::Counts;
  ReferenceGenes reference_;
  std::vector<std::string> gene_names_;
  std::vector<double> mean_;
  std::vector<double> sd_;
  std::vector<float> shift_;
  std::vector<float> inverse_sd_;
};

}  // namespace saithe
