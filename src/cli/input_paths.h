#pragma once

// The inputs of a command: their order, and what is kept of them, which names no folder.

#include <filesystem>
#include <string>
#include <vector>

namespace saithe::cli {

/// Throws Error(InvalidArgument) if model and cells were given in the wrong order.
void require_model_first(const std::filesystem::path& model, const std::filesystem::path& cells);

/// What results call an input: the last part of its path, the same for any way to spell that.
std::string shown_name(const std::filesystem::path& input);

/// `message` without the folder of `input`, if it begins with that path, as the reader's do.
std::string without_folder(const std::string& message, const std::filesystem::path& input);

}  // namespace saithe::cli
