#pragma once

// What a model makes of cells that lack some of its inputs.

#include <optional>
#include <vector>

#include "saithe/classify/model.h"

namespace saithe {

/// The model for cells that have only the inputs `is_present`, whose features count as the training
/// means. Features are taken as normal with the axes of the novelty score as factors; first layers
/// get weights by which a missing gene counts as what is to be expected of it given the genes that
/// are there, and the novelty score gets the distributions of such cells' coordinates (only those
/// of a linear first member are known; another's are left as they are). Nothing where the model is
/// right as it is: it has no fitted novelty score, or no gene is missing (also: `is_present` is
/// empty).
std::optional<Model> with_expected_genes(const Model& model, const std::vector<bool>& is_present);

}  // namespace saithe
