#include "saithe/io/turned_columns.h"

#include <algorithm>
#include <array>
#include <cstring>
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
// One thread writes to so many cells at a time, whose ends stay in its cache; or to more, where
// finding them in every gene would take longer.
constexpr CellIndex kFewestCells = 2048;
constexpr CellIndex kMostRanges = 64;
constexpr std::int64_t kBytesOfEntry = 8;  // column and value
// Of this share of the memory the parts have their buffers, but each a page at least.
constexpr std::int64_t kBuffersShare = 4;
constexpr std::int64_t kSmallestBuffer = 4096;

/// The entries of a gene that are of the cells [begin, end).
struct EntriesOfPart {
  std::span<const GeneIndex> cells;
  std::span<const float> values;
};
EntriesOfPart entries_of(const CsrView& genes, std::int64_t gene, CellIndex begin, CellIndex end) {
  const auto cells = genes.row_columns(gene);
  const auto from = std::lower_bound(cells.begin(), cells.end(), begin) - cells.begin();
  const auto to = std::lower_bound(cells.begin() + from, cells.end(), end) - cells.begin();
  return {cells.subspan(as_size(from), as_size(to - from)),
          genes.row_values(gene).subspan(as_size(from), as_size(to - from))};
}

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
  cut_into_parts();
}

void TurnedColumns::cut_into_parts() {
  const auto n_cells = static_cast<CellIndex>(row_start_.size()) - 1;
  CellIndex begin = 0;
  do {
    const RowPointer most = row_start_[as_size(begin)] + bytes_ / kBytesOfEntry;
    const auto past = std::upper_bound(row_start_.begin() + begin, row_start_.end(), most);
    const CellIndex end = static_cast<CellIndex>(past - row_start_.begin()) - 1;
    parts_.push_back({begin, std::min(n_cells, std::max(begin + 1, end)), {}, {}});
    begin = parts_.back().end;
  } while (begin < n_cells);
}

/// The rows of a part's cells while its entries arrive, gene by gene.
class TurnedColumns::Gathering {
 public:
  Gathering(const TurnedColumns& source, const Part& part)
      : begin_(part.begin),
        start_(source.row_start_.begin() + part.begin, source.row_start_.begin() + part.end + 1) {
    const RowPointer first = start_.front();
    for (RowPointer& position : start_) position -= first;
    next_.assign(start_.begin(), start_.end() - 1);
    require_memory(source.by_gene_.where(), start_.back(), kBytesOfEntry);
    rows_.n_rows = part.end - part.begin;
    rows_.n_cols = static_cast<GeneIndex>(source.by_gene_.n_rows());
    assign_zeros(rows_.columns, as_size(start_.back()));
    assign_zeros(rows_.values, as_size(start_.back()));
  }

  /// Rows of genes, whose numbers ascend from piece to piece; entries of other cells are passed
  /// over. A cell is one thread's, so that its entries come in the order of the genes.
  void add(const CsrView& genes, std::span<const GeneIndex> numbers, const Context& context) {
    const CellIndex n_cells = rows_.n_rows;
    const CellIndex n_each = std::max(kFewestCells, (n_cells + kMostRanges - 1) / kMostRanges);
    parallel_for(context, n_cells, n_each, [&](CellIndex first, CellIndex past) {
      for (std::int64_t g = 0; g < genes.n_rows; ++g) {
        const auto [cells, values] = entries_of(genes, g, begin_ + first, begin_ + past);
        for (std::size_t i = 0; i < cells.size(); ++i) {
          const auto position = as_size(next_[as_size(cells[i] - begin_)]++);
          rows_.columns[position] = numbers[as_size(g)];
          rows_.values[position] = values[i];
        }
      }
    });
  }

  /// Entries that were added up on reading left gaps, which are closed.
  CsrMatrix finish() {
    RowPointer n_kept = 0;
    rows_.row_start.resize(start_.size());
    for (std::size_t row = 0; row < next_.size(); ++row) {
      rows_.row_start[row] = n_kept;
      const RowPointer from = start_[row];
      const RowPointer to = next_[row];
      if (from != n_kept) {
        std::copy(rows_.columns.begin() + from, rows_.columns.begin() + to,
                  rows_.columns.begin() + n_kept);
        std::copy(rows_.values.begin() + from, rows_.values.begin() + to,
                  rows_.values.begin() + n_kept);
      }
      n_kept += to - from;
    }
    rows_.row_start.back() = n_kept;
    rows_.columns.resize(as_size(n_kept));
    rows_.values.resize(as_size(n_kept));
    return std::move(rows_);
  }

 private:
  CellIndex begin_;
  std::vector<RowPointer> start_;
  std::vector<RowPointer> next_;
  CsrMatrix rows_;
};

