#include "saithe/io/turned_columns.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "saithe/core/usable_memory.h"
#include "saithe/matrix/row_source.h"

namespace saithe::io {
namespace {

// Most entries of a piece of the file that is in memory while it passes by.
constexpr RowPointer kPieceEntries = RowPointer{1} << 22;
constexpr std::int64_t kBytesOfEntry = 8;  // column and value

/// The end of the genes from `begin` on that make up a piece; one gene at least.
std::int64_t piece_end(const CompressedRows& by_gene, std::int64_t begin, const Context& context) {
  const RowPointer most = std::min(kPieceEntries, most_block_values(context));
  std::int64_t end = begin + 1;
  while (end < by_gene.n_rows() && by_gene.n_stored(begin, end + 1) <= most) ++end;
  return end;
}

}  // namespace

TurnedColumns::TurnedColumns(CompressedRows by_gene, CellIndex n_cells, std::int64_t bytes,
                             const Context& context)
    : by_gene_(std::move(by_gene)), bytes_(bytes), row_start_(as_size(n_cells) + 1) {
  for (std::int64_t gene = 0; gene < by_gene_.n_rows();) {
    context.throw_if_cancelled();
    const std::int64_t end = piece_end(by_gene_, gene, context);
    for (const GeneIndex cell : by_gene_.read_columns(gene, end, context)) {
      ++row_start_[as_size(cell) + 1];
    }
    gene = end;
  }
  std::partial_sum(row_start_.begin(), row_start_.end(), row_start_.begin());
}

CellIndex TurnedColumns::gathered_end(CellIndex begin) const {
  const RowPointer most = row_start_[as_size(begin)] + bytes_ / kBytesOfEntry;
  const auto past = std::upper_bound(row_start_.begin() + begin, row_start_.end(), most);
  return std::max(begin, static_cast<CellIndex>(past - row_start_.begin()) - 1);
}

void TurnedColumns::gather(CellIndex begin, CellIndex end, const Context& context) {
  held_ = CsrMatrix{};
  const RowPointer first = row_start_[as_size(begin)];
  const RowPointer n_stored = row_start_[as_size(end)] - first;
  require_memory(by_gene_.where(), n_stored, kBytesOfEntry);
  held_.n_rows = end - begin;
  held_.n_cols = static_cast<GeneIndex>(by_gene_.n_rows());
  held_.columns.resize(as_size(n_stored));
  held_.values.resize(as_size(n_stored));
  std::vector<RowPointer> next(row_start_.begin() + begin, row_start_.begin() + end);
  for (RowPointer& position : next) position -= first;
  for (std::int64_t gene = 0; gene < by_gene_.n_rows();) {
    context.throw_if_cancelled();
    const std::int64_t piece = piece_end(by_gene_, gene, context);
    const CsrMatrix genes = by_gene_.read(gene, piece, context);
    const CsrView view = genes.view();
    for (std::int64_t g = 0; g < genes.n_rows; ++g) {
      const auto cells = view.row_columns(g);
      const auto values = view.row_values(g);
      auto i = as_size(std::lower_bound(cells.begin(), cells.end(), begin) - cells.begin());
      for (; i < cells.size() && cells[i] < end; ++i) {
        const auto position = as_size(next[as_size(cells[i] - begin)]++);
        held_.columns[position] = static_cast<GeneIndex>(gene + g);
        held_.values[position] = values[i];
      }
    }
    gene = piece;
  }
  // Entries that were added up on reading leave gaps: close them.
  RowPointer n_kept = 0;
  held_.row_start.resize(as_size(held_.n_rows) + 1);
  for (CellIndex cell = begin; cell < end; ++cell) {
    held_.row_start[as_size(cell - begin)] = n_kept;
    const RowPointer from = row_start_[as_size(cell)] - first;
    const RowPointer to = next[as_size(cell - begin)];
    if (from != n_kept) {
      std::copy(held_.columns.begin() + from, held_.columns.begin() + to,
                held_.columns.begin() + n_kept);
      std::copy(held_.values.begin() + from, held_.values.begin() + to,
                held_.values.begin() + n_kept);
    }
    n_kept += to - from;
  }
  held_.row_start.back() = n_kept;
  held_.columns.resize(as_size(n_kept));
  held_.values.resize(as_size(n_kept));
  held_begin_ = begin;
  held_end_ = end;
}

void TurnedColumns::let_go() {
  held_begin_ = held_end_ = 0;
  held_ = CsrMatrix{};
}

CsrMatrix TurnedColumns::read(CellIndex begin, CellIndex end, const Context& context) {
  SAITHE_ASSERT(0 <= begin && begin <= end && as_size(end) < row_start_.size());
  if (begin < held_begin_ || end > held_end_ || held_begin_ == held_end_) {
    gather(begin, std::max(end, gathered_end(begin)), context);
  }
  std::vector<CellIndex> cells(as_size(end - begin));
  std::iota(cells.begin(), cells.end(), begin - held_begin_);
  if (begin != held_begin_ || end != held_end_) return select_rows(held_.view(), cells);
  // All that is held: whoever reads in order does not come back to it.
  held_begin_ = held_end_ = 0;
  return std::exchange(held_, CsrMatrix{});
}

}  // namespace saithe::io
