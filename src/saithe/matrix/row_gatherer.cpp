#include "saithe/matrix/row_gatherer.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "saithe/core/parallel.h"

namespace saithe {
namespace {

constexpr std::int64_t kBufferShare = 8;  // of the memory; its entries sorted take half as much
constexpr std::int64_t kRowsShare = 4;    // for runs, and for the rows that are made of them
constexpr std::size_t kFewEntries = std::size_t{1} << 20;
// Runs that are kept before they are merged: each says of every row where it is.
constexpr std::size_t kMostRuns = 16;
constexpr CellIndex kMergedRows = 1024;
// Rows that are made at a time, most of which may have no entries.
constexpr CellIndex kRowsAtOnce = CellIndex{1} << 19;

CsrMatrix empty_rows(CellIndex n_rows, GeneIndex n_cols) {
  return {n_rows, n_cols, std::vector<RowPointer>(as_size(n_rows) + 1), {}, {}};
}

void append_empty(PackedRows& rows, CellIndex n, const Context& context) {
  for (; n > 0; n -= kRowsAtOnce) {
    rows.append(empty_rows(std::min(n, kRowsAtOnce), rows.n_cols()).view(), context);
  }
}

}  // namespace

RowGatherer::RowGatherer(GeneIndex n_cols, std::int64_t max_memory)
    : n_cols_(n_cols),
      rows_bytes_(max_memory / kRowsShare),
      buffer_entries_(
          std::max<std::size_t>(1, as_size(max_memory / kBufferShare) / sizeof(Entry))) {}

void RowGatherer::add(CellIndex row, GeneIndex column, float value, const Context& context) {
  SAITHE_ASSERT(row >= 0 && column >= 0 && column < n_cols_);
  is_ascending_ = is_ascending_ && row >= last_row_;
  last_row_ = row;
  // More than a row: one that is cut would begin another run.
  const std::size_t enough = std::max(kFewEntries, 2 * as_size(n_cols_));
  if (buffer_.size() >= buffer_entries_ || (is_ascending_ && buffer_.size() >= enough)) {
    flush(false, context);
  }
  // No room for twice as many while it grows.
  if (buffer_.size() == kFewEntries) buffer_.reserve(std::max(kFewEntries, buffer_entries_));
  buffer_.push_back({row, column, value});
}

std::int64_t RowGatherer::free_bytes() const {
  std::int64_t bytes = rows_bytes_;
  for (const Run& run : runs_) bytes -= run.rows->bytes_in_memory() + run.rows->bytes_of_places();
  return std::max<std::int64_t>(0, bytes);
}

void RowGatherer::flush(bool is_last, const Context& context) {
  if (buffer_.empty()) return;
  const auto by_row = [](const Entry& a, const Entry& b) { return a.row < b.row; };
  const auto [lowest, highest] = std::minmax_element(buffer_.begin(), buffer_.end(), by_row);
  const CellIndex begin = lowest->row;
  const CellIndex last = highest->row;
  // More of the last row may follow: it stays, unless there is no other.
  const CellIndex end = is_last || last == begin ? last + 1 : last;
  for (CellIndex first = begin; first < end; first += kRowsAtOnce) {
    add_rows(first, std::min(first + kRowsAtOnce, end), context);
  }
  std::erase_if(buffer_, [end](const Entry& entry) { return entry.row < end; });
}

/// Adds what the buffer has of the rows [begin, end).
void RowGatherer::add_rows(CellIndex begin, CellIndex end, const Context& context) {
  const auto is_wanted = [&](const Entry& entry) { return begin <= entry.row && entry.row < end; };
  CsrMatrix rows = empty_rows(end - begin, n_cols_);
  for (const Entry& entry : buffer_) {
    if (is_wanted(entry)) ++rows.row_start[as_size(entry.row - begin) + 1];
  }
  std::partial_sum(rows.row_start.begin(), rows.row_start.end(), rows.row_start.begin());
  std::vector<RowPointer> write(rows.row_start.begin(), rows.row_start.end() - 1);
  rows.columns.resize(as_size(rows.row_start.back()));
  rows.values.resize(rows.columns.size());
  for (const Entry& entry : buffer_) {
    if (!is_wanted(entry)) continue;
    const auto at = as_size(write[as_size(entry.row - begin)]++);
    rows.columns[at] = entry.column;
    rows.values[at] = entry.value;
  }
  has_repeats_ = sort_rows(rows, context) || has_repeats_;
  add_to_runs(rows, begin, context);
}

void RowGatherer::add_to_runs(const CsrMatrix& rows, CellIndex begin, const Context& context) {
  if (runs_.size() == kMostRuns && begin < runs_.back().end()) {
    auto merged = merge(false, context);
    runs_.clear();
    runs_.push_back({0, std::move(merged)});
  }
  if (runs_.empty() || begin < runs_.back().end()) {
    // The first one begins with the first row: it may be the result.
    runs_.push_back(
        {runs_.empty() ? 0 : begin, std::make_unique<PackedRows>(n_cols_, free_bytes())});
  }
  Run& run = runs_.back();
  append_empty(*run.rows, begin - run.end(), context);
  run.rows->append(rows.view(), context);
}

std::unique_ptr<PackedRows> RowGatherer::merge(bool add_up, const Context& context) const {
  CellIndex end = 0;
  for (const Run& run : runs_) end = std::max(end, run.end());
  auto merged = std::make_unique<PackedRows>(n_cols_, rows_bytes_);
  std::vector<CsrMatrix> parts(runs_.size());
  std::vector<CellIndex> numbers;
  const auto n_values = [&](CellIndex from, CellIndex to) {
    std::int64_t n = 0;
    for (const Run& run : runs_) {
      const CellIndex first = std::max(from, run.begin);
      const CellIndex end_of_run = std::min(to, run.end());
      if (first < end_of_run) n += run.rows->n_stored(first - run.begin, end_of_run - run.begin);
    }
    return n;
  };
  for (CellIndex first = 0, past = 0; first < end; first = past) {
    context.throw_if_cancelled();
    past = find_block_end(first, std::min(first + kMergedRows, end), context, n_values);
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      const Run& run = runs_[i];
      numbers.clear();
      for (CellIndex row = std::max(first, run.begin); row < std::min(past, run.end()); ++row) {
        numbers.push_back(row - run.begin);
      }
      parts[i] = run.rows->read(numbers, context);
    }
    CsrMatrix rows = empty_rows(0, n_cols_);
    rows.n_rows = past - first;
    for (CellIndex row = first; row < past; ++row) {
      for (std::size_t i = 0; i < runs_.size(); ++i) {
        const CellIndex at = row - std::max(first, runs_[i].begin);
        if (at < 0 || at >= parts[i].n_rows) continue;
        const CsrView part = parts[i].view();
        const auto columns = part.row_columns(at);
        const auto values = part.row_values(at);
        rows.columns.insert(rows.columns.end(), columns.begin(), columns.end());
        rows.values.insert(rows.values.end(), values.begin(), values.end());
      }
      rows.row_start.push_back(static_cast<RowPointer>(rows.columns.size()));
    }
    if (add_up) {
      sort_and_merge(rows, context);
    } else {
      sort_rows(rows, context);
    }
    merged->append(rows.view(), context);
  }
  return merged;
}

