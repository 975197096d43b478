#include "saithe/io/dense_rows.h"

#include <algorithm>
#include <numeric>

#include "saithe/core/parallel.h"
#include "saithe/matrix/row_gatherer.h"

namespace saithe::io {
namespace {

// Values that are dense in memory at once, as float32, unless a single tile has more.
constexpr std::int64_t kDenseValues = std::int64_t{1} << 24;
// Values of a slab where tiles are lower.
constexpr std::int64_t kSlabValues = std::int64_t{1} << 22;
constexpr std::int64_t kEntryBytes = sizeof(GeneIndex) + sizeof(float);
constexpr std::int64_t kSlabShare = 4;  // of the memory
constexpr std::int64_t kRowsOfTask = 64;

/// The same rows of several matrices, beside one another: the columns of the second follow those of
/// the first.
CsrMatrix side_by_side(const std::vector<CsrMatrix>& parts) {
  CsrMatrix all;
  all.n_rows = parts.front().n_rows;
  std::size_t n = 0;
  for (const CsrMatrix& part : parts) n += part.columns.size();
  all.columns.reserve(n);
  all.values.reserve(n);
  for (CellIndex row = 0; row < all.n_rows; ++row) {
    GeneIndex first = 0;
    for (const CsrMatrix& part : parts) {
      const auto columns = part.view().row_columns(row);
      const auto values = part.view().row_values(row);
      for (const GeneIndex column : columns) all.columns.push_back(first + column);
      all.values.insert(all.values.end(), values.begin(), values.end());
      first += part.n_cols;
    }
    all.row_start.push_back(std::ssize(all.columns));
  }
  for (const CsrMatrix& part : parts) all.n_cols += part.n_cols;
  return all;
}

}  // namespace

CsrMatrix sparse_rows(std::span<const float> values, std::int64_t n_rows, std::int64_t n_columns,
                      const Context& context) {
  CsrMatrix matrix;
  matrix.n_rows = n_rows;
  matrix.n_cols = static_cast<GeneIndex>(n_columns);
  matrix.row_start.assign(as_size(n_rows) + 1, 0);
  const auto row_of = [&](std::int64_t row) {
    return values.subspan(as_size(row * n_columns), as_size(n_columns));
  };
  parallel_for(context, n_rows, kRowsOfTask, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const auto dense = row_of(row);
      matrix.row_start[as_size(row) + 1] =
          std::count_if(dense.begin(), dense.end(), [](float v) { return v != 0.0F; });
    }
  });
  std::partial_sum(matrix.row_start.begin(), matrix.row_start.end(), matrix.row_start.begin());
  matrix.columns.resize(as_size(matrix.row_start.back()));
  matrix.values.resize(matrix.columns.size());
  parallel_for(context, n_rows, kRowsOfTask, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const auto dense = row_of(row);
      auto at = as_size(matrix.row_start[as_size(row)]);
      for (std::size_t column = 0; column < dense.size(); ++column) {
        if (dense[column] == 0.0F) continue;  // NaN is kept, to be reported
        matrix.columns[at] = static_cast<GeneIndex>(column);
        matrix.values[at] = dense[column];
        ++at;
      }
    }
  });
  return matrix;
}

DenseRows::DenseRows(std::unique_ptr<DenseTiles> tiles, const Context& context)
    : tiles_(std::move(tiles)) {
  const std::int64_t height = tiles_->tile_rows();
  const std::int64_t n_columns = std::max<std::int64_t>(1, tiles_->n_columns());
  const std::int64_t slab_values = height * n_columns;
  is_gathered_ = height > 1 && slab_values > context.max_memory / kSlabShare / kEntryBytes;
  slab_cells_ = is_gathered_ ? std::max<CellIndex>(1, tiles_->n_rows())
                             : height * std::max<std::int64_t>(1, kSlabValues / slab_values);
}

/// As many columns of tiles as may be dense at once.
std::int64_t DenseRows::columns_at_once(std::int64_t n_rows) const {
  const std::int64_t width = tiles_->tile_columns();
  const std::int64_t n_tiles = kDenseValues / std::max<std::int64_t>(1, n_rows * width);
  return width * std::max<std::int64_t>(1, n_tiles);
}

CsrMatrix DenseRows::read_slab(CellIndex begin, CellIndex end, const Context& context) const {
  std::vector<CsrMatrix> parts;
  std::vector<float> values;
  const std::int64_t n_columns = tiles_->n_columns();
  const std::int64_t step = columns_at_once(end - begin);
  for (std::int64_t column = 0; column < n_columns; column += step) {
    const std::int64_t n = std::min(step, n_columns - column);
    values.resize(as_size((end - begin) * n));
    tiles_->read({begin, end - begin, column, n}, values, context);
    parts.push_back(sparse_rows(values, end - begin, n, context));
  }
  if (parts.empty()) parts.push_back(sparse_rows({}, end - begin, 0, context));
  return parts.size() == 1 ? std::move(parts.front()) : side_by_side(parts);
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
    const std::int64_t step = columns_at_once(n_high);
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
  std::int64_t n = 0;
  for (CellIndex cell = begin; cell < end; ++cell) n += gathered_->most_stored(cell);
  return n;
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
    const CellIndex first = begin / slab_cells_ * slab_cells_;
    if (slab_begin_ != first) {
      let_go();
      slab_ = read_slab(first, std::min(first + slab_cells_, tiles_->n_rows()), context);
      slab_begin_ = first;
    }
    const CellIndex last = std::min(end, first + slab_.n_rows);
    const CsrView slab = slab_.view();
    const auto rows = slab.row_start.subspan(as_size(begin - first), as_size(last - begin) + 1);
    append_rows(cells, {last - begin, cells.n_cols, rows, slab.columns, slab.values});
    begin = last;
  }
  return cells;
}

void DenseRows::let_go() {
  slab_ = {};
  slab_begin_ = -1;
}

}  // namespace saithe::io
