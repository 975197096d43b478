#include "saithe/prep/expression_kind.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace saithe {
namespace {

// Enough cells to tell counts from logarithms.
constexpr CellIndex kCellsLookedAt = 4096;

bool is_whole(float value) {
  return value == std::floor(value);
}

}  // namespace

ExpressionKind find_expression_kind(const CellSource& source, const CsrView& values,
                                    CellIndex first_cell, const Context& context) {
  const auto first = as_size(values.row_start.front());
  const auto stored = values.values.subspan(first, as_size(values.n_stored()));
  const bool is_log =
      std::all_of(stored.begin(), stored.end(),
                  [](float value) { return value >= 0 && value <= kLargestLogNormalized; }) &&
      !std::all_of(stored.begin(), stored.end(), is_whole);
  if (is_log) return ExpressionKind::LogNormalized;
  require_counts(source, values, first_cell, true, context);
  return ExpressionKind::Counts;
}

void require_common_kind(std::span<CellSource* const> sources, const Context& context) {
  std::optional<ExpressionKind> first;
  for (CellSource* source : sources) {
    const CsrMatrix block =
        source->read_cells(0, std::min(kCellsLookedAt, source->n_cells()), context);
    const ExpressionKind found = find_expression_kind(*source, block.view(), 0, context);
    if (!first) first = found;
    if (found == *first) continue;
    fail(ErrorKind::BadFormat,
         "{} holds {}, but {} {}: one model learns from values of one kind. Name the counts of "
         "each with --layer NAME or --use-raw, or give files that hold them.",
         sources.front()->name(), to_text(*first), source->name(), to_text(found));
  }
}

void require_expression(const CellSource& source, const CsrView& values, CellIndex first_cell,
                        ExpressionKind kind, const Context& context) {
  require_counts(source, values, first_cell, kind == ExpressionKind::Counts, context);
  if (kind == ExpressionKind::Counts) return;
  for (CellIndex r = 0; r < values.n_rows; ++r) {
    for (const float value : values.row_values(r)) {
      if (value <= kLargestLogNormalized) continue;
      const auto cell = as_size(first_cell + r);
      fail(ErrorKind::BadFormat,
           "{}: cell '{}' (row {}) has the value {}, but the cells before it hold logarithms of "
           "cells normalised to 10 000, which reach {:.2f} at most. Give a file whose values are "
           "all counts, or all log1p(CP10k).",
           source.name(), source.obs().index()[cell], cell, value, kLargestLogNormalized);
    }
  }
}

}  // namespace saithe