std::shared_ptr<PackedRows> RowGatherer::finish(CellIndex n_rows, const Context& context) {
  flush(true, context);
  buffer_ = {};
  std::shared_ptr<PackedRows> rows;
  if (runs_.size() == 1 && !has_repeats_) {
    rows = std::move(runs_.front().rows);
  } else {
    rows = merge(true, context);
  }
  runs_.clear();
  SAITHE_ASSERT(rows->n_rows() <= n_rows);
  append_empty(*rows, n_rows - rows->n_rows(), context);
  return rows;
}

std::shared_ptr<PackedRows> transpose(const PackedRows& rows, std::int64_t max_memory,
                                      const Context& context) {
  RowGatherer turned(checked_cast<GeneIndex>(rows.n_rows(), "transposed matrix"), max_memory);
  const RowSelection all(rows, {});
  for (CellIndex first = 0, end = 0; first < rows.n_rows(); first = end) {
    context.throw_if_cancelled();
    end = all.block_end(first, kMergedRows, context);
    const CsrMatrix block = all.read(first, end, context);
    const CsrView view = block.view();
    for (CellIndex row = 0; row < block.n_rows; ++row) {
      const auto columns = view.row_columns(row);
      const auto values = view.row_values(row);
      for (std::size_t i = 0; i < columns.size(); ++i) {
        turned.add(columns[i], static_cast<GeneIndex>(first + row), values[i], context);
      }
    }
  }
  return turned.finish(rows.n_cols(), context);
}

}  // namespace saithe
