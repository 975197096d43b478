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

/// Throws Error(InvalidArgument) unless the name of an h5ad to be written ends in .h5ad.
void require_h5ad_name(const std::filesystem::path& output);

/// Throws Error(InvalidArgument) if the name of a table to be written promises commas: tables are
/// separated by tabs.
void require_table_name(const std::filesystem::path& output);

/// Throws Error(InvalidArgument) if model and cells were given in the wrong order.
void require_model_first(const std::filesystem::path& model, const std::filesystem::path& cells);

/// What results call an input: the last part of its path, the same for any way to spell that.
std::string shown_name(const std::filesystem::path& input);

/// `message` without the folder of `input`, if it begins with that path, as the reader's do.
std::string without_folder(const std::string& message, const std::filesystem::path& input);

}  // namespace saithe::cli
