#include "saithe/io/turned_columns.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "saithe/core/huge_pages.h"
#include "saithe/core/parallel.h"
#include "saithe/core/usable_memory.h"
#include "saithe/matrix/row_source.h"

namespace saithe::io {
namespace {

// Most entries of a piece of the file that is in memory while it passes by. Memory of this size is
// used again for the next piece, and not cleared by the system each time.
constexpr RowPointer kPieceEntries = RowPointer{1} << 20;
constexpr std::int64_t kBytesOfEntry = 8;  // column and value
// A thread takes the parts in so many runs; a gene's entries are looked for once in each.
constexpr std::int64_t kTasksOfThread = 2;
// Smaller blocks that are read in their order are turned together, up to so many cells,
// and this share of the memory.
constexpr CellIndex kHeldCells = 2048;
constexpr std::int64_t kHeldShare = 4;

// Those of a cell are counted in 32 bits.
constexpr RowPointer kMostRepeated = RowPointer{1} << 31;
// In memory for each cell while the file passes: the number of its entries, and its share of its
// part's first block.
constexpr std::int64_t kBytesOfCell = 7;

/// The end of the genes from `begin` on that make up a piece; one gene at least.
std::int64_t piece_end(const CompressedRows& by_gene, std::int64_t begin) {
  std::int64_t end = begin + 1;
  while (end < by_gene.n_rows() && by_gene.n_stored(begin, end + 1) <= kPieceEntries) ++end;
  return end;
}

/// How many of `cells`, which ascend, are below `end`. Few are, so that looking at a number of them
/// without a branch is faster than halving.
std::size_t n_below(CellIndex end, std::span<const GeneIndex> cells) {
  constexpr std::size_t kAtOnce = 16;
  const auto last = static_cast<GeneIndex>(end);
  std::size_t n = 0;
  while (cells.size() - n >= kAtOnce) {
    std::size_t n_of_these = 0;
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      n_of_these += static_cast<std::size_t>(cells[n + i] < last);
    }
    n += n_of_these;
    if (n_of_these < kAtOnce) return n;
  }
  while (n < cells.size() && cells[n] < last) ++n;
  return n;
}

std::int64_t n_parts_of(CellIndex n_cells) {
  return (n_cells + DealtEntries::kMostCells - 1) / DealtEntries::kMostCells;
}

/// Where rows of so many entries begin.
void append_sums(std::span<const std::uint32_t> n_of_row, RowStarts& starts) {
  constexpr std::size_t kAtOnce = 65536;
  std::vector<RowPointer> sums = {0};
  for (const std::uint32_t n : n_of_row) {
    const RowPointer next = sums.back() + n;
    if (sums.size() == kAtOnce) {
      starts.append(sums);
      sums.clear();
    }
    sums.push_back(next);
  }
  starts.append(sums);
}

}  // namespace

TurnedColumns::TurnedColumns(CompressedRows by_gene, CellIndex n_cells, std::int64_t bytes,
                             const Context& context)
    : by_gene_(std::move(by_gene)),
      bytes_(bytes),
      n_cells_(n_cells),
      row_starts_(by_gene_.where(), most_kept_bytes(context.max_memory)) {
  require_memory_for_cells(by_gene_.where() + ": turning a matrix that is stored by columns (csc)",
                           n_cells, kBytesOfCell, context.max_memory / 2);
  deal(context);
}

/// Deals what the cells of parts [first_part, end_part) have. These are one thread's, so that a
/// part's entries come in the order of the genes.
void TurnedColumns::add_to_parts(const CsrView& genes, GeneIndex first_gene,
                                 std::int64_t first_part, std::int64_t end_part,
                                 Numbers& n_of_cell) {
  for (std::int64_t g = 0; g < genes.n_rows; ++g) {
    const auto cells = genes.row_columns(g);
    const auto values = genes.row_values(g);
    const auto gene = first_gene + static_cast<GeneIndex>(g);
    auto from = std::lower_bound(cells.begin(), cells.end(), part_begin(first_part));
    while (from != cells.end() && *from < part_begin(end_part)) {
      // Parts without entries of the gene are passed over.
      const std::int64_t part = *from / DealtEntries::kMostCells;
      const std::size_t n = n_below(part_begin(part + 1), {from, cells.end()});
      const auto to = from + static_cast<std::ptrdiff_t>(n);
      parts_->add(part, gene, static_cast<GeneIndex>(part_begin(part)), {from, to},
                  values.subspan(as_size(from - cells.begin()), n));
      for (; from != to; ++from) ++n_of_cell[as_size(*from)];
    }
  }
}

