#pragma once

// A model of CellTypist turned into one of saithe, which predicts the same.

#include <filesystem>

#include "saithe/classify/model.h"

namespace saithe {

/// Reads a CellTypist model and makes a linear one-vs-rest model of it: log1p(CP10k) over all genes
/// of the query, z-scores cut above 10, a sigmoid for each type, the label by the largest decision
/// value (best_match). Weights are rounded to float32. Throws what load_celltypist_model() throws,
/// and Error(BadFormat) on a scale so small that float32 cannot hold its inverse.
Model import_celltypist(const std::filesystem::path& path);

}  // namespace saithe
