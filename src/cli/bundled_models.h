#pragma once

// Models that come with the program are called by their names.

#include <filesystem>
#include <string>

#include "saithe/classify/model.h"
#include "session.h"

namespace saithe::cli {

/// The file of a model: `name` itself where such a file exists, else the bundled model of that name
/// ("pbmc3k"), else `name`, which loading will refuse.
std::filesystem::path model_path(const std::string& name);

/// Loads it, and says of a bundled one what it was trained on. Throws what load_model() throws.
Model load_named_model(const std::string& name, Session& session);

}  // namespace saithe::cli
