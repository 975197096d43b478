#pragma once

// One reader per format, chosen by open_source(). Private to io/.

#include <filesystem>
#include <memory>
#include <optional>

#include "saithe/io/chunked_array.h"
#include "saithe/io/hdf5_file.h"
#include "saithe/io/open.h"

namespace saithe::io {

std::unique_ptr<CellSource> open_h5ad(Hdf5Group root, const ReadOptions& options,
                                      const Context& context);
std::unique_ptr<CellSource> open_tenx_h5(Hdf5Group root, const ReadOptions& options,
                                         const Context& context);
std::unique_ptr<CellSource> open_matrix_market(const std::filesystem::path& folder,
                                               const Context& context);

/// Which generation of h5ad a file is: "AnnData 0.8 or later", "AnnData 0.7", "AnnData 0.6 or
/// earlier"; nothing if it is no h5ad.
std::optional<std::string> h5ad_generation(const Hdf5Group& root);
/// "v2" or "v3"; nothing if it is no 10x HDF5 file.
std::optional<std::string> tenx_version(const Hdf5Group& root);
/// "v2" or "v3" for a 10x MTX folder; nothing if it is none.
std::optional<std::string> matrix_market_version(const std::filesystem::path& folder);

/// The three arrays of a compressed sparse matrix in HDF5, read by rows (of the stored order).
class CompressedRows {
 public:
  /// `group` holds data, indices and indptr. Throws Error(BadFormat) unless indptr is a rising
  /// sequence of n_rows + 1 positions that agrees with the other two.
  CompressedRows(const Hdf5Group& group, std::int64_t n_rows, std::int64_t n_columns,
                 const Context& context);
  /// Rows [begin, end), columns sorted, entries of one column added up; validated.
  [[nodiscard]] CsrMatrix read(std::int64_t begin, std::int64_t end, const Context& context) const;
  [[nodiscard]] std::int64_t n_rows() const {
    return static_cast<std::int64_t>(row_start_.size()) - 1;
  }

 private:
  std::string where_;
  GeneIndex n_columns_;
  std::vector<RowPointer> row_start_;
  ChunkedArray columns_;
  ChunkedArray values_;
};

/// Gene symbols made unique as Scanpy does: the second ABC becomes ABC-1. Returns how many changed.
std::int64_t make_names_unique(std::vector<std::string>& names);

/// Throws Error(BadFormat) naming the first id that stands twice.
void require_unique_gene_ids(const std::vector<std::string>& ids, const std::string& where);

/// var of a 10x file: the index is the symbols made unique, the column gene_ids the ids.
Table make_gene_table(std::vector<std::string> names, std::vector<std::string> ids,
                      const std::string& where);

/// Warns if a barcode stands twice; all cells are kept.
void warn_of_repeated_barcodes(const std::vector<std::string>& barcodes, const std::string& file,
                               const Context& context);

}  // namespace saithe::io
