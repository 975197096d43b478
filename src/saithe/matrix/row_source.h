#pragma once

// Sparse rows read some at a time: what computes over many cells asks for blocks, and does not know
// whether they lie in memory, packed, or in a file.

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/matrix/csr_matrix.h"

namespace saithe {

/// Values that a block of rows may have: a sixteenth of context.max_memory at 8 bytes each, since
/// what is made of a block lies beside it; at least 2^20, below which nothing is won.
inline std::int64_t most_block_values(const Context& context) {
  constexpr std::int64_t kBlockShare = 16;
  constexpr std::int64_t kValueBytes = sizeof(GeneIndex) + sizeof(float);
  constexpr std::int64_t kLeastValues = std::int64_t{1} << 20;
  return std::max(kLeastValues, context.max_memory / kBlockShare / kValueBytes);
}

/// The end of the block that begins with row `begin` and ends at `most_end` or before: as many rows
/// as have most_block_values(), one at least. n_values(begin, end), which grows with `end`, tells
/// how many values rows have at most.
template <typename NValues>
CellIndex find_block_end(CellIndex begin, CellIndex most_end, const Context& context,
                         const NValues& n_values) {
  if (most_end <= begin + 1) return most_end;
  const std::int64_t most = most_block_values(context);
  if (n_values(begin, most_end) <= most) return most_end;
  CellIndex fits = begin + 1;
  CellIndex passes = most_end;
  while (passes - fits > 1) {
    const CellIndex middle = fits + (passes - fits) / 2;
    (n_values(begin, middle) <= most ? fits : passes) = middle;
  }
  return fits;
}

/// Rows of a sparse matrix of cells x genes.
class RowSource {
 public:
  virtual ~RowSource() = default;
  [[nodiscard]] virtual CellIndex n_rows() const = 0;
  [[nodiscard]] virtual GeneIndex n_cols() const = 0;
  /// The rows `rows`, in that order.
  [[nodiscard]] virtual CsrMatrix read(std::span<const CellIndex> rows,
                                       const Context& context) const = 0;
  /// At most how many values a row has that is read.
  [[nodiscard]] virtual std::int64_t most_stored(CellIndex row) const = 0;
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
  [[nodiscard]] std::int64_t most_stored(CellIndex row) const override {
    return std::ssize(matrix_.row_columns(row));
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
    return source().read(rows, context);
  }
  /// The end of the block from position `begin` on: `most_rows` rows, fewer where they have many
  /// values.
  [[nodiscard]] CellIndex block_end(CellIndex begin, CellIndex most_rows,
                                    const Context& context) const {
    return block_end(begin, most_rows, most_block_values(context));
  }
  /// The same with another number of values.
  [[nodiscard]] CellIndex block_end(CellIndex begin, CellIndex most_rows,
                                    std::int64_t most_values) const {
    const CellIndex most_end = std::min(begin + most_rows, n_rows());
    std::int64_t n_values = 0;
    CellIndex end = begin;
    for (; end < most_end; ++end) {
      n_values += source().most_stored(rows_[as_size(end)]);
      if (n_values > most_values && end > begin) break;
    }
    return end;
  }

 private:
  [[nodiscard]] const RowSource& source() const {
    return source_ == nullptr ? static_cast<const RowSource&>(matrix_) : *source_;
  }
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
