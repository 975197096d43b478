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

/// What has been seen of values that may be logarithms.
struct SeenValues {
  bool are_in_range = true;
  bool are_whole = true;
  bool is_any = false;
  [[nodiscard]] bool are_logarithms() const { return are_in_range && !are_whole; }

  void add(const CsrView& values) {
    const auto first = as_size(values.row_start.front());
    const auto stored = values.values.subspan(first, as_size(values.n_stored()));
    is_any = is_any || !stored.empty();
    are_in_range = are_in_range && std::all_of(stored.begin(), stored.end(), [](float value) {
                     return value >= 0 && value <= kLargestLogNormalized;
                   });
    are_whole = are_whole && std::all_of(stored.begin(), stored.end(), is_whole);
  }
};

}  // namespace

ExpressionKind find_expression_kind(const CellSource& source, const CsrView& values,
                                    CellIndex first_cell, const Context& context) {
  SeenValues seen;
  seen.add(values);
  if (seen.are_logarithms()) return ExpressionKind::LogNormalized;
  require_counts(source, values, first_cell, true, context);
  return ExpressionKind::Counts;
}

ExpressionKind find_expression_kind(CellSource& source, const CsrView& first_block,
                                    const Context& context) {
  // How many cells a block has depends on memory; how many are looked at does not.
  const CellIndex n = std::min(kCellsLookedAt, source.n_cells());
  SeenValues seen;
  seen.add(first_block);
  // Cells without a value tell nothing: those after them are looked at.
  for (CellIndex begin = first_block.n_rows;
       (begin < n && seen.are_in_range) || (begin < source.n_cells() && !seen.is_any);) {
    context.throw_if_cancelled();
    const CellIndex wanted = begin < n ? n - begin : kCellsLookedAt;
    const CellIndex end = source.block_end(begin, wanted, context);
    seen.add(source.read_cells(begin, end, context).view());
    begin = end;
  }
  if (seen.are_logarithms()) return ExpressionKind::LogNormalized;
  require_counts(source, first_block, 0, true, context);
  return ExpressionKind::Counts;
}

void require_common_kind(std::span<CellSource* const> sources, const Context& context) {
  std::optional<ExpressionKind> first;
  for (CellSource* source : sources) {
    const CsrMatrix block =
        source->read_cells(0, source->block_end(0, kCellsLookedAt, context), context);
    const ExpressionKind found = find_expression_kind(*source, block.view(), context);
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
      const CellIndex cell = first_cell + r;
      fail(ErrorKind::BadFormat,
           "{}: cell '{}' (row {}) has the value {}, but the cells before it hold logarithms of "
           "cells normalised to 10 000, which reach {:.2f} at most. Give a file whose values are "
           "all counts, or all log1p(CP10k).",
           source.name(), source.obs().name_of(cell), cell, value, kLargestLogNormalized);
    }
  }
}

}  // namespace saithe