void TurnedColumns::add(const CsrView& genes, GeneIndex first_gene, Numbers& n_of_cell,
                        const Context& context) {
  const std::int64_t n_parts = n_parts_of(n_cells_);
  const std::int64_t n_tasks = kTasksOfThread * context.n_threads();
  const std::int64_t parts_of_task = std::max<std::int64_t>(1, (n_parts + n_tasks - 1) / n_tasks);
  parallel_for(context, n_parts, parts_of_task, [&](std::int64_t from, std::int64_t to) {
    add_to_parts(genes, first_gene, from, to, n_of_cell);
  });
  parts_->make_room();
}

/// Deals a gene of more entries than a piece has. Those of one cell may come in several parts; they
/// are added up when the cells are made.
void TurnedColumns::deal_part_by_part(GeneIndex gene, CsrMatrix& part, RowPointer& n_repeated,
                                      Numbers& n_of_cell, const Context& context) {
  by_gene_.require_plausible(gene, context);
  const RowPointer n = by_gene_.n_stored(gene, gene + 1);
  GeneIndex last_cell = -1;
  for (RowPointer first = 0; first < n; first += kPieceEntries) {
    context.throw_if_cancelled();
    by_gene_.read_part(gene, first, std::min(kPieceEntries, n - first), part, context);
    const auto does_not_rise = std::ranges::adjacent_find(part.columns, std::greater_equal<>());
    if (part.columns.front() <= last_cell || does_not_rise != part.columns.end()) {
      may_repeat_ = true;
      n_repeated += part.n_stored();
    }
    if (n_repeated > kMostRepeated) {  // a cell may have them all
      fail(ErrorKind::BadFormat,
           "{}: more than {} of its entries stand more than once; the file is damaged. Write it "
           "again.",
           by_gene_.where(), kMostRepeated);
    }
    last_cell = std::max(last_cell, part.columns.back());
    add(part.view(), gene, n_of_cell, context);
  }
}

void TurnedColumns::deal(const Context& context) {
  Numbers n_of_cell(as_size(n_cells_));
  RowPointer n_repeated = 0;
  CsrMatrix genes;  // the memory of one piece is the next one's
  try {
    parts_ = std::make_unique<DealtEntries>(n_parts_of(n_cells_),
                                            by_gene_.n_stored(0, by_gene_.n_rows()), bytes_);
    for (std::int64_t first = 0, end = 0; first < by_gene_.n_rows(); first = end) {
      context.throw_if_cancelled();
      end = piece_end(by_gene_, first);
      const auto gene = static_cast<GeneIndex>(first);
      if (by_gene_.n_stored(first, end) > kPieceEntries) {
        deal_part_by_part(gene, genes, n_repeated, n_of_cell, context);
      } else {
        by_gene_.read(first, end, genes, context);
        add(genes.view(), gene, n_of_cell, context);
      }
    }
    parts_->finish();
  } catch (...) {
    // Half of the entries are no matrix.
    parts_.reset();
    throw;
  }
  if (row_starts_.n_rows() < 0) append_sums(n_of_cell, row_starts_);
}

void TurnedColumns::let_go() {
  if (parts_ && parts_->are_in_memory()) parts_.reset();
  drop_held();
}

void TurnedColumns::drop_held() {
  held_ = {};
  held_begin_ = held_end_ = 0;
}

