#pragma once

// Row-major float32 matrices: activations, probabilities, embeddings. Never counts.

#include <algorithm>
#include <cstdint>
#include <span>

#include "saithe/core/aligned_vector.h"
#include "saithe/core/types.h"

namespace saithe {

/// Borrows a row-major matrix.
struct DenseView {
  std::int64_t n_rows = 0;
  std::int64_t n_cols = 0;
  const float* values = nullptr;

  [[nodiscard]] std::span<const float> row(std::int64_t r) const {
    return {values + r * n_cols, as_size(n_cols)};
  }
  [[nodiscard]] float operator()(std::int64_t r, std::int64_t c) const {
    return values[r * n_cols + c];
  }
};

/// Owns a row-major matrix, zero at the start.
class DenseMatrix {
 public:
  DenseMatrix() = default;
  DenseMatrix(std::int64_t n_rows, std::int64_t n_cols)
      : n_rows_(n_rows),
        n_cols_(n_cols),
        values_(as_size(checked_multiply(n_rows, n_cols, "dense matrix"))) {}

  [[nodiscard]] std::int64_t n_rows() const { return n_rows_; }
  [[nodiscard]] std::int64_t n_cols() const { return n_cols_; }
  [[nodiscard]] float* data() { return values_.data(); }
  [[nodiscard]] const float* data() const { return values_.data(); }
  [[nodiscard]] std::span<float> row(std::int64_t r) {
    return {values_.data() + r * n_cols_, as_size(n_cols_)};
  }
  [[nodiscard]] std::span<const float> row(std::int64_t r) const {
    return {values_.data() + r * n_cols_, as_size(n_cols_)};
  }
  [[nodiscard]] float& operator()(std::int64_t r, std::int64_t c) {
    return values_[as_size(r * n_cols_ + c)];
  }
  [[nodiscard]] float operator()(std::int64_t r, std::int64_t c) const {
    return values_[as_size(r * n_cols_ + c)];
  }
  [[nodiscard]] DenseView view() const { return {n_rows_, n_cols_, values_.data()}; }

 private:
  std::int64_t n_rows_ = 0;
  std::int64_t n_cols_ = 0;
  AlignedVector<float> values_;
};

/// The rows `rows` of `matrix`, in that order.
inline DenseMatrix select_rows(DenseView matrix, std::span<const CellIndex> rows) {
  DenseMatrix selected(static_cast<std::int64_t>(rows.size()), matrix.n_cols);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto source = matrix.row(rows[i]);
    std::copy(source.begin(), source.end(), selected.row(static_cast<std::int64_t>(i)).begin());
  }
  return selected;
}

}  // namespace saithe
