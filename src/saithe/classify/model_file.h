#pragma once

// model.saithe: a plain safetensors file with our JSON as one string in __metadata__
// (docs/model_format.md). Untrusted input: every size is checked, nothing is executed.

#include <filesystem>

#include "saithe/classify/model.h"

namespace saithe {

class PendingOutputs;

/// Writes the model beside and renames. The same model gives the same bytes. Throws Error(Output).
void save_model(const Model& model, const std::filesystem::path& path, bool overwrite);
/// The same, renamed with the other outputs of a run.
void save_model(const Model& model, const std::filesystem::path& path, bool overwrite,
                PendingOutputs& outputs);

/// Reads a model. Throws Error(NotFound), or Error(BadFormat) if anything in it does not fit.
Model load_model(const std::filesystem::path& path);

/// Whether a file begins like a safetensors file of saithe.
bool is_model_file(const std::filesystem::path& path);

}  // namespace saithe
