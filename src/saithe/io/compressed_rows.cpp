#include "saithe/io/compressed_rows.h"

#include <algorithm>
#include <atomic>
#include <functional>

#include "saithe/core/huge_pages.h"
#include "saithe/core/parallel.h"
#include "saithe/core/text_io.h"
#include "saithe/core/usable_memory.h"
#include "saithe/io/chunked_array.h"
#include "saithe/matrix/row_source.h"

namespace saithe::io {
namespace {

constexpr std::int64_t kBytesOfEntry = 8;  // column and value
constexpr std::int64_t kChunkRows = 64;

class Hdf5Entries final : public EntryArrays {
 public:
  explicit Hdf5Entries(const Hdf5Group& group)
      : columns_(group.dataset("indices")), values_(group.dataset("data")) {
    columns_.count_others(values_.most_kept_bytes());
    values_.count_others(columns_.most_kept_bytes());
  }
  std::int64_t n_columns_stored() const override { return columns_.size(); }
  std::int64_t n_values_stored() const override { return values_.size(); }
  void read(std::int64_t first, std::span<std::int32_t> columns, std::span<float> values,
            const Context& context) const override {
    columns_.read(first, columns, context);
    values_.read(first, values, context);
  }
  bool are_plausible(std::int64_t n) const override {
    return columns_.dataset().description().is_plausible(n) &&
           values_.dataset().description().is_plausible(n);
  }

 private:
  ChunkedArray columns_;
  ChunkedArray values_;
};

/// Whether a row has more than one entry of a column.
bool has_twice(const CsrView& rows, GeneIndex column) {
  for (std::int64_t row = 0; row < rows.n_rows; ++row) {
    if (std::ranges::count(rows.row_columns(row), column) > 1) return true;
  }
  return false;
}

/// Without a way out of the loop, the compiler compares many at once.
bool do_ascend(std::span<const GeneIndex> columns) {
  bool do_all = true;
  for (std::size_t i = 1; i < columns.size(); ++i) do_all &= columns[i - 1] < columns[i];
  return do_all;
}

/// Room for n values, of which none need be kept.
template <typename Value>
void reserve_anew(std::vector<Value>& values, std::size_t n) {
  if (values.capacity() < n) values.clear();
  values.reserve(n);
}

/// n values that are written next: those that are there are not cleared.
template <typename Value>
void make_room_for(std::vector<Value>& values, std::size_t n) {
  values.empty() ? assign_zeros(values, n) : values.resize(n);
}

}  // namespace

CompressedRows::CompressedRows(const Hdf5Group& group, std::int64_t n_rows, std::int64_t n_columns,
                               const Context& context)
    : where_(group.where()),
      n_columns_(checked_cast<GeneIndex>(n_columns, where_.c_str())),
      entries_(std::make_unique<Hdf5Entries>(group)) {
  if (n_rows < 0 || n_columns < 0) {
    fail(ErrorKind::BadFormat, "{}: has the shape {} x {}", where_, n_rows, n_columns);
  }
  const ChunkedArray row_start(group.dataset("indptr"));
  if (row_start.size() != n_rows + 1) {
    fail(ErrorKind::BadFormat, "{}/indptr: has {} entries; expected {} for {} rows", where_,
         row_start.size(), n_rows + 1, n_rows);
  }
  row_start.dataset().require_plausible(n_rows + 1);
  row_start_.resize(as_size(n_rows) + 1);
  row_start.read(0, std::span<RowPointer>(row_start_), context);
  check_rows(context);
}

CompressedRows::CompressedRows(std::string where, std::vector<RowPointer> row_start,
                               std::int64_t n_columns, std::unique_ptr<EntryArrays> entries,
                               const Context& context)
    : where_(std::move(where)),
      n_columns_(checked_cast<GeneIndex>(n_columns, where_.c_str())),
      row_start_(std::move(row_start)),
      entries_(std::move(entries)) {
  SAITHE_ASSERT(!row_start_.empty());
  check_rows(context);
}

void CompressedRows::check_rows(const Context& context) const {
  const std::int64_t n_values = entries_->n_values_stored();
  if (entries_->n_columns_stored() != n_values) {
    fail(ErrorKind::BadFormat, "{}: indices has {} entries but data has {}; the file is damaged",
         where_, entries_->n_columns_stored(), n_values);
  }
  if (row_start_.front() != 0) {
    fail(ErrorKind::BadFormat, "{}/indptr: begins with {}; expected 0", where_, row_start_.front());
  }
  const auto falls = std::adjacent_find(row_start_.begin(), row_start_.end(), std::greater<>());
  if (falls != row_start_.end()) {
    fail(ErrorKind::BadFormat, "{}/indptr: falls from {} to {} at entry {}; the file is damaged",
         where_, *falls, *(falls + 1), falls - row_start_.begin());
  }
  if (row_start_.back() > n_values) {
    fail(ErrorKind::BadFormat,
         "{}: indptr ends at {}, but data has {} entries; the file is damaged or cut off. Copy it "
         "again.",
         where_, row_start_.back(), n_values);
  }
  if (row_start_.back() < n_values) {  // SciPy, too, takes it for spare room
    context.warn(
        fmt::format("{}: indptr ends at {}; the {} entries behind it belong to no cell and are not "
                    "read",
                    where_, row_start_.back(), n_values - row_start_.back()));
  }
}

void CompressedRows::require_room(std::int64_t begin, std::int64_t end,
                                  const Context& context) const {
  const RowPointer n = n_stored(begin, end);
  require_memory(where_, n, kBytesOfEntry);
  const std::int64_t bytes = n * kBytesOfEntry;
  const std::int64_t room =
      std::max(context.max_memory, most_block_values(context) * kBytesOfEntry);
  // Several rows are asked for where all are to be in memory: the machine's is the limit then, but
  // not for what a damaged file makes up.
  if (bytes > room && (end - begin == 1 || !entries_->are_plausible(n))) {
    fail(ErrorKind::BadFormat,
         "{}: entries {} to {} of indptr claim {} values at once, which take {}, more than "
         "--memory ({}); those of a cell (in csc of a gene) must fit it. If the file is not "
         "damaged, give it more with --memory {}.",
         where_, begin, end, n, memory_text(bytes), memory_text(context.max_memory),
         memory_text(bytes));
  }
}

/// Throws Error(BadFormat) where a column of rows [begin, end) is none of the matrix; returns
/// whether the columns of each row ascend.
bool CompressedRows::check_columns(std::int64_t begin, std::int64_t end,
                                   std::span<const GeneIndex> columns,
                                   const Context& context) const {
  const RowPointer first = row_start_[as_size(begin)];
  std::atomic<bool> do_all_ascend = true;
  parallel_for(context, end - begin, kChunkRows, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t row = begin + from; row < begin + to; ++row) {
      const RowPointer start = row_start_[as_size(row)] - first;
      const auto of_row = columns.subspan(as_size(start), as_size(n_stored(row, row + 1)));
      if (of_row.empty()) continue;
      const bool do_these = do_ascend(of_row);
      if (!do_these) do_all_ascend = false;
      if (do_these && of_row.front() >= 0 && of_row.back() < n_columns_) continue;
      const auto outside = std::find_if(of_row.begin(), of_row.end(),
                                        [&](auto c) { return c < 0 || c >= n_columns_; });
      if (outside == of_row.end()) continue;
      fail(ErrorKind::BadFormat, "{}/indices: entry {} is {}; expected 0 to {}", where_,
           first + start + (outside - of_row.begin()), *outside, n_columns_ - 1);
    }
  });
  return do_all_ascend;
}

