#include "saithe/prep/expression_kind.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <ranges>

namespace saithe {
namespace {

// Enough cells to tell counts from logarithms.
constexpr CellIndex kCellsLookedAt = 4096;
// And to tell logarithms of one kind from those of another, which fewer values do not.
constexpr CellIndex kCellsOfKind = 256;
constexpr std::int64_t kFewestOfKind = 1000;

bool is_whole(float value) {
  return value == std::floor(value);
}

// Of logarithms hardly any is whole, and none is out of their range; a share that is shows which
// values are wrong: it, or all.
constexpr double kMostlyInRange = 0.9;
constexpr double kMostlyWhole = 0.5;

/// What has been seen of values that may be logarithms.
struct SeenValues {
  std::int64_t n = 0;
  std::int64_t n_in_range = 0;
  std::int64_t n_whole = 0;
  CellIndex n_cells_of_kind = 0;
  ValueKindFinder kind;  // of the first cells
  [[nodiscard]] bool is_any() const { return n > 0; }
  [[nodiscard]] bool are_in_range() const { return n_in_range == n; }
  [[nodiscard]] bool are_logarithms() const { return are_in_range() && n_whole < n; }
  [[nodiscard]] bool are_mostly_logarithms() const {
    return static_cast<double>(n_in_range) > kMostlyInRange * static_cast<double>(n) &&
           static_cast<double>(n_whole) < kMostlyWhole * static_cast<double>(n);
  }

  void add(const CsrView& values, CellIndex first_cell) {
    add_to_kind(values, first_cell);
    const auto first = as_size(values.row_start.front());
    const auto stored = values.values.subspan(first, as_size(values.n_stored()));
    n += std::ssize(stored);
    n_in_range += std::ranges::count_if(
        stored, [](float value) { return value >= 0 && value <= kLargestLogNormalized; });
    n_whole += std::ranges::count_if(stored, is_whole);
  }

 private:
  /// Cells without a value, which tell nothing, are not counted.
  void add_to_kind(const CsrView& values, CellIndex first_cell) {
    for (CellIndex r = 0; r < values.n_rows && n_cells_of_kind < kCellsOfKind; ++r) {
      const auto row = values.row_start.subspan(as_size(r), 2);
      if (row[0] == row[1]) continue;
      kind.add({1, values.n_cols, row, values.columns, values.values}, first_cell + r);
      ++n_cells_of_kind;
    }
  }
};

/// Throws where logarithms are not those that a model of counts can take, and warns where they may
/// be others; of a file of several matrices, opening it did so.
void require_log1p_cp10k(const CellSource& source, const ValueKindFinder& found,
                         const Context& context) {
  if (source.are_values_chosen() || found.n_values() < kFewestOfKind) return;
  const std::string doubt = found.doubt();
  // Those of the first cells may all be whole by chance.
  if (found.kind() != ValueKind::LogNormalized && found.kind() != ValueKind::Counts) {
    fail(ErrorKind::BadFormat,
         "{}: neither counts nor log1p(CP10k) were found: {}{}. Give a file that holds counts, or "
         "name them with --layer NAME or --use-raw.",
         source.name(), found.warning(source.obs(), source.var()),
         doubt.empty() ? "" : ", as " + doubt);
  }
  if (doubt.empty()) return;
  context.warn(
      fmt::format("{}: the values are taken for log1p(CP10k), but may be another logarithm: {}",
                  source.name(), doubt));
}

/// Where values are neither all counts nor all logarithms: throws at the first that is not what
/// most are.
void require_what_most_are(const CellSource& source, const CsrView& values, CellIndex first_cell,
                           const SeenValues& seen, const Context& context) {
  if (seen.are_mostly_logarithms()) {
    require_expression(source, values, first_cell, ExpressionKind::LogNormalized, context);
  }
  require_counts(source, values, first_cell, true, context);
}

}  // namespace

ExpressionKind find_expression_kind(const CellSource& source, const CsrView& values,
                                    CellIndex first_cell, const Context& context) {
  SeenValues seen;
  seen.add(values, first_cell);
  if (seen.are_logarithms()) {
    require_log1p_cp10k(source, seen.kind, context);
    return ExpressionKind::LogNormalized;
  }
  require_what_most_are(source, values, first_cell, seen, context);
  return ExpressionKind::Counts;
}

ExpressionKind find_expression_kind(CellSource& source, const CsrView& first_block,
                                    const Context& context) {
  // How many cells a block has depends on memory; how many are looked at does not.
  const CellIndex n = std::min(kCellsLookedAt, source.n_cells());
  SeenValues seen;
  seen.add(first_block, 0);
  // Cells without a value tell nothing: those after them are looked at.
  for (CellIndex begin = first_block.n_rows;
       (begin < n && seen.are_in_range()) || (begin < source.n_cells() && !seen.is_any());) {
    context.throw_if_cancelled();
    const CellIndex wanted = begin < n ? n - begin : kCellsLookedAt;
    const CellIndex end = source.block_end(begin, wanted, context);
    const CsrMatrix block = source.read_cells(begin, end, context);
    seen.add(block.view(), begin);
    if (!seen.are_in_range() && seen.are_mostly_logarithms()) {
      require_expression(source, block.view(), begin, ExpressionKind::LogNormalized, context);
    }
    begin = end;
  }
  if (seen.are_logarithms()) {
    require_log1p_cp10k(source, seen.kind, context);
    return ExpressionKind::LogNormalized;
  }
  require_what_most_are(source, first_block, 0, seen, context);
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
