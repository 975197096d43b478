#pragma once

// Where the data that come with the program are, wherever it was installed.

#include <filesystem>
#include <string>

namespace saithe::cli {

inline constexpr const char* kBundledPbmc3k = "pbmc3k.h5ad";
inline constexpr const char* kBundledSymbols = "ensembl_symbols.tsv.gz";
inline constexpr const char* kBundledOntology = "cl-basic.obo.gz";
inline constexpr const char* kBundledOntologyMap = "pbmc3k_cell_ontology.tsv";

/// The path of a bundled file: in the folder SAITHE_DATA if that is set, else in share/saithe
/// beside the program's folder, else in data/ of the source tree from which it was built. Throws
/// Error(NotFound) naming the places where it was looked for.
std::filesystem::path bundled_file(const std::string& name);

}  // namespace saithe::cli