/// Cells [begin, end) of the parts that hold them.
CsrMatrix TurnedColumns::turn(CellIndex begin, CellIndex end, const Context& context) const {
  CsrMatrix rows;
  rows.n_rows = end - begin;
  rows.n_cols = static_cast<GeneIndex>(by_gene_.n_rows());
  rows.row_start = row_starts_.read(begin, end);
  const RowPointer first_entry = rows.row_start.front();
  for (RowPointer& start : rows.row_start) start -= first_entry;
  if (begin == end) return rows;
  require_memory(by_gene_.where(), rows.n_stored(), kBytesOfEntry);
  parallel_for(context, 2, 1, [&](std::int64_t i, std::int64_t) {
    const auto n = as_size(rows.n_stored());
    i == 0 ? assign_zeros(rows.columns, n) : assign_zeros(rows.values, n);
  });
  const std::int64_t first_part = begin / DealtEntries::kMostCells;
  const std::int64_t n_parts = (end - 1) / DealtEntries::kMostCells + 1 - first_part;
  parallel_for(context, n_parts, 1, [&](std::int64_t i, std::int64_t) {
    const CellIndex part_first = part_begin(first_part + i);
    const CellIndex from = std::max(begin, part_first);
    const CellIndex to = std::min(end, part_begin(first_part + i + 1));
    std::vector<RowPointer> next(rows.row_start.begin() + (from - begin),
                                 rows.row_start.begin() + (to - begin));
    const CellIndex first = from - part_first;
    const CellIndex last = to - part_first;
    const bool is_whole = first == 0 && to == part_begin(first_part + i + 1);
    parts_->visit(first_part + i, [&](GeneIndex gene, std::span<const std::uint8_t> cells,
                                      std::span<const float> values) {
      if (!is_whole) {
        const auto begin_wanted = std::lower_bound(cells.begin(), cells.end(), first);
        const auto end_wanted = std::lower_bound(begin_wanted, cells.end(), last);
        values = values.subspan(as_size(begin_wanted - cells.begin()));
        cells = {begin_wanted, end_wanted};
      }
      for (std::size_t k = 0; k < cells.size(); ++k) {
        const auto position = as_size(next[as_size(cells[k] - first)]++);
        rows.columns[position] = gene;
        rows.values[position] = values[k];
      }
    });
  });
  if (may_repeat_) sort_and_merge(rows, context);
  return rows;
}

/// Where what is turned with the cells [begin, end), and held, ends.
CellIndex TurnedColumns::held_end_after(CellIndex begin, CellIndex end) const {
  const CellIndex most_end = std::min(n_cells_, ((end - 1) / kHeldCells + 1) * kHeldCells);
  const std::vector<RowPointer> starts = row_starts_.read(begin, most_end);
  const RowPointer most = starts.front() + bytes_ / kHeldShare / kBytesOfEntry;
  const auto past = std::ranges::upper_bound(starts, most);
  return std::max(end, begin + (past - starts.begin()) - 1);
}

CsrMatrix TurnedColumns::read(CellIndex begin, CellIndex end, const Context& context) {
  SAITHE_ASSERT(0 <= begin && begin <= end && end <= n_cells_);
  if (!parts_) deal(context);
  const bool goes_on = begin == last_end_;
  last_end_ = end;
  if (begin == end || begin < held_begin_ || end > held_end_) {
    const bool is_small = end - begin < kHeldCells / 2;
    const CellIndex held_end = goes_on && is_small ? held_end_after(begin, end) : end;
    if (held_end == end) return turn(begin, end, context);
    drop_held();
    held_ = turn(begin, held_end, context);
    held_begin_ = begin;
    held_end_ = held_end;
  }
  CsrMatrix block;
  block.n_cols = held_.n_cols;
  CsrView wanted = held_.view();
  wanted.n_rows = end - begin;
  wanted.row_start =
      wanted.row_start.subspan(as_size(begin - held_begin_), as_size(end - begin) + 1);
  append_rows(block, wanted);
  return block;
}

}  // namespace saithe::io
