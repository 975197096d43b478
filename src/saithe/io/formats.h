#pragma once

// One reader per format, chosen by open_source(). Private to io/.

#include <filesystem>
#include <memory>
#include <optional>

#include "saithe/io/chunked_array.h"
#include "saithe/io/gene_table.h"
#include "saithe/io/hdf5_file.h"
#include "saithe/io/open.h"

namespace saithe::io {

/// A path to be read, looked at once for all formats.
struct InputFile {
  std::filesystem::path path;
  bool is_folder = false;
  std::optional<Hdf5Group> hdf5;  ///< the root, where it is an HDF5 file
  std::string head;               ///< of another file: its first bytes, inflated if it is gzip
};

/// Opens what there is. Throws Error(NotFound), and Error(BadFormat) on damaged HDF5.
InputFile look_at(const std::filesystem::path& path);

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
  void (*describe)(const InputFile& input, FileSummary& summary);
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

/// The three arrays of a compressed sparse matrix in HDF5, read by rows (of the stored order).
class CompressedRows {
 public:
  /// `group` holds data, indices and indptr. Throws Error(BadFormat) unless indptr is a rising
  /// sequence of n_rows + 1 positions that agrees with the other two.
  CompressedRows(const Hdf5Group& group, std::int64_t n_rows, std::int64_t n_columns,
                 const Context& context);
  /// Rows [begin, end), columns sorted, entries of one column added up; validated.
  [[nodiscard]] CsrMatrix read(std::int64_t begin, std::int64_t end, const Context& context) const;
  /// The columns alone of the entries of rows [begin, end), as they are stored; checked.
  [[nodiscard]] std::vector<GeneIndex> read_columns(std::int64_t begin, std::int64_t end,
                                                    const Context& context) const;
  [[nodiscard]] std::int64_t n_rows() const {
    return static_cast<std::int64_t>(row_start_.size()) - 1;
  }
  /// Stored entries of rows [begin, end), before those of one column are added up.
  [[nodiscard]] RowPointer n_stored(std::int64_t begin, std::int64_t end) const {
    return row_start_[as_size(end)] - row_start_[as_size(begin)];
  }
  /// "FILE: /path/in/file"
  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  std::string where_;
  GeneIndex n_columns_;
  std::vector<RowPointer> row_start_;
  ChunkedArray columns_;
  ChunkedArray values_;
};

}  // namespace saithe::io
