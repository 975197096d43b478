#include "saithe/classify/held_out.h"

#include <algorithm>
#include <utility>

namespace saithe {
namespace {

void append(const DenseMatrix& more, DenseMatrix& matrix) {
  if (more.n_rows() == 0) return;
  DenseMatrix all(matrix.n_rows() + more.n_rows(), more.n_cols());
  const std::int64_t n = matrix.n_rows() * matrix.n_cols();
  std::copy_n(matrix.data(), n, all.data());
  std::copy_n(more.data(), more.n_rows() * more.n_cols(), all.data() + n);
  matrix = std::move(all);
}

}  // namespace

void reserve_held_out(HeldOutPredictions& held_out, LabelIndex n_types, bool with_distances) {
  const auto n_cells = static_cast<std::int64_t>(held_out.cells.size());
  held_out.probabilities = DenseMatrix(n_cells, n_types);
  held_out.logits = DenseMatrix(n_cells, n_types);
  if (with_distances) held_out.distances.resize(held_out.cells.size());
}

std::vector<std::size_t> rows_of_fold(const HeldOutPredictions& held_out, int fold) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < held_out.cells.size(); ++i) {
    if (held_out.folds.empty() || held_out.folds[i] == fold) rows.push_back(i);
  }
  return rows;
}

void fill_held_out(HeldOutPredictions& held_out, int fold, const EnsembleOutput& output,
                   std::span<const double> distances) {
  for (const std::size_t i : rows_of_fold(held_out, fold)) {
    const CellIndex cell = held_out.cells[i];
    const auto at = static_cast<std::int64_t>(i);
    const auto row = output.probabilities.row(cell);
    std::copy(row.begin(), row.end(), held_out.probabilities.row(at).begin());
    const auto logits = output.logits.row(cell);
    std::copy(logits.begin(), logits.end(), held_out.logits.row(at).begin());
    if (!distances.empty()) held_out.distances[i] = distances[as_size(cell)];
  }
}

void add_doublets(HeldOutPredictions& held_out, std::span<const CellPair> pairs,
                  std::span<const LabelIndex> labels, const DenseMatrix& logits) {
  SAITHE_ASSERT(logits.n_rows() == static_cast<std::int64_t>(pairs.size()));
  append(logits, held_out.doublets.logits);
  for (const auto& [first, second] : pairs) {
    held_out.doublets.types.push_back({labels[as_size(first)], labels[as_size(second)]});
  }
}

TypedLogits typed_logits(const HeldOutPredictions& held_out, std::span<const LabelIndex> labels,
                         std::span<const CellIndex> rows) {
  TypedLogits typed{select_rows(held_out.logits.view(), rows), {}};
  for (const CellIndex row : rows) typed.types.push_back({labels[as_size(row)], kNoLabel});
  append(held_out.doublets.logits, typed.logits);
  typed.types.insert(typed.types.end(), held_out.doublets.types.begin(),
                     held_out.doublets.types.end());
  return typed;
}

}  // namespace saithe
