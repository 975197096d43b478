#pragma once

// The card of a model as the JSON of a model file has it (docs/model_format.md). Private to
// classify.

#include <nlohmann/json.hpp>
#include <string>

#include "saithe/classify/model.h"

namespace saithe {

/// The object of the key "card".
nlohmann::ordered_json model_card_json(const ModelCard& card);

/// Reads and checks it. Throws Error(BadFormat), beginning with `where`, on missing or unknown keys
/// and on numbers that no training gives.
ModelCard read_model_card(const nlohmann::json& json, const std::string& where);

}  // namespace saithe
