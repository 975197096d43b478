#pragma once

// A matrix of cells x genes in a Zarr store: csr, csc or dense, read by blocks of cells. Private to
// io/.

#include <optional>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/io/zarr_array.h"
#include "saithe/matrix/csr_matrix.h"

namespace saithe::io {

class ZarrMatrix {
 public:
  /// Throws Error(BadFormat) unless the node is such a matrix of that shape. A csc matrix is read
  /// and turned round here, because a block of cells is spread over all of it.
  ZarrMatrix(const ZarrNode& node, CellIndex n_cells, GeneIndex n_genes, const Context& context);

  /// Cells [begin, end), validated. Throws Error(BadFormat).
  [[nodiscard]] CsrMatrix read(CellIndex begin, CellIndex end, const Context& context) const;

 private:
  /// The three arrays of a compressed matrix, by rows of the stored order.
  struct Compressed {
    std::string where;
    std::int64_t n_columns;
    std::vector<RowPointer> row_start;
    ZarrArray columns;
    ZarrArray values;
  };
  static Compressed open_compressed(const ZarrNode& node, std::int64_t n_rows,
                                    std::int64_t n_columns, const Context& context);
  static CsrMatrix read_compressed(const Compressed& rows, std::int64_t begin, std::int64_t end,
                                   const Context& context);
  [[nodiscard]] CsrMatrix read_dense(CellIndex begin, CellIndex end, const Context& context) const;

  std::optional<Compressed> rows_;
  std::optional<CsrMatrix> turned_;
  std::optional<ZarrArray> dense_;
};

}  // namespace saithe::io
