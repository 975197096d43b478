#pragma once

// X, a layer or raw/X of an h5ad file, whatever way it is stored. Private to io/.

#include <optional>

#include "saithe/io/choose_values.h"
#include "saithe/io/dense_rows.h"
#include "saithe/io/formats.h"
#include "saithe/io/turned_columns.h"

namespace saithe::io {

/// Cells x genes stored as csr, csc or dense.
class H5adMatrix final : public CellMatrix {
 public:
  /// The matrix `name` of `parent`. Throws Error(BadFormat) unless it is one of n_cells x n_genes.
  H5adMatrix(const Hdf5Group& parent, const std::string& name, CellIndex n_cells, GeneIndex n_genes,
             const Context& context);
  CsrMatrix read(CellIndex begin, CellIndex end, const Context& context) override;
  [[nodiscard]] std::int64_t most_stored(CellIndex begin, CellIndex end) const override;
  [[nodiscard]] bool is_boolean() const override { return is_boolean_; }
  void let_go() override;

  /// Whether `parent` has such a matrix: AnnData may write a null in its place.
  static bool is_there(const Hdf5Group& parent, const std::string& name);

 private:
  bool is_boolean_ = false;
  std::optional<CompressedRows> rows_;
  std::optional<TurnedColumns> turned_;
  std::optional<DenseRows> dense_;
};

}  // namespace saithe::io
