#pragma once

// Counts -> features of the network, with the statistics of the training cells; part of the model.
//
// A feature is z = (x - mean) / sd with x = ln(1 + counts * target_sum / total). Features stay
// sparse: values() are x / sd, and the mean/sd of each gene (shift) is subtracted by the network's
// first layer as a rank-one term (docs/methods.md). A gene with sd 0 has z = 0 for every cell.

#include <span>
#include <string>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/core/options.h"
#include "saithe/data/cell_source.h"
#include "saithe/matrix/csr_matrix.h"

namespace saithe {

/// How counts become features.
struct PreprocessorOptions {
  double target_sum = 10000;  ///< counts of a cell after normalisation
  bool scale = true;          ///< z-score each gene; otherwise ln(1 + x) is the feature
  double max_value = 0;       ///< z above this is cut to it (0: off); only expressed genes

  template <typename Visitor>
  static void describe(Visitor& visit, PreprocessorOptions& options) {
    visit("target-sum", options.target_sum, "counts of a cell after normalisation");
    visit("scale", options.scale, "scale each gene to mean 0 and standard deviation 1");
    visit("max-value", options.max_value, "cut scaled values above this (0: off)");
  }
};

/// Sparse features of cells x model genes, and what the first layer subtracts for each gene.
struct Features {
  CsrMatrix values;          ///< x / sd (x where not scaled)
  std::vector<float> shift;  ///< mean / sd per gene; 0 where not scaled or the query lacks the gene
};

/// Which column of a query belongs to which gene of the model.
struct GeneMatch {
  std::vector<GeneIndex> model_gene;  ///< per query gene: the model's gene, or -1
  std::vector<bool> is_present;       ///< per model gene
  std::int64_t n_matched = 0;
  std::string matched_by;  ///< "gene names" or "gene_ids"
};

/// Fitted preprocessing: a value, saved in the model.
class Preprocessor {
 public:
  Preprocessor() = default;
  /// From saved parts (model file). mean and sd have one entry per gene.
  Preprocessor(PreprocessorOptions options, std::vector<std::string> gene_names,
               std::vector<std::string> gene_ids, std::vector<double> mean, std::vector<double> sd);

  /// Takes statistics over the rows `cells` of `counts` (cells x model genes; all rows if empty).
  /// gene_ids may be empty.
  static Preprocessor fit(const CsrView& counts, std::span<const CellIndex> cells,
                          std::vector<std::string> gene_names, std::vector<std::string> gene_ids,
                          const PreprocessorOptions& options, const Context& context);

  /// Features of counts whose columns are the model's genes.
  [[nodiscard]] Features apply(const CsrView& counts, const Context& context) const;
  /// Features of a query's counts; genes the query lacks have z = 0. The cell's total is taken over
  /// the model's genes.
  [[nodiscard]] Features apply(const CsrView& counts, const GeneMatch& match,
                               const Context& context) const;
  /// Finds the model's genes in a query, by names or by ids, whichever match more.
  /// Throws Error(BadFormat) if the better column has a name twice among the matches.
  [[nodiscard]] GeneMatch match_genes(const Table& var) const;

  [[nodiscard]] GeneIndex n_genes() const { return static_cast<GeneIndex>(gene_names_.size()); }
  [[nodiscard]] const std::vector<std::string>& gene_names() const { return gene_names_; }
  [[nodiscard]] const std::vector<std::string>& gene_ids() const { return gene_ids_; }
  [[nodiscard]] const std::vector<double>& mean() const { return mean_; }
  [[nodiscard]] const std::vector<double>& sd() const { return sd_; }
  [[nodiscard]] const PreprocessorOptions& options() const { return options_; }
  /// mean / sd of each gene, 0 where not scaled or sd is 0.
  [[nodiscard]] const std::vector<float>& shift() const { return shift_; }

 private:
  void derive();
  PreprocessorOptions options_;
  std::vector<std::string> gene_names_;
  std::vector<std::string> gene_ids_;
  std::vector<double> mean_;
  std::vector<double> sd_;
  std::vector<float> shift_;
  std::vector<float> inverse_sd_;
};

}  // namespace saithe
