#include "saithe/io/dense_columns.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace saithe::io {
namespace {

// Values of a slab, as float32: 256 MiB at most.
constexpr std::int64_t kLargestSlab = std::int64_t{1} << 26;
// Values that are read at once where chunks set no width, or a small one.
constexpr std::int64_t kSlabValues = std::int64_t{1} << 22;

}  // namespace

DenseColumns::DenseColumns(Hdf5Dataset dataset, GeneIndex n_genes, CellIndex n_cells)
    : dataset_(std::move(dataset)), n_genes_(n_genes), n_cells_(n_cells) {
  if (dataset_.shape() != std::vector<std::int64_t>{n_genes, n_cells}) {
    fail(ErrorKind::BadFormat, "{}: is not a matrix of {} genes x {} cells", dataset_.where(),
         n_genes, n_cells);
  }
  if (dataset_.kind() != StoredKind::Integer && dataset_.kind() != StoredKind::Float) {
    fail(ErrorKind::BadFormat, "{}: expected numbers, found another kind of values",
         dataset_.where());
  }
  std::vector<std::int64_t> chunk = dataset_.description().chunk_shape;
  if (chunk.size() != 2) chunk = {1, 1};
  const auto chunk_cells =
      std::clamp<std::int64_t>(chunk[1], 1, std::max<std::int64_t>(1, n_cells));
  chunk_genes_ = static_cast<GeneIndex>(
      std::clamp<std::int64_t>(chunk[0], 1, std::max<std::int64_t>(1, n_genes)));
  const std::int64_t chunk_column = std::max<std::int64_t>(1, n_genes) * chunk_cells;
  slab_cells_ = chunk_cells * std::max<std::int64_t>(1, kSlabValues / chunk_column);
  is_turned_ = chunk_column > kLargestSlab && chunk_cells > 1;
}

void DenseColumns::read_block(GeneIndex first_gene, GeneIndex n_genes, CellIndex first_cell,
                              CellIndex n_cells, std::vector<float>& values) const {
  dataset_.require_plausible(checked_multiply(n_genes, n_cells, dataset_.where().c_str()));
  values.resize(as_size(n_genes) * as_size(n_cells));
  const std::array<std::int64_t, 2> start = {first_gene, first_cell};
  const std::array<std::int64_t, 2> count = {n_genes, n_cells};
  if (!values.empty()) dataset_.read_block(start, count, std::span<float>(values));
}

void DenseColumns::load_slab(CellIndex begin, const Context& context) {
  context.throw_if_cancelled();
  const CellIndex n = std::min(slab_cells_, n_cells_ - begin);
  std::vector<float> values;
  read_block(0, n_genes_, begin, n, values);
  slab_ = {};
  slab_begin_ = begin;
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

CsrMatrix DenseColumns::turned_round(const Context& context) const {
  const auto block_genes = static_cast<GeneIndex>(std::max<std::int64_t>(
      chunk_genes_, std::min<std::int64_t>(n_genes_, kSlabValues / n_cells_)));
  CsrMatrix by_gene;
  by_gene.n_rows = n_genes_;
  by_gene.n_cols = checked_cast<GeneIndex>(n_cells_, dataset_.where().c_str());
  std::vector<float> values;
  for (GeneIndex first = 0; first < n_genes_; first += block_genes) {
    context.throw_if_cancelled();
    const GeneIndex n = std::min(block_genes, n_genes_ - first);
    read_block(first, n, 0, n_cells_, values);
    for (GeneIndex gene = 0; gene < n; ++gene) {
      const float* row = values.data() + as_size(gene) * as_size(n_cells_);
      for (GeneIndex cell = 0; cell < by_gene.n_cols; ++cell) {
        if (row[cell] == 0.0F) continue;
        by_gene.columns.push_back(cell);
        by_gene.values.push_back(row[cell]);
      }
      by_gene.row_start.push_back(std::ssize(by_gene.columns));
    }
  }
  return transpose(by_gene.view());
}

CsrMatrix DenseColumns::read(CellIndex begin, CellIndex end, const Context& context) {
  SAITHE_ASSERT(0 <= begin && begin <= end && end <= n_cells_);
  CsrMatrix cells;
  cells.n_cols = n_genes_;
  if (is_turned_ && slab_begin_ < 0) {
    slab_ = turned_round(context);
    slab_begin_ = 0;
  }
  while (begin < end) {
    const CellIndex first = is_turned_ ? 0 : begin / slab_cells_ * slab_cells_;
    if (slab_begin_ != first) load_slab(first, context);
    const CellIndex last = std::min(end, first + slab_.n_rows);
    const CsrView slab = slab_.view();
    const auto rows = slab.row_start.subspan(as_size(begin - first), as_size(last - begin) + 1);
    append_rows(cells, {last - begin, n_genes_, rows, slab.columns, slab.values});
    begin = last;
  }
  return cells;
}

}  // namespace saithe::io
