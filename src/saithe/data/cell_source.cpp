#include "saithe/data/cell_source.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "saithe/core/parallel.h"
#include "saithe/core/text_io.h"

namespace saithe {
namespace {

constexpr std::int64_t kChunkCells = 256;

/// Whether all values are counts below 2^23, which nearly all are: a loop without a way out and
/// without conversions, so that the compiler takes several values at a time.
bool are_small_counts(std::span<const float> values, bool whole_numbers) {
  constexpr float kAllWhole = 8388608.0F;  // from 2^23 on every float is whole
  std::size_t n_right = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float value = values[i];
    const float rounded = (value + kAllWhole) - kAllWhole;
    const bool is_whole = !whole_numbers || rounded == value;
    n_right += static_cast<std::size_t>(is_whole) & static_cast<std::size_t>(value >= 0) &
               static_cast<std::size_t>(value < kAllWhole);
  }
  return n_right == values.size();
}

/// Throws as require_counts() if a value of row `r` is wrong.
void require_counts_in_row(const CellSource& source, const CsrView& counts, CellIndex first_cell,
                           CellIndex r, bool whole_numbers) {
  const auto values = counts.row_values(r);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float value = values[i];
    const bool is_count = std::isfinite(value) && value >= 0;
    if (is_count && (!whole_numbers || value == std::floor(value))) continue;
    const CellIndex cell = first_cell + r;
    const auto gene = as_size(counts.row_columns(r)[i]);
    fail(ErrorKind::BadFormat,
         "{}: cell '{}' (row {}) has the value {} for gene '{}': expected counts, {}. Name the "
         "counts with --layer NAME or --use-raw, or give a file that holds them.",
         source.name(), source.obs().name_of(cell), cell, format_number(value),
         source.var().index()[gene],
         is_count ? "which are whole numbers" : "which are finite and not negative");
  }
}

}  // namespace

const MeasuredGenes& CellSource::measured_genes() const {
  static const MeasuredGenes kComplete;
  return kComplete;
}

std::int64_t CellSource::most_stored(CellIndex begin, CellIndex end) const {
  return (end - begin) * n_genes();
}

CellIndex CellSource::block_end(CellIndex begin, CellIndex most_cells,
                                const Context& context) const {
  const CellIndex most_end = std::min(begin + most_cells, n_cells());
  return find_block_end(begin, most_end, context,
                        [&](CellIndex from, CellIndex to) { return most_stored(from, to); });
}

std::int64_t Dataset::most_stored(CellIndex begin, CellIndex end) const {
  return counts.row_start[as_size(end)] - counts.row_start[as_size(begin)];
}

CsrMatrix Dataset::read_cells(CellIndex begin, CellIndex end, const Context&) {
  SAITHE_ASSERT(0 <= begin && begin <= end && end <= counts.n_rows);
  std::vector<CellIndex> rows(as_size(end - begin));
  std::iota(rows.begin(), rows.end(), begin);
  return saithe::select_rows(counts.view(), rows);
}

Dataset select_cells(const Dataset& dataset, std::span<const CellIndex> cells) {
  Dataset selected(dataset.name(), select_rows(dataset.counts.view(), cells),
                   dataset.obs().select_rows(cells), dataset.var());
  selected.measured = select_cells(dataset.measured, cells);
  return selected;
}

Dataset select_genes(const Dataset& dataset, std::span<const GeneIndex> genes) {
  std::vector<GeneIndex> new_column(as_size(dataset.n_genes()), -1);
  std::vector<CellIndex> rows;
  rows.reserve(genes.size());
  for (std::size_t i = 0; i < genes.size(); ++i) {
    new_column[as_size(genes[i])] = static_cast<GeneIndex>(i);
    rows.push_back(genes[i]);
  }
  Dataset selected(
      dataset.name(),
      map_columns(dataset.counts.view(), new_column, static_cast<GeneIndex>(genes.size())),
      dataset.obs(), dataset.var().select_rows(rows));
  selected.measured = select_genes(dataset.measured, genes);
  return selected;
}

void require_counts(const CellSource& source, const CsrView& counts, CellIndex first_cell,
                    bool whole_numbers, const Context& context) {
  parallel_for(context, counts.n_rows, kChunkCells, [&](std::int64_t begin, std::int64_t end) {
    for (CellIndex r = begin; r < end; ++r) {
      if (are_small_counts(counts.row_values(r), whole_numbers)) continue;
      require_counts_in_row(source, counts, first_cell, r, whole_numbers);
    }
  });
}

}  // namespace saithe
