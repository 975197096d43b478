#include "saithe/io/dense_rows.h"

#include <algorithm>
#include <numeric>

#include "saithe/matrix/row_gatherer.h"

namespace saithe::io {
namespace {

// Values of a slab where tiles are lower.
constexpr std::int64_t kSlabValues = std::int64_t{1} << 22;
constexpr std::int64_t kEntryBytes = sizeof(GeneIndex) + sizeof(float);
constexpr std::int64_t kSlabShare = 4;  // of the memory

}  // namespace

DenseRows::DenseRows(std::unique_ptr<DenseTiles> tiles, const Context& context)
    : tiles_(std::move(tiles)) {
  const std::int64_t height = tiles_->tile_rows();
  const std::int64_t n_columns = std::max<std::int64_t>(1, tiles_->n_columns());
  const std::int64_t slab_values = height * n_columns;
  is_gathered_ = height > 1 && slab_values > context.max_memory / kSlabShare / kEntryBytes;
  slab_cells_ = is_gathered_ ? std::max<CellIndex>(1, tiles_->n_rows())
                             : height * std::max<std::int64_t>(1, kSlabValues / slab_values);
}

void DenseRows::gather(const Context& context) {
  const std::int64_t n_rows = tiles_->n_rows();
  const std::int64_t n_columns = tiles_->n_columns();
  const std::int64_t height = tiles_->tile_rows();
  const std::int64_t memory = std::clamp(context.max_memory - tiles_->tile_bytes(),
                                         context.max_memory / 8, context.max_memory / 2);
  RowGatherer gatherer(static_cast<GeneIndex>(n_columns), memory);
  std::vector<float> values;
  for (std::int64_t row = 0; row < n_rows; row += height) {
    const std::int64_t n_high = std::min(height, n_rows - row);
    const std::int64_t step = tiles_->columns_at_once(n_high);
    for (std::int64_t column = 0; column < n_columns; column += step) {
      const std::int64_t n_wide = std::min(step, n_columns - column);
      values.resize(as_size(n_high * n_wide));
      tiles_->read({row, n_high, column, n_wide}, values, context);
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (values[i] == 0.0F) continue;
        const auto at = static_cast<std::int64_t>(i);
        gatherer.add(row + at / n_wide, static_cast<GeneIndex>(column + at % n_wide), values[i],
                     context);
      }
    }
  }
  gathered_ = gatherer.finish(n_rows, context);
}

std::int64_t DenseRows::most_stored(CellIndex begin, CellIndex end) const {
  if (!gathered_) return (end - begin) * tiles_->n_columns();
  return gathered_->n_stored(begin, end);
}

CsrMatrix DenseRows::read(CellIndex begin, CellIndex end, const Context& context) {
  SAITHE_ASSERT(0 <= begin && begin <= end && end <= tiles_->n_rows());
  if (is_gathered_) {
    if (!gathered_) gather(context);
    std::vector<CellIndex> cells(as_size(end - begin));
    std::iota(cells.begin(), cells.end(), begin);
    return gathered_->read(cells, context);
  }
  CsrMatrix cells;
  cells.n_cols = static_cast<GeneIndex>(tiles_->n_columns());
  while (begin < end) {
    if (begin < slab_begin_ || begin >= slab_end()) read_slab(begin, end, context);
    const CellIndex last = std::min(end, slab_end());
    const CsrView slab = slab_.view();
    const auto rows =
        slab.row_start.subspan(as_size(begin - slab_begin_), as_size(last - begin) + 1);
    append_rows(cells, {last - begin, cells.n_cols, rows, slab.columns, slab.values});
    begin = last;
  }
  return cells;
}

void DenseRows::read_slab(CellIndex begin, CellIndex end, const Context& context) {
  const SlabOfCells next =
      next_slab(begin, end, slab_end(), tiles_->tile_rows(), slab_cells_, tiles_->n_rows());
  let_go();
  slab_ = tiles_->read_rows(next.begin, next.end, context);
  slab_begin_ = next.begin;
}

void DenseRows::let_go() {
  slab_ = {};
  slab_begin_ = -1;
}

}  // namespace saithe::io
