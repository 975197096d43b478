#pragma once

// Cells and results -> a new h5ad, whole or as a stream of blocks (annotate_h5ad.h adds to one that
// exists).
//
// Written as AnnData 0.8 reads it (docs/file_formats.md). Every file is written beside its name and
// renamed; the same content gives the same bytes (no time stamps).

#include <concepts>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/data/cell_source.h"
#include "saithe/matrix/dense_matrix.h"

namespace saithe {

class PendingOutputs;

/// An entry of uns.
using UnsValue = std::variant<std::string, std::int64_t, double, bool, std::vector<std::string>,
                              std::vector<double>>;

/// A column of obs that is added: in memory, or handed over piece by piece.
class ResultColumn {
 public:
  /// Rows [begin, end): numbers of the kind Float32, or categories with the same levels each time.
  using ReadPiece = std::function<Column(std::int64_t begin, std::int64_t end)>;

  template <typename Whole>
  requires std::constructible_from<Column, Whole> ResultColumn(
      Whole&& whole)  // NOLINT: a column in memory is one
      : whole_(std::make_shared<const Column>(std::forward<Whole>(whole))),
        n_rows_(static_cast<std::int64_t>(column_size(*whole_))) {}
  ResultColumn(std::int64_t n_rows, ReadPiece read) : read_(std::move(read)), n_rows_(n_rows) {}

  [[nodiscard]] std::int64_t n_rows() const { return n_rows_; }
  /// nullptr: it comes in pieces.
  [[nodiscard]] const Column* whole() const { return whole_.get(); }
  [[nodiscard]] Column piece(std::int64_t begin, std::int64_t end) const {
    return read_(begin, end);
  }

 private:
  std::shared_ptr<const Column> whole_;
  ReadPiece read_;
  std::int64_t n_rows_ = 0;
};

/// A matrix of obsm that is added, likewise.
class ResultMatrix {
 public:
  /// Rows [begin, end), one after another.
  using ReadRows = std::function<std::vector<float>(std::int64_t begin, std::int64_t end)>;

  ResultMatrix(DenseMatrix matrix);  // NOLINT: a matrix in memory is one
  ResultMatrix(std::int64_t n_rows, std::int64_t n_cols, ReadRows read)
      : n_rows_(n_rows), n_cols_(n_cols), read_(std::move(read)) {}

  [[nodiscard]] std::int64_t n_rows() const { return n_rows_; }
  [[nodiscard]] std::int64_t n_cols() const { return n_cols_; }
  [[nodiscard]] std::vector<float> rows(std::int64_t begin, std::int64_t end) const {
    return read_(begin, end);
  }

 private:
  std::int64_t n_rows_ = 0;
  std::int64_t n_cols_ = 0;
  ReadRows read_;
};

/// What saithe adds to an h5ad file. A '/' in an uns key makes a nested dict: "saithe/version".
struct Annotations {
  std::vector<std::pair<std::string, ResultColumn>> obs;
  std::vector<std::pair<std::string, ResultMatrix>> obsm;
  std::vector<std::pair<std::string, UnsValue>> uns;
  /// How to find what an earlier run left that would contradict these. It is removed if the first
  /// column of obs replaces one; other columns may have such names, so that names alone say little.
  struct EarlierRun {
    std::string list;  ///< "saithe/added": the entry of uns that lists what a run added
    // Of runs that left no list yet.
    std::string record;  ///< "saithe/version": the entry of uns that every run leaves
    std::vector<std::vector<std::string>> unlisted_obs;  ///< a run wrote all of a group, or none
    std::vector<std::string> unlisted_uns;               ///< "saithe/ontology"
  } of_earlier_run;
};

/// Writes a new h5ad: X the counts (csr, gzip with shuffle), obs and var of the data set, and the
/// annotations. X is stored as float32, as Scanpy expects it. Throws Error(Output).
void write_h5ad(const std::filesystem::path& path, const Dataset& dataset,
                const Annotations& annotations, bool overwrite, const Context& context);

/// The same of cells that are read block by block, in memory bounded by one block. X has 64-bit
/// integers where a matrix without zeros would need them. Throws also what reading throws.
void write_h5ad(const std::filesystem::path& path, CellSource& source,
                const Annotations& annotations, bool overwrite, const Context& context);

/// The same, renamed with the other outputs of a run.
void write_h5ad(const std::filesystem::path& path, CellSource& source,
                const Annotations& annotations, bool overwrite, const Context& context,
                PendingOutputs& outputs);

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
