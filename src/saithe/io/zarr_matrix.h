#pragma once

// A matrix of cells x genes in a Zarr store: csr, csc or dense, read by blocks of cells. Private to
// io/.

#include <optional>

#include "saithe/io/choose_values.h"
#include "saithe/io/compressed_rows.h"
#include "saithe/io/dense_rows.h"
#include "saithe/io/turned_columns.h"
#include "saithe/io/zarr_array.h"

namespace saithe::io {

class ZarrMatrix final : public CellMatrix {
 public:
  /// Throws Error(BadFormat) unless the node is such a matrix of that shape.
  ZarrMatrix(const ZarrNode& node, CellIndex n_cells, GeneIndex n_genes, const Context& context);

  /// Cells [begin, end), validated. Throws Error(BadFormat).
  [[nodiscard]] CsrMatrix read(CellIndex begin, CellIndex end, const Context& context) override;
  [[nodiscard]] std::int64_t most_stored(CellIndex begin, CellIndex end) const override;
  [[nodiscard]] bool is_boolean() const override { return is_boolean_; }
  void let_go() override;

 private:
  bool is_boolean_ = false;
  std::optional<CompressedRows> rows_;
  std::optional<TurnedColumns> turned_;
  std::optional<DenseRows> dense_;
};

}  // namespace saithe::io
