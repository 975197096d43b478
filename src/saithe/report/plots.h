#pragma once

// The pictures of a run, each a Figure fit for a paper.

#include <span>
#include <string>
#include <vector>

#include "saithe/classify/evaluate.h"
#include "saithe/matrix/dense_matrix.h"
#include "saithe/nn/trainer.h"
#include "saithe/prep/qc.h"
#include "saithe/report/figure.h"

namespace saithe {

/// Loss of both sets against the epoch.
Figure plot_loss(const TrainHistory& history);
/// Accuracy of both sets against the epoch.
Figure plot_accuracy(const TrainHistory& history);
/// Confusion matrix by true type (each row sums to 1), viridis, with the counts in its cells.
Figure plot_confusion(const Evaluation& evaluation, const std::string& name,
                      const std::string& title);
/// Violins of genes, counts and mitochondrial percentage of each cell.
Figure plot_qc(const QcMetrics& metrics);
/// Confidence against accuracy in the 15 bins of the expected calibration error.
Figure plot_calibration(DenseView probabilities, std::span<const LabelIndex> truth,
                        const std::string& name, const std::string& title);
/// Points (n, 2) coloured by type, with a legend; kNoLabel is grey "unassigned".
Figure plot_embedding(DenseView points, std::span<const LabelIndex> labels,
                      const std::vector<std::string>& type_names, const std::string& name,
                      const std::string& title);
/// Points (n, 2) coloured by a value in 0..1, with a colour bar.
Figure plot_embedding(DenseView points, std::span<const float> values,
                      const std::string& value_name, const std::string& name,
                      const std::string& title);

}  // namespace saithe
