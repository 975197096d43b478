#pragma once

// Sparse cells x genes: one row per cell, columns ascending and unique within a row.
//
// The only form in which expression values exist in saithe. Values are float32, columns 32-bit,
// row starts 64-bit. validate() is called at every border (files, bindings); inside it is trusted.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/core/types.h"

namespace saithe {

/// Borrows a sparse matrix of cells x genes.
struct CsrView {
  CellIndex n_rows = 0;
  GeneIndex n_cols = 0;
  std::span<const RowPointer> row_start;  ///< n_rows + 1 positions; row_start[0] may be above 0
  std::span<const GeneIndex> columns;
  std::span<const float> values;

  [[nodiscard]] RowPointer n_stored() const {
    return row_start.empty() ? 0 : row_start.back() - row_start.front();
  }
  [[nodiscard]] std::span<const GeneIndex> row_columns(CellIndex r) const {
    return columns.subspan(as_size(row_start[as_size(r)]), row_size(r));
  }
  [[nodiscard]] std::span<const float> row_values(CellIndex r) const {
    return values.subspan(as_size(row_start[as_size(r)]), row_size(r));
  }
  [[nodiscard]] std::size_t row_size(CellIndex r) const {
    return as_size(row_start[as_size(r) + 1] - row_start[as_size(r)]);
  }
};

/// Owns a sparse matrix of cells x genes.
struct CsrMatrix {
  CellIndex n_rows = 0;
  GeneIndex n_cols = 0;
  std::vector<RowPointer> row_start = {0};
  std::vector<GeneIndex> columns;
  std::vector<float> values;

  [[nodiscard]] RowPointer n_stored() const { return row_start.back(); }
  [[nodiscard]] CsrView view() const { return {n_rows, n_cols, row_start, columns, values}; }
};

// Where a context may be given, its threads share the rows; without one it is this thread alone.

/// Throws Error(BadFormat), beginning with `where`, unless the arrays agree with each other, row
/// starts ascend and columns lie in [0, n_cols), ascending and unique within a row.
void validate(const CsrView& matrix, std::string_view where, const Context& context = Context(1));

/// Sorts each row by columns; entries of one column keep their order. Returns whether there are
/// any.
bool sort_rows(CsrMatrix& matrix, const Context& context = Context(1));

/// Sorts the columns of each row and adds up entries of the same column.
/// Returns the number of entries that were merged away.
RowPointer sort_and_merge(CsrMatrix& matrix, const Context& context = Context(1));

/// The rows `rows` of `matrix`, in that order.
CsrMatrix select_rows(const CsrView& matrix, std::span<const CellIndex> rows);

/// The columns with new_column[c] >= 0, renumbered by it; entries that meet are added up.
/// n_new_cols is the number of columns of the result. Rows come out sorted.
CsrMatrix map_columns(const CsrView& matrix, std::span<const GeneIndex> new_column,
                      GeneIndex n_new_cols, const Context& context = Context(1));

/// The same for values ln(1 + x): entries that meet become the logarithm of 1 + the sum of their x.
CsrMatrix map_logarithms(const CsrView& matrix, std::span<const GeneIndex> new_column,
                         GeneIndex n_new_cols, const Context& context = Context(1));

/// Genes x cells turned into cells x genes (and back).
CsrMatrix transpose(const CsrView& matrix);

/// Appends the rows of `more`, which has as many columns.
void append_rows(CsrMatrix& matrix, const CsrView& more);

}  // namespace saithe
