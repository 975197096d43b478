#pragma once

// Where the data that come with the program are, wherever it was installed.

#include <filesystem>

namespace saithe::cli {

/// The path of the bundled PBMC3K: SAITHE_DATA/pbmc3k.h5ad if that is set, else share/saithe beside
/// the program's folder, else data/ of the source tree from which it was built. Throws
/// Error(NotFound) naming the places where it was looked for.
std::filesystem::path bundled_pbmc3k();

}  // namespace saithe::cli
