#include "saithe/io/turned_columns.h"

#include <algorithm>
#include <bit>
#include <numeric>
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
constexpr std::int64_t kBytesOfEntry = 8;  // column and value; in a part 6, and 8 for each gene
// Cells of a part: the ends of so many rows stay in a thread's cache while their entries arrive.
// Fewer where that gives the threads too little to do, not so few that finding them in every gene
// takes longer.
constexpr CellIndex kMostCells = 2048;
constexpr CellIndex kFewestCells = 256;
constexpr CellIndex kPartsAimedAt = 16;
static_assert(kMostCells <= CellIndex{1} << 16, "cells of a part are numbered in 16 bits");
// Threads share the parts in so many runs; a gene's entries are looked for once in each.
constexpr std::int64_t kTasks = 16;
// Of this share of the memory the parts have what has not gone to the temporary file, but so many
// entries each at least.
constexpr std::int64_t kArrivingShare = 4;
constexpr std::int64_t kFewestEntries = 512;
// Of this share of the memory small blocks that are read in their order are turned together.
constexpr std::int64_t kHeldShare = 4;

/// The end of the genes from `begin` on that make up a piece; one gene at least.
std::int64_t piece_end(const CompressedRows& by_gene, std::int64_t begin, const Context& context) {
  const RowPointer most = std::min(kPieceEntries, most_block_values(context));
  std::int64_t end = begin + 1;
  while (end < by_gene.n_rows() && by_gene.n_stored(begin, end + 1) <= most) ++end;
  return end;
}

template <typename Values>
void reserve_in_huge_pages(Values& values, std::size_t n) {
  values.reserve(n);
  ask_for_huge_pages(values.data(), n * sizeof(values[0]));
}

}  // namespace

TurnedColumns::TurnedColumns(CompressedRows by_gene, CellIndex n_cells, std::int64_t bytes,
                             const Context& context)
    : by_gene_(std::move(by_gene)), bytes_(bytes), row_start_(as_size(n_cells) + 1) {
  const RowPointer n = by_gene_.n_stored(0, by_gene_.n_rows());
  cells_of_part_ = std::clamp(
      static_cast<CellIndex>(std::bit_floor(static_cast<std::uint64_t>(n_cells / kPartsAimedAt))),
      kFewestCells, kMostCells);
  const std::int64_t n_parts = (n_cells + cells_of_part_ - 1) / cells_of_part_;
  // Of few entries each may be a gene's only one in its part.
  const std::int64_t n_genes =
      n_parts > n / std::max<std::int64_t>(1, by_gene_.n_rows()) ? n : n_parts * by_gene_.n_rows();
  fits_memory_ = n + n_genes <= bytes / kBytesOfEntry;
  const std::int64_t of_each = fits_memory_ ? n : bytes / kArrivingShare / kBytesOfEntry;
  entries_of_part_ =
      as_size(std::max(kFewestEntries, of_each / std::max<std::int64_t>(1, n_parts)));
  if (fits_memory_) require_memory(by_gene_.where(), n, kBytesOfEntry);
  deal(context);
}

/// Deals what the cells of parts [first_part, end_part) have. These are one thread's, so that a
/// part's entries come in the order of the genes.
void TurnedColumns::add(const CsrView& genes, GeneIndex first_gene, std::int64_t first_part,
                        std::int64_t end_part) {
  for (std::int64_t g = 0; g < genes.n_rows; ++g) {
    const auto cells = genes.row_columns(g);
    const auto values = genes.row_values(g);
    const auto gene = first_gene + static_cast<GeneIndex>(g);
    const auto end = std::lower_bound(cells.begin(), cells.end(), part_begin(end_part));
    auto from = std::lower_bound(cells.begin(), end, part_begin(first_part));
    while (from != end) {  // parts without entries of the gene are passed over
      const std::int64_t part = *from / cells_of_part_;
      const auto to = std::lower_bound(from, end, part_begin(part + 1));
      const auto n = static_cast<std::size_t>(to - from);
      add_to_part(part, gene, {from, to}, values.subspan(as_size(from - cells.begin()), n));
      from = to;
    }
  }
}

