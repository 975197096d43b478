#pragma once

// The model card: what a model was made from, how good it is, where its limits lie.

#include <string>

#include "saithe/classify/model.h"

namespace saithe {

/// The card as Markdown (Mitchell et al. 2019, doi:10.1145/3287560.3287596, for cell types): cells,
/// donors, genes, types with their cells and F1, calibration, threshold of rejection at the
/// default rate, versions, seed, hash of the training cells.
std::string model_card_markdown(const Model& model);

/// Whether the probabilities were held against labels of held-out cells (which may have changed
/// nothing).
bool is_calibrated(const Model& model);

// Lines of the card, in words where the model does not know: "not stated", "not looked for".

/// How many cells it was trained on.
std::string training_cells_text(const Model& model);
/// How many labels looked wrong, and how many of these cells were left out.
std::string suspects_text(const Model& model);
/// What else of the reference did not train: cells without a label or counts, small types.
std::string left_out_text(const Model& model);
/// How many counts the shallowest hundredth of its cells has at most.
std::string shallow_counts_text(const Model& model);
/// How the probabilities were calibrated.
std::string calibration_text(const Model& model);

/// "interrupted after 3 full epochs", of a model that was.
std::string interruption_text(const Model& model);

}  // namespace saithe
