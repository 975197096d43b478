#pragma once

// One reader per format, chosen by open_source(). Private to io/.

#include <filesystem>
#include <memory>
#include <optional>

#include "saithe/io/chunked_array.h"
#include "saithe/io/compressed_rows.h"
#include "saithe/io/gene_table.h"
#include "saithe/io/hdf5_file.h"
#include "saithe/io/open.h"
#include "saithe/io/unchanged_file.h"

namespace saithe::io {

/// Of InputFile::head at most; a file of fewer is there as a whole.
inline constexpr std::size_t kHeadBytes = 65536;

/// A path to be read, looked at once for all formats.
struct InputFile {
  std::filesystem::path path;
  bool is_folder = false;
  FileState state;                ///< when it was opened
  std::optional<Hdf5Group> hdf5;  ///< the root, where it is an HDF5 file
  std::string head;               ///< of another file: its first bytes, inflated if it is gzip
};

/// Opens what there is. Throws Error(NotFound), and Error(BadFormat) on damaged HDF5, of which
/// texts are read while they fit context.max_memory.
InputFile look_at(const std::filesystem::path& path, const Context& context);

/// What open_source() knows of a format. open() may throw: that is how a kind of file is refused
/// with the command that exports it.
struct Format {
  const char* options;  ///< names of the ReadOptions it takes, joined by spaces
  /// What to call this input, with its generation: "h5ad (AnnData 0.7)"; nothing if it is another
  /// format.
  std::optional<std::string> (*recognise)(const InputFile& input);
  std::unique_ptr<CellSource> (*open)(InputFile input, const ReadOptions& options,
                                      const Context& context);
  /// Adds what only this format has (layers, obsm, ...). May be null.
  void (*describe)(const InputFile& input, FileSummary& summary, const Context& context);
};

extern const Format kH5ad;
extern const Format kTenxH5;
extern const Format kZarr;
extern const Format kMatrixMarket;
extern const Format kLoom;
extern const Format kH5Seurat;
extern const Format kTextTable;
/// What is known but not read; opening it fails with the command that exports it.
extern const Format kOtherPrograms;

/// Which generation of h5ad a file is: "AnnData 0.8 or later", "AnnData 0.7", "AnnData 0.6 or
/// earlier"; nothing if it is no h5ad.
std::optional<std::string> h5ad_generation(const Hdf5Group& root);

}  // namespace saithe::io