void TurnedColumns::add_to_part(std::int64_t number, GeneIndex gene,
                                std::span<const GeneIndex> cells, std::span<const float> values) {
  Part& part = parts_[as_size(number)];
  Entries& entries = part.arriving;
  const std::size_t n = cells.size();
  if (fits_memory_ && entries.cells.size() + n > entries.cells.capacity()) {
    if (!entries.cells.empty()) part.kept.push_back(std::exchange(entries, {}));
    // As much as parts have in the mean, and a little of what some have more.
    const std::size_t room = part.kept.empty() ? entries_of_part_ : entries_of_part_ / 4;
    reserve_in_huge_pages(entries.cells, std::max(n, room));
    reserve_in_huge_pages(entries.values, std::max(n, room));
  }
  entries.genes.push_back({gene, static_cast<std::uint32_t>(n)});
  const std::size_t at = entries.cells.size();
  const CellIndex begin = part_begin(number);
  entries.cells.resize(at + n);
  std::transform(cells.begin(), cells.end(),
                 entries.cells.begin() + static_cast<std::ptrdiff_t>(at),
                 [&](GeneIndex cell) { return static_cast<std::uint16_t>(cell - begin); });
  entries.values.insert(entries.values.end(), values.begin(), values.end());
  for (const GeneIndex cell : cells) ++row_start_[as_size(cell) + 1];
}

void TurnedColumns::flush(Part& part) {
  Entries& entries = part.arriving;
  if (entries.cells.empty()) return;
  const std::int64_t position = file_->append_values(std::span<const GeneOfPart>(entries.genes));
  file_->append_values(std::span<const std::uint16_t>(entries.cells));
  file_->append_values(std::span<const float>(entries.values));
  part.stretches.push_back({position, entries.genes.size(), entries.cells.size()});
  entries.genes.clear();
  entries.cells.clear();
  entries.values.clear();
}

void TurnedColumns::deal(const Context& context) {
  std::fill(row_start_.begin(), row_start_.end(), 0);
  parts_.resize(as_size((n_cells() + cells_of_part_ - 1) / cells_of_part_));
  if (!fits_memory_) file_ = std::make_unique<TemporaryFile>();
  const std::int64_t parts_of_task =
      std::max<std::int64_t>(1, (std::ssize(parts_) + kTasks - 1) / kTasks);
  try {
    for (std::int64_t gene = 0; gene < by_gene_.n_rows();) {
      context.throw_if_cancelled();
      const std::int64_t end = piece_end(by_gene_, gene, context);
      const CsrMatrix genes = by_gene_.read(gene, end, context);
      parallel_for(context, std::ssize(parts_), parts_of_task,
                   [&](std::int64_t from, std::int64_t to) {
                     add(genes.view(), static_cast<GeneIndex>(gene), from, to);
                   });
      for (Part& part : parts_) {
        const std::size_t n = part.arriving.cells.size() + part.arriving.genes.size();
        if (!fits_memory_ && n >= entries_of_part_) flush(part);
      }
      gene = end;
    }
    for (Part& part : parts_) {
      if (!fits_memory_) flush(part);
      if (!part.arriving.cells.empty()) part.kept.push_back(std::move(part.arriving));
      part.arriving = {};
    }
  } catch (...) {
    // Half of the entries are no matrix.
    drop_parts();
    throw;
  }
  std::partial_sum(row_start_.begin(), row_start_.end(), row_start_.begin());
}

void TurnedColumns::drop_parts() {
  parts_.clear();
  file_.reset();
}

void TurnedColumns::let_go() {
  if (fits_memory_) drop_parts();
  drop_held();
}

void TurnedColumns::drop_held() {
  held_ = {};
  held_begin_ = held_end_ = 0;
}

TurnedColumns::Entries TurnedColumns::read_stretch(const Stretch& stretch) const {
  Entries entries;
  entries.genes.resize(stretch.n_genes);
  entries.cells.resize(stretch.n_entries);
  entries.values.resize(stretch.n_entries);
  std::int64_t position = stretch.position;
  const auto read = [&](auto& values) {
    const std::span all(values);
    file_->read_values(position, all);
    position += static_cast<std::int64_t>(all.size_bytes());
  };
  read(entries.genes);
  read(entries.cells);
  read(entries.values);
  return entries;
}

