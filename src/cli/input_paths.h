#pragma once

// The inputs of a command: none is replaced by an output, and what is kept of them names no folder.

#include <filesystem>
#include <string>
#include <vector>

namespace saithe::cli {

/// Throws Error(Output) if writing `output` would replace one of `inputs`, a file of an input
/// folder included, however either is spelled or linked. Empty inputs are not given.
void require_not_an_input(const std::filesystem::path& output,
                          const std::vector<std::filesystem::path>& inputs);

/// What results call an input: the last part of its path, the same for any way to spell that.
std::string shown_name(const std::filesystem::path& input);

/// `message` without the folder of `input`, if it begins with that path, as the reader's do.
std::string without_folder(const std::string& message, const std::filesystem::path& input);

}  // namespace saithe::cli
