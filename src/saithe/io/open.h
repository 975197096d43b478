#pragma once

// Files -> cells. The only public reader: it finds out the format from the content and hides it.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/core/options.h"
#include "saithe/data/cell_source.h"
#include "saithe/data/value_kind.h"

namespace saithe {

/// Where the cells of a table or matrix are.
enum class CellsIn { Auto, Rows, Columns };

template <>
struct EnumNames<CellsIn> {
  static constexpr std::pair<CellsIn, const char*> values[] = {
      {CellsIn::Auto, "auto"}, {CellsIn::Rows, "rows"}, {CellsIn::Columns, "columns"}};
};

/// Which values of a file to take.
struct ReadOptions {
  std::string layer;                 ///< h5ad, Zarr, Loom: the layer to read
  bool use_raw = false;              ///< h5ad, Zarr: read raw/X with raw/var
  std::string genome;                ///< 10x HDF5 with several genomes: which one
  CellsIn cells_in = CellsIn::Auto;  ///< MTX and tables of text: auto tells it by lengths and names
  /// Takes values of any kind where there are neither counts nor log1p(CP10k): to look at a file or
  /// to copy it.
  bool any_values = false;
  /// Takes an h5ad or Zarr without any values, as zeros: to look at its names.
  bool no_values = false;

  template <typename Visitor>
  static void describe(Visitor& visit, ReadOptions& options) {
    visit("layer", options.layer,
          "h5ad, Zarr, Loom: read this layer (X, of Loom matrix: the main matrix); without it, the "
          "first of the layers counts, raw_counts and raw, raw/X and the main matrix that holds "
          "counts");
    visit("use-raw", options.use_raw, "h5ad, Zarr: read raw/X with its own genes");
    visit("genome", options.genome, "10x HDF5 of several genomes: the one to read");
    visit("cells-in", options.cells_in,
          "MTX, CSV, TSV: where the cells are; auto tells it by lengths and names");
  }
};

/// Opens a file for reading in blocks: h5ad, Zarr, 10x HDF5, Loom, h5Seurat; MTX and tables of text
/// are read once, into packed rows (PackedRows).
/// Throws Error(NotFound), Error(BadFormat), and Error(InvalidArgument) for an option that the
/// format does not have.
std::unique_ptr<CellSource> open_source(const std::filesystem::path& path,
                                        const ReadOptions& options, const Context& context);

/// Reads all cells into memory; validated. Throws as open_source().
Dataset read_dataset(const std::filesystem::path& path, const ReadOptions& options,
                     const Context& context);

/// Whether a path is an h5ad file, to which columns can be added.
bool is_h5ad(const std::filesystem::path& path);

/// What no output of a run may replace that reads `path`: the files that belong to it, and names
/// that its reader would take for such files; for a Zarr store its folder, with all that lies in
/// it. Looks at names and first bytes only, and never throws on what cannot be read.
std::vector<std::filesystem::path> places_of_input(const std::filesystem::path& path);

/// One column of obs as inspect shows it.
struct ColumnSummary {
  std::string name;
  std::string kind;           ///< "category", "text", "number", "boolean"
  std::int64_t n_values = 0;  ///< distinct values
};

/// What one of the places holds where counts are looked for.
struct PlaceSummary {
  std::string name;  ///< "layers/counts", "raw/X", "X", of Loom "matrix"
  ValueKind kind = ValueKind::Unknown;
  std::string finding;  ///< a sentence: "X holds counts"
};

/// What a file holds, for a person who has never seen it.
struct FileSummary {
  std::string format;  ///< "h5ad (AnnData 0.8 or later)", "10x HDF5 v3", "10x MTX folder v2", ...
  CellIndex n_cells = 0;
  GeneIndex n_genes = 0;
  RowPointer n_stored = 0;
  double total = 0;  ///< sum of the values that would be used
  /// Of the values that would be used; Unknown where all are 0 or there are none.
  ValueKind value_kind = ValueKind::Unknown;
  std::vector<PlaceSummary> places;  ///< h5ad, Zarr, Loom: told from a sample of cells
  std::vector<ColumnSummary> obs;
  std::vector<ColumnSummary> var;
  std::vector<std::string> layers;
  std::vector<std::string> obsm;      ///< "X_umap", ...
  std::vector<std::string> uns;       ///< keys of the first level
  std::vector<std::string> not_read;  ///< other objects that hold something
  bool has_raw = false;
  std::vector<std::string> warnings;
};

/// What a file holds beside cells and genes: its format, and what only that format has. Of the
/// values no more is read than a sample. Throws Error(NotFound) and Error(BadFormat).
FileSummary list_contents(const std::filesystem::path& path, const Context& context);

/// A source, and what list_contents() says of its file.
struct DescribedSource {
  FileSummary contents;
  std::unique_ptr<CellSource> source;
};

/// open_source() and list_contents() of a file that is opened once.
DescribedSource open_described(const std::filesystem::path& path, const ReadOptions& options,
                               const Context& context);

/// Reads a file once, in blocks. Throws as open_source().
FileSummary inspect_file(const std::filesystem::path& path, const ReadOptions& options,
                         const Context& context);

}  // namespace saithe