namespace {

template <typename T>
void append_bytes(std::span<const T> from, std::vector<unsigned char>& to) {
  if (from.empty()) return;
  const std::size_t at = to.size();
  to.resize(at + from.size_bytes());
  std::memcpy(to.data() + at, from.data(), from.size_bytes());
}

template <typename T>
void take_bytes(std::span<const unsigned char>& from, std::span<T> to) {
  if (to.empty()) return;
  std::memcpy(to.data(), from.data(), to.size_bytes());
  from = from.subspan(to.size_bytes());
}

/// Every piece of the file in turn: its rows, and the number of the first.
template <typename Take>
void for_each_piece(const CompressedRows& by_gene, const Context& context, const Take& take) {
  for (std::int64_t gene = 0; gene < by_gene.n_rows();) {
    context.throw_if_cancelled();
    const std::int64_t end = piece_end(by_gene, gene, context);
    take(static_cast<GeneIndex>(gene), by_gene.read(gene, end, context).view());
    gene = end;
  }
}

}  // namespace

void TurnedColumns::flush(Part& part) {
  if (part.buffer.empty()) return;
  part.stretches.push_back({dealt_->append(part.buffer), part.buffer.size()});
  part.buffer.clear();
}

void TurnedColumns::deal(const Context& context) {
  let_go();
  auto dealt = std::make_unique<TemporaryFile>();
  std::swap(dealt, dealt_);
  const auto full = as_size(
      std::max(kSmallestBuffer, bytes_ / kBuffersShare / static_cast<std::int64_t>(parts_.size())));
  try {
    for_each_piece(by_gene_, context, [&](GeneIndex first_gene, const CsrView& genes) {
      for (std::int64_t g = 0; g < genes.n_rows; ++g) {
        for (Part& part : parts_) {
          const auto [cells, values] = entries_of(genes, g, part.begin, part.end);
          if (cells.empty()) continue;
          const std::array<std::int64_t, 2> head = {first_gene + g, std::ssize(cells)};
          append_bytes(std::span<const std::int64_t>(head), part.buffer);
          append_bytes(cells, part.buffer);
          append_bytes(values, part.buffer);
          if (part.buffer.size() >= full) flush(part);
        }
      }
    });
    for (Part& part : parts_) {
      flush(part);
      part.buffer = {};
    }
  } catch (...) {
    // Half of the entries are no file to read from.
    dealt_.reset();
    for (Part& part : parts_) {
      part.buffer = {};
      part.stretches.clear();
    }
    throw;
  }
}

void TurnedColumns::hold(const Part& part, const Context& context) {
  let_go();
  Gathering gathering(*this, part);
  std::vector<GeneIndex> numbers;
  if (!dealt_) {
    for_each_piece(by_gene_, context, [&](GeneIndex first_gene, const CsrView& genes) {
      numbers.resize(as_size(genes.n_rows));
      std::iota(numbers.begin(), numbers.end(), first_gene);
      gathering.add(genes, numbers, context);
    });
  } else {
    std::vector<unsigned char> bytes;
    for (const Stretch& stretch : part.stretches) {
      context.throw_if_cancelled();
      bytes.resize(stretch.n_bytes);
      dealt_->read(stretch.position, bytes);
      CsrMatrix genes;
      numbers.clear();
      for (std::span<const unsigned char> rest(bytes); !rest.empty();) {
        std::array<std::int64_t, 2> head = {};
        take_bytes(rest, std::span<std::int64_t>(head));
        numbers.push_back(static_cast<GeneIndex>(head[0]));
        const std::size_t at = genes.columns.size();
        genes.columns.resize(at + as_size(head[1]));
        genes.values.resize(at + as_size(head[1]));
        take_bytes(rest, std::span(genes.columns).subspan(at));
        take_bytes(rest, std::span(genes.values).subspan(at));
        genes.row_start.push_back(std::ssize(genes.columns));
        ++genes.n_rows;
      }
      gathering.add(genes.view(), numbers, context);
    }
  }
  held_ = gathering.finish();
  held_begin_ = part.begin;
  held_end_ = part.end;
}

void TurnedColumns::let_go() {
  held_begin_ = held_end_ = 0;
  held_ = CsrMatrix{};
}

CsrMatrix TurnedColumns::read(CellIndex begin, CellIndex end, const Context& context) {
  SAITHE_ASSERT(0 <= begin && begin <= end && as_size(end) < row_start_.size());
  CsrMatrix block;
  block.n_cols = static_cast<GeneIndex>(by_gene_.n_rows());
  block.row_start = {0};
  while (begin < end) {
    if (begin < held_begin_ || begin >= held_end_) {
      const auto part = std::find_if(parts_.begin(), parts_.end(),
                                     [&](const Part& one) { return begin < one.end; });
      if (part != parts_.begin() && !dealt_) deal(context);
      hold(*part, context);
    }
    const CellIndex until = std::min(end, held_end_);
    // All that is held, and all that is wanted: whoever reads in order does not come back to it.
    if (begin == held_begin_ && until == held_end_ && until == end && block.n_rows == 0) {
      held_begin_ = held_end_ = 0;
      return std::exchange(held_, CsrMatrix{});
    }
    CsrView wanted = held_.view();
    wanted.n_rows = until - begin;
    wanted.row_start =
        wanted.row_start.subspan(as_size(begin - held_begin_), as_size(until - begin) + 1);
    append_rows(block, wanted);
    begin = until;
  }
  return block;
}

}  // namespace saithe::io
