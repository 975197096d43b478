#pragma once

// Which files belong to a matrix of Matrix Market: its tables of genes and cells, as 10x's
// programs, STARsolo, kallisto | bustools, alevin, Parse's split-pipe and those who send data to
// GEO name them. Private to io/.

#include <filesystem>
#include <string>
#include <vector>

#include "saithe/core/context.h"

namespace saithe::io {

/// A matrix and the tables that name its genes and cells.
struct MtxPaths {
  std::filesystem::path matrix;
  std::filesystem::path genes;  ///< empty, as `cells`, where the matrix stands alone
  std::filesystem::path cells;
  bool has_cells_in_rows = false;  ///< as the program writes that gives its files these names
  bool is_usual = false;           ///< the names say which way round it is
  bool is_v3 = false;              ///< features.tsv
  bool is_split_pipe = false;      ///< CSV tables with a line of names
};

/// The files of a folder with a matrix, or of the matrix itself. Throws Error(NotFound) where there
/// is no matrix or one of the tables is missing, Error(BadFormat) where a folder has several
/// matrices.
MtxPaths find_mtx_paths(const std::filesystem::path& path, bool is_folder);

/// Warns where a file lies there twice, packed and not, or genes.tsv beside features.tsv: the two
/// may differ, and one is read.
void warn_of_mtx_twins(const MtxPaths& paths, const Context& context);

/// What to call such a folder or file, with its generation: "10x MTX folder v3".
std::string name_mtx_layout(const std::filesystem::path& path, bool is_folder);

/// The files of a matrix, given by its own path or its folder's, that exist, and the names in its
/// folder under which the reader would look for them. Empty if a folder has no matrix or several.
std::vector<std::filesystem::path> mtx_places(const std::filesystem::path& path);

/// Whether a file lies beside a matrix and is called as its tables are: `GSM1_barcodes.tsv.gz`.
bool is_table_of_mtx(const std::filesystem::path& path);
/// What to say of such a file that is given alone.
inline constexpr const char* kTableOfMtx =
    "is called as the tables that name the genes or cells of an MTX, and holds no counts. Give the "
    "folder, or the .mtx beside it";

/// What of a folder could be given instead of it, where it has no matrix itself: folders with one,
/// and files of HDF5. "'a/hg19', 'a/cells.h5'"; empty if there is nothing.
std::string readable_within(const std::filesystem::path& folder);

}  // namespace saithe::io
