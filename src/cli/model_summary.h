#pragma once

// What `saithe inspect` says of a model: everything its card holds, as text and as JSON.

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "saithe/classify/model.h"

namespace saithe::cli {

/// Lines "what: value" under headings: what the model was made from, how good it is, its types with
/// their cells and F1, its members and its options.
std::string model_text(const Model& model);

/// The same for machines; names that are kept once a model has been written with them.
nlohmann::ordered_json model_json(const Model& model);

}  // namespace saithe::cli
