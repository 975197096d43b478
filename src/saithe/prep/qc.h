#pragma once

// Quality control: which cells and genes are worth keeping, and who took the others.
// Follows Scanpy's filter_cells, filter_genes and calculate_qc_metrics.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/data/cell_source.h"
#include "saithe/matrix/row_source.h"

namespace saithe {

/// Thresholds; 0 turns a filter off.
struct QcOptions {
  int min_genes = 0;          ///< cells with fewer expressed genes are dropped
  int min_cells = 3;          ///< genes expressed in fewer cells are dropped
  int max_genes = 0;          ///< cells with this many expressed genes or more are dropped
  double max_percent_mt = 0;  ///< cells with this share of mitochondrial counts or more go
  std::vector<std::string> mt_prefixes = {"MT-", "mt-"};  ///< names that mark mitochondrial genes
  std::vector<std::string> mt_genes;                      ///< their names, instead of prefixes

  template <typename Visitor>
  static void describe(Visitor& visit, QcOptions& options) {
    visit("min-genes", options.min_genes, "drop cells with fewer expressed genes (0: off)");
    visit("min-cells", options.min_cells, "drop genes expressed in fewer cells (0: off)");
    visit("max-genes", options.max_genes,
          "drop cells with this many expressed genes or more (0: off)");
    visit("max-percent-mt", options.max_percent_mt,
          "drop cells with this percentage of mitochondrial counts or more (0: off)");
    visit("mt-prefixes", options.mt_prefixes, "prefixes of mitochondrial gene names");
    visit("mt-genes", options.mt_genes, "names of the mitochondrial genes, instead of prefixes");
  }
  template <typename Visitor>
  static void needs(Visitor& need, const QcOptions& options) {
    need({"mt-prefixes"}, options.mt_genes.empty(), "beside --mt-genes, which names them all");
  }
};

/// Per cell, as Scanpy's calculate_qc_metrics names them.
struct QcMetrics {
  std::vector<std::int64_t> n_genes_by_counts;
  std::vector<double> total_counts;
  std::vector<double> total_counts_mt;
  std::vector<double> pct_counts_mt;  ///< 0 for a cell without counts (Scanpy: NaN)
};

/// What one filter took.
struct FilterStep {
  std::string name;  ///< "min_genes 200"
  std::int64_t n_cells_dropped = 0;
  std::int64_t n_genes_dropped = 0;
};

/// Which genes are mitochondrial, by the options' list or prefixes. Throws Error(InvalidArgument)
/// if a listed gene does not exist.
std::vector<bool> find_mitochondrial_genes(const Table& var, const QcOptions& options);

/// QC metrics of cells x genes. is_mt has one entry per gene.
QcMetrics qc_metrics(const CsrView& counts, const std::vector<bool>& is_mt, const Context& context);

/// Number of cells that express each gene (value above 0).
std::vector<std::int64_t> count_cells_per_gene(const RowSelection& counts, const Context& context);

/// The cells and genes that remain, and the tally.
struct QcResult {
  std::vector<CellIndex> cells;
  std::vector<GeneIndex> genes;
  QcMetrics metrics;  ///< of the cells that passed min_genes, over the genes that passed min_cells
  std::vector<CellIndex> metrics_cells;  ///< the cells that `metrics` describes
  std::vector<FilterStep> steps;
};

/// Filters in the article's order: min_genes over cells, min_cells over genes, then, by the metrics
/// of what is left, max_genes and max_percent_mt over cells. Throws Error(BadFormat) if no cell or
/// gene remains, naming the filter that took them.
QcResult filter_cells_and_genes(const RowSource& values, const Table& var, const std::string& name,
                                const QcOptions& options, const Context& context);
/// The same of a data set in memory.
QcResult filter_cells_and_genes(const Dataset& dataset, const QcOptions& options,
                                const Context& context);

}  // namespace saithe