/// Cells [begin, end) of the parts that hold them.
CsrMatrix TurnedColumns::turn(CellIndex begin, CellIndex end, const Context& context) const {
  CsrMatrix rows;
  rows.n_rows = end - begin;
  rows.n_cols = static_cast<GeneIndex>(by_gene_.n_rows());
  rows.row_start.assign(row_start_.begin() + begin, row_start_.begin() + end + 1);
  for (RowPointer& start : rows.row_start) start -= row_start_[as_size(begin)];
  if (begin == end) return rows;
  require_memory(by_gene_.where(), rows.n_stored(), kBytesOfEntry);
  parallel_for(context, 2, 1, [&](std::int64_t i, std::int64_t) {
    const auto n = as_size(rows.n_stored());
    i == 0 ? assign_zeros(rows.columns, n) : assign_zeros(rows.values, n);
  });
  const std::int64_t first_part = begin / cells_of_part_;
  const std::int64_t n_parts = (end - 1) / cells_of_part_ + 1 - first_part;
  parallel_for(context, n_parts, 1, [&](std::int64_t i, std::int64_t) {
    const Part& part = parts_[as_size(first_part + i)];
    const CellIndex part_first = part_begin(first_part + i);
    const CellIndex from = std::max(begin, part_first);
    const CellIndex to = std::min(end, part_begin(first_part + i + 1));
    std::vector<RowPointer> next(rows.row_start.begin() + (from - begin),
                                 rows.row_start.begin() + (to - begin));
    const CellIndex first = from - part_first;
    const CellIndex last = to - part_first;
    const bool is_whole = first == 0 && to == part_begin(first_part + i + 1);
    const auto add = [&](const Entries& entries) {
      std::size_t begin_of_gene = 0;
      for (const GeneOfPart& gene : entries.genes) {
        const std::size_t end_of_gene = begin_of_gene + gene.n_entries;
        std::span<const std::uint16_t> cells(entries.cells);
        cells = cells.subspan(begin_of_gene, gene.n_entries);
        const float* value = entries.values.data() + begin_of_gene;
        if (!is_whole) {
          const auto begin_wanted = std::lower_bound(cells.begin(), cells.end(), first);
          const auto end_wanted = std::lower_bound(begin_wanted, cells.end(), last);
          value += begin_wanted - cells.begin();
          cells = {begin_wanted, end_wanted};
        }
        for (const std::uint16_t cell : cells) {
          const auto position = as_size(next[as_size(cell - first)]++);
          rows.columns[position] = gene.gene;
          rows.values[position] = *value++;
        }
        begin_of_gene = end_of_gene;
      }
    };
    for (const Entries& entries : part.kept) add(entries);
    for (const Stretch& stretch : part.stretches) add(read_stretch(stretch));
  });
  return rows;
}

/// Where what is turned with the cells [begin, end), and held, ends: with their part, or before.
CellIndex TurnedColumns::held_end_after(CellIndex begin, CellIndex end) const {
  const RowPointer most = row_start_[as_size(begin)] + bytes_ / kHeldShare / kBytesOfEntry;
  const auto past = std::upper_bound(row_start_.begin() + end, row_start_.end(), most);
  const CellIndex fits = static_cast<CellIndex>(past - row_start_.begin()) - 1;
  return std::max(end, std::min(fits, part_begin((end - 1) / cells_of_part_ + 1)));
}

CsrMatrix TurnedColumns::read(CellIndex begin, CellIndex end, const Context& context) {
  SAITHE_ASSERT(0 <= begin && begin <= end && end <= n_cells());
  if (parts_.empty()) deal(context);
  const bool goes_on = begin == last_end_;
  last_end_ = end;
  if (begin == end || begin < held_begin_ || end > held_end_) {
    const bool is_small = end - begin < cells_of_part_ / 2;
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
