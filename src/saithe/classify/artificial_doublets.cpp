#include "saithe/classify/artificial_doublets.h"

#include <algorithm>
#include <cmath>

#include "saithe/core/random.h"

namespace saithe {
namespace {

constexpr std::size_t kCellsOfAPair = 4;
constexpr std::size_t kMostPairs = 5000;

/// ln(1 + share x (e^a - 1) + (1 - share) x (e^b - 1)) of two rows.
void append_mixed_row(const CsrView& firsts, const CsrView& seconds, std::int64_t row, double share,
                      CsrMatrix& mixed) {
  const auto a = firsts.row_columns(row);
  const auto b = seconds.row_columns(row);
  const auto a_values = firsts.row_values(row);
  const auto b_values = seconds.row_values(row);
  const auto part = [](double of, float value) {
    return of * std::expm1(static_cast<double>(value));
  };
  for (std::size_t i = 0, j = 0; i < a.size() || j < b.size();) {
    const bool takes_a = j == b.size() || (i < a.size() && a[i] <= b[j]);
    const bool takes_b = i == a.size() || (j < b.size() && b[j] <= a[i]);
    mixed.columns.push_back(takes_a ? a[i] : b[j]);
    double sum = 0;
    if (takes_a) sum += part(share, a_values[i++]);
    if (takes_b) sum += part(1 - share, b_values[j++]);
    mixed.values.push_back(static_cast<float>(std::log1p(sum)));
  }
  mixed.row_start.push_back(static_cast<RowPointer>(mixed.columns.size()));
}

}  // namespace

std::vector<CellPair> draw_doublets(std::span<const CellIndex> cells,
                                    std::span<const LabelIndex> labels, std::uint64_t draw,
                                    const Context& context) {
  const auto label_of = [&](CellIndex cell) { return labels[as_size(cell)]; };
  const bool has_two = std::any_of(cells.begin(), cells.end(), [&](CellIndex cell) {
    return label_of(cell) != label_of(cells.front());
  });
  std::vector<CellPair> pairs;
  if (!has_two) return pairs;
  const Random random(context.seed(), stream::kDoublets + draw);
  const std::size_t n_pairs = std::min(kMostPairs, cells.size() / kCellsOfAPair);
  const auto draw_cell = [&](std::uint64_t index) {
    return cells[static_cast<std::size_t>(random.below(index, cells.size()))];
  };
  for (std::uint64_t index = 0; pairs.size() < n_pairs; index += 2) {
    const CellPair pair = {draw_cell(index), draw_cell(index + 1)};
    if (label_of(pair.first) != label_of(pair.second)) pairs.push_back(pair);
  }
  return pairs;
}

CsrMatrix doublet_features(const InputCells& inputs, std::span<const CellPair> pairs,
                           const Context& context) {
  SAITHE_ASSERT(!inputs.preprocessor().options().scale);
  std::vector<CellIndex> first;
  std::vector<CellIndex> second;
  for (const CellPair& pair : pairs) {
    first.push_back(pair.first);
    second.push_back(pair.second);
  }
  const CsrMatrix a = inputs.features(first, context);
  const CsrMatrix b = inputs.features(second, context);
  const bool are_counts = inputs.preprocessor().kind() == ExpressionKind::Counts;
  CsrMatrix mixed{static_cast<CellIndex>(pairs.size()), inputs.n_genes(), {0}, {}, {}};
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const double total = inputs.total(first[i]) + inputs.total(second[i]);
    const double share = are_counts && total > 0 ? inputs.total(first[i]) / total : 0.5;
    append_mixed_row(a.view(), b.view(), static_cast<std::int64_t>(i), share, mixed);
  }
  return mixed;
}

}  // namespace saithe