CsrMatrix CompressedRows::read(std::int64_t begin, std::int64_t end, const Context& context) const {
  CsrMatrix rows;
  read(begin, end, rows, context);
  return rows;
}

void CompressedRows::read(std::int64_t begin, std::int64_t end, CsrMatrix& rows,
                          const Context& context) const {
  SAITHE_ASSERT(0 <= begin && begin <= end && end <= n_rows());
  const RowPointer first = row_start_[as_size(begin)];
  const auto n = as_size(n_stored(begin, end));
  require_room(begin, end, context);
  rows.n_rows = end - begin;
  rows.n_cols = n_columns_;
  rows.row_start.assign(row_start_.begin() + begin, row_start_.begin() + end + 1);
  for (RowPointer& start : rows.row_start) start -= first;
  // Memory is this thread's: what others free they keep. Zeros cost much of reading, so that each
  // array's are a thread's.
  reserve_anew(rows.columns, n);
  reserve_anew(rows.values, n);
  parallel_for(context, 2, 1, [&](std::int64_t i, std::int64_t) {
    i == 0 ? make_room_for(rows.columns, n) : make_room_for(rows.values, n);
  });
  entries_->read(first, rows.columns, rows.values, context);
  // With the row starts and the columns checked, sorting makes a valid matrix.
  if (check_columns(begin, end, rows.columns, context)) return;
  // A row has the first column twice: zeros that are not stored did not go without saying.
  if (const std::string unstored = entries_->unstored_columns();
      !unstored.empty() && has_twice(rows.view(), 0)) {
    fail(ErrorKind::BadFormat, "{}: is not there; the store was not copied whole. Copy it again.",
         unstored);
  }
  sort_and_merge(rows, context);
}

}  // namespace saithe::io
