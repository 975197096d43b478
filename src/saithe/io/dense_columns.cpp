#include "saithe/io/dense_columns.h"

#include <algorithm>
#include <numeric>

#include "saithe/matrix/row_gatherer.h"

namespace saithe::io {
namespace {

// Values that are read at once where chunks set no width, or a small one.
constexpr std::int64_t kSlabValues = std::int64_t{1} << 22;
// A value of a slab in memory: as float32, and at most as one that is stored.
constexpr std::int64_t kValueBytes = 12;
constexpr std::int64_t kSlabShare = 4;  // of the memory

}  // namespace

DenseColumns::DenseColumns(Hdf5Dataset dataset, GeneIndex n_genes, CellIndex n_cells,
                           const Context& context)
    : n_genes_(n_genes), n_cells_(n_cells) {
  if (dataset.shape() != std::vector<std::int64_t>{n_genes, n_cells}) {
    fail(ErrorKind::BadFormat,
         "{}: is not a matrix of {} genes x {} cells; the file is not whole. Copy it again.",
         dataset.where(), n_genes, n_cells);
  }
  tiles_ = open_dense_tiles(std::move(dataset));
  // Rows that lie one after the other have no width.
  const std::int64_t width = tiles_->tile_bytes() > 0 ? tiles_->tile_columns() : 1;
  const std::int64_t slab = std::max<std::int64_t>(1, n_genes) * width;
  tile_cells_ = width;
  slab_cells_ = width * std::max<std::int64_t>(1, kSlabValues / slab);
  is_turned_ = width > 1 && slab > context.max_memory / kSlabShare / kValueBytes;
}

void DenseColumns::load_slab(CellIndex begin, CellIndex end, const Context& context) {
  context.throw_if_cancelled();
  const SlabOfCells next = next_slab(begin, end, slab_end(), tile_cells_, slab_cells_, n_cells_);
  const CellIndex n = next.end - next.begin;
  let_go();
  std::vector<float> values(as_size(n_genes_) * as_size(n));
  tiles_->read({0, n_genes_, next.begin, n}, values, context);
  slab_begin_ = next.begin;
  slab_.n_rows = n;
  slab_.n_cols = n_genes_;
  slab_.row_start.assign(as_size(n) + 1, 0);
  for (GeneIndex gene = 0; gene < n_genes_; ++gene) {
    const float* row = values.data() + as_size(gene) * as_size(n);
    for (std::size_t cell = 0; cell < as_size(n); ++cell) {
      if (row[cell] != 0.0F) ++slab_.row_start[cell + 1];  // NaN is kept, to be reported
    }
  }
  std::partial_sum(slab_.row_start.begin(), slab_.row_start.end(), slab_.row_start.begin());
  slab_.columns.resize(as_size(slab_.n_stored()));
  slab_.values.resize(as_size(slab_.n_stored()));
  std::vector<RowPointer> write(slab_.row_start.begin(), slab_.row_start.end() - 1);
  for (GeneIndex gene = 0; gene < n_genes_; ++gene) {
    const float* row = values.data() + as_size(gene) * as_size(n);
    for (std::size_t cell = 0; cell < as_size(n); ++cell) {
      if (row[cell] == 0.0F) continue;
      const auto at = as_size(write[cell]++);
      slab_.columns[at] = gene;
      slab_.values[at] = row[cell];
    }
  }
}

void DenseColumns::turn_round(const Context& context) {
  const std::int64_t memory = std::clamp(context.max_memory - tiles_->tile_bytes(),
                                         context.max_memory / 8, context.max_memory / 2);
  RowGatherer gatherer(n_genes_, memory);
  const std::int64_t height = tiles_->tile_rows();
  const std::int64_t width =
      tiles_->tile_columns() *
      std::max<std::int64_t>(1, kSlabValues / (height * tiles_->tile_columns()));
  std::vector<float> values;
  for (std::int64_t gene = 0; gene < n_genes_; gene += height) {
    const std::int64_t n_high = std::min<std::int64_t>(height, n_genes_ - gene);
    for (std::int64_t cell = 0; cell < n_cells_; cell += width) {
      const std::int64_t n_wide = std::min(width, n_cells_ - cell);
      values.resize(as_size(n_high * n_wide));
      tiles_->read({gene, n_high, cell, n_wide}, values, context);
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (values[i] == 0.0F) continue;
        const auto at = static_cast<std::int64_t>(i);
        gatherer.add(cell + at % n_wide, static_cast<GeneIndex>(gene + at / n_wide), values[i],
                     context);
      }
    }
  }
  turned_ = gatherer.finish(n_cells_, context);
}

void DenseColumns::let_go() {
  slab_ = {};
  slab_begin_ = -1;
  turned_.reset();
}

std::int64_t DenseColumns::most_stored(CellIndex begin, CellIndex end) const {
  if (!turned_) return (end - begin) * n_genes_;
  return turned_->n_stored(begin, end);
}

CsrMatrix DenseColumns::read(CellIndex begin, CellIndex end, const Context& context) {
  SAITHE_ASSERT(0 <= begin && begin <= end && end <= n_cells_);
  if (is_turned_) {
    if (!turned_) turn_round(context);
    std::vector<CellIndex> numbers(as_size(end - begin));
    std::iota(numbers.begin(), numbers.end(), begin);
    return turned_->read(numbers, context);
  }
  CsrMatrix cells;
  cells.n_cols = n_genes_;
  while (begin < end) {
    if (begin < slab_begin_ || begin >= slab_end()) load_slab(begin, end, context);
    const CellIndex last = std::min(end, slab_end());
    const CsrView slab = slab_.view();
    const auto rows =
        slab.row_start.subspan(as_size(begin - slab_begin_), as_size(last - begin) + 1);
    append_rows(cells, {last - begin, n_genes_, rows, slab.columns, slab.values});
    begin = last;
  }
  return cells;
}

}  // namespace saithe::io
