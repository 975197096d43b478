#pragma once

// The pictures of a run, each a Figure fit for a paper. A type has the same colour in all of them:
// its place among the type names decides.

#include <span>
#include <string>
#include <vector>

#include "saithe/classify/evaluate.h"
#include "saithe/classify/explain.h"
#include "saithe/matrix/dense_matrix.h"
#include "saithe/nn/trainer.h"
#include "saithe/prep/qc.h"
#include "saithe/report/figure.h"

namespace saithe {

/// Loss of both sets against the epoch, the best epoch marked.
Figure plot_loss(const TrainHistory& history);
/// Accuracy of both sets against the epoch, the best epoch marked.
Figure plot_accuracy(const TrainHistory& history);
/// Confusion matrix by true type (each row sums to 1 unless cells got no label), viridis, with the
/// counts in its cells where they have room.
Figure plot_confusion(const Evaluation& evaluation, const std::string& name,
                      const std::string& title);
/// Violins of genes, counts and mitochondrial percentage of each cell, with the thresholds that are
/// on in `thresholds`.
Figure plot_qc(const QcMetrics& metrics, const QcOptions& thresholds = {});
/// Confidence against accuracy in the 15 bins of the expected calibration error.
Figure plot_calibration(DenseView probabilities, std::span<const LabelIndex> truth,
                        const std::string& name, const std::string& title);
/// Points (n, 2) coloured by type, with a legend; kNoLabel is grey "unassigned". No type hides
/// another: the points are drawn in a shuffled order that depends on their number alone, those of
/// rare types last.
Figure plot_embedding(DenseView points, std::span<const LabelIndex> labels,
                      const std::vector<std::string>& type_names, const std::string& name,
                      const std::string& title);
/// Points (n, 2) coloured by a value in 0..1, with a colour bar; the lowest values lie on top.
Figure plot_embedding(DenseView points, std::span<const float> values,
                      const std::string& value_name, const std::string& name,
                      const std::string& title);

/// Genes of types, and their expression in each type: what a dot plot shows.
struct MarkerTable {
  std::vector<std::string> types;     ///< rows
  std::vector<std::int64_t> n_cells;  ///< of each row
  std::vector<std::string> genes;     ///< columns, those of one group side by side
  std::vector<std::size_t> row_of;    ///< per column: the row whose type its gene speaks for
  DenseMatrix mean;                   ///< (types, genes): mean ln(1 + x)
  DenseMatrix share;                  ///< (types, genes): share of cells that express the gene
};

/// The genes whose expression speaks for each type, the first of each list, at most `n_per_type`
/// and at most 40 in all (but one of each type); a gene stands once, at the type for which its
/// attribution is largest.
MarkerTable marker_table(const Model& model, const Explanation& explanation, int n_per_type);

/// Genes (columns, grouped by type) x types (rows): the area of a dot is the share of the type's
/// cells that express the gene, its colour the mean expression.
Figure plot_markers(const MarkerTable& markers, const std::string& name, const std::string& title);

}  // namespace saithe
