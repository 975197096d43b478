#pragma once

// Sparse rows read some at a time: what computes over many cells asks for blocks, and does not know
// whether they lie in memory, packed, or in a file.

#include <numeric>
#include <span>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/matrix/csr_matrix.h"

namespace saithe {

/// Rows of a sparse matrix of cells x genes.
class RowSource {
 public:
  virtual ~RowSource() = default;
  [[nodiscard]] virtual CellIndex n_rows() const = 0;
  [[nodiscard]] virtual GeneIndex n_cols() const = 0;
  /// The rows `rows`, in that order.
  [[nodiscard]] virtual CsrMatrix read(std::span<const CellIndex> rows,
                                       const Context& context) const = 0;
};

/// Rows that lie in memory; borrows them.
class MatrixRows final : public RowSource {
 public:
  explicit MatrixRows(const CsrView& matrix) : matrix_(matrix) {}
  [[nodiscard]] CellIndex n_rows() const override { return matrix_.n_rows; }
  [[nodiscard]] GeneIndex n_cols() const override { return matrix_.n_cols; }
  [[nodiscard]] CsrMatrix read(std::span<const CellIndex> rows, const Context&) const override {
    return select_rows(matrix_, rows);
  }

 private:
  CsrView matrix_;
};

/// The rows that a computation runs over, in its order; borrows the source.
class RowSelection {
 public:
  /// All rows of a matrix in memory.
  RowSelection(const CsrView& matrix)  // NOLINT(google-explicit-constructor): a matrix is rows
      : matrix_(matrix), rows_(all(matrix.n_rows)) {}
  /// Rows of a source; all if `rows` is empty.
  RowSelection(const RowSource& source, std::span<const CellIndex> rows)
      : matrix_(CsrView{}),
        source_(&source),
        rows_(rows.empty() ? all(source.n_rows())
                           : std::vector<CellIndex>(rows.begin(), rows.end())) {}

  [[nodiscard]] CellIndex n_rows() const { return static_cast<CellIndex>(rows_.size()); }
  [[nodiscard]] GeneIndex n_cols() const {
    return source_ == nullptr ? matrix_.n_cols() : source_->n_cols();
  }
  /// The rows at the positions [begin, end) of the selection.
  [[nodiscard]] CsrMatrix read(CellIndex begin, CellIndex end, const Context& context) const {
    const auto rows = std::span(rows_).subspan(as_size(begin), as_size(end - begin));
    return source_ == nullptr ? matrix_.read(rows, context) : source_->read(rows, context);
  }

 private:
  static std::vector<CellIndex> all(CellIndex n) {
    std::vector<CellIndex> rows(as_size(n));
    std::iota(rows.begin(), rows.end(), CellIndex{0});
    return rows;
  }
  MatrixRows matrix_;
  const RowSource* source_ = nullptr;  // null: the matrix
  std::vector<CellIndex> rows_;
};

}  // namespace saithe
