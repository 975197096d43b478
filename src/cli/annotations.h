#pragma once

// What saithe writes into an h5ad: the same names in every command.

#include <span>
#include <string>

#include "saithe/classify/model.h"
#include "saithe/classify/predict.h"
#include "saithe/io/write_h5ad.h"

namespace saithe::cli {

/// obs predicted_cell_type (with the model's types as levels) and its confidence; the colours, type
/// names, parameters and version in uns.
void add_predicted_types(Annotations& annotations, const Model& model,
                         std::span<const LabelIndex> labels, std::span<const float> confidence);

/// obs predicted_cell_type_best (never unassigned by novelty), _runner_up, its confidence, and
/// _novelty.
void add_prediction_details(Annotations& annotations, const Model& model,
                            const Predictions& predictions);

/// "unassigned" for kNoLabel.
std::string type_name(const Model& model, LabelIndex label);

}  // namespace saithe::cli
