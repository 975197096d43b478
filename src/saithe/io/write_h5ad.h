#pragma once

// Results -> h5ad: a fresh file, a stream of blocks, or columns added to a copy of the input.
//
// Written as AnnData 0.8 reads it (docs/file_formats.md). Every file is written beside its name and
// renamed; the same content gives the same bytes (no time stamps).

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/data/cell_source.h"
#include "saithe/matrix/dense_matrix.h"

namespace saithe {

/// An entry of uns.
using UnsValue = std::variant<std::string, std::int64_t, double, bool, std::vector<std::string>,
                              std::vector<double>>;

/// What saithe adds to an h5ad file. A '/' in an uns key makes a nested dict: "saithe/version".
struct Annotations {
  std::vector<std::pair<std::string, Column>> obs;
  std::vector<std::pair<std::string, DenseMatrix>> obsm;
  std::vector<std::pair<std::string, UnsValue>> uns;
};

/// Writes a new h5ad: X the counts (csr, gzip with shuffle), obs and var of the data set, and the
/// annotations. X is stored as float32, as Scanpy expects it. Throws Error(Output).
void write_h5ad(const std::filesystem::path& path, const Dataset& dataset,
                const Annotations& annotations, bool overwrite, const Context& context);

/// Copies the bytes of the h5ad `input` and adds the annotations to the copy; everything else stays
/// byte for byte the same object. A key that exists is Error(Output) unless `overwrite`.
/// The annotations have one entry per cell of the input, in its order.
void annotate_h5ad(const std::filesystem::path& input, const std::filesystem::path& output,
                   const Annotations& annotations, bool overwrite, const Context& context);

/// Writes an h5ad block by block, in memory bounded by one block.
class H5adStream {
 public:
  /// The genes and the number of cells (or more) are known at the start. Throws Error(Output).
  H5adStream(const std::filesystem::path& path, const Table& var, CellIndex n_cells,
             bool overwrite);
  ~H5adStream();
  /// Appends cells with their obs rows; every call has the same obs columns.
  void append(const CsrView& counts, const Table& obs, const Context& context);
  /// Writes what is left and renames the file.
  void finish(const Context& context);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace saithe
