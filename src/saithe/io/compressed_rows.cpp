#include "saithe/io/compressed_rows.h"

#include <algorithm>
#include <atomic>

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
    // What is refused is told of the one that needs more memory.
    const bool is_columns = columns_.most_unpacking_bytes() > values_.most_unpacking_bytes();
    (is_columns ? columns_ : values_).require_room(context);
    columns_.read(first, columns, context);
    values_.read(first, values, context);
  }
  bool are_plausible(std::int64_t n, std::int64_t) const override {
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

RowStarts read_row_starts(const Hdf5Group& group, std::int64_t n_rows, std::int64_t n_columns,
                          const Context& context) {
  if (n_rows < 0 || n_columns < 0) {
    fail(ErrorKind::BadFormat, "{}: has the shape {} x {}", group.where(), n_rows, n_columns);
  }
  const ChunkedArray positions(group.dataset("indptr"));
  if (positions.size() != n_rows + 1) {
    fail(ErrorKind::BadFormat, "{}/indptr: has {} entries; expected {} for {} rows", group.where(),
         positions.size(), n_rows + 1, n_rows);
  }
  positions.dataset().require_plausible(n_rows + 1);
  return {group.where(), n_rows, context, [&](std::int64_t first, std::span<RowPointer> block) {
            positions.read(first, block, context);
          }};
}

}  // namespace

CompressedRows::CompressedRows(const Hdf5Group& group, std::int64_t n_rows, std::int64_t n_columns,
                               const Context& context)
    : CompressedRows(group.where(), read_row_starts(group, n_rows, n_columns, context), n_columns,
                     std::make_unique<Hdf5Entries>(group), context) {}

CompressedRows::CompressedRows(std::string where, RowStarts row_starts, std::int64_t n_columns,
                               std::unique_ptr<EntryArrays> entries, const Context& context)
    : where_(std::move(where)),
      n_columns_(checked_cast<GeneIndex>(n_columns, where_.c_str())),
      row_starts_(std::move(row_starts)),
      entries_(std::move(entries)) {
  SAITHE_ASSERT(n_rows() >= 0);
  check_ends(context);
}

/// The three arrays end together.
void CompressedRows::check_ends(const Context& context) const {
  const std::int64_t n_values = entries_->n_values_stored();
  if (entries_->n_columns_stored() != n_values) {
    fail(ErrorKind::BadFormat, "{}: indices has {} entries but data has {}; the file is damaged",
         where_, entries_->n_columns_stored(), n_values);
  }
  const RowPointer n_entries = row_starts_.n_entries();
  if (n_entries > n_values) {
    fail(ErrorKind::BadFormat,
         "{}: indptr ends at {}, but data has {} entries; the file is damaged or cut off. Copy it "
         "again.",
         where_, n_entries, n_values);
  }
  if (n_entries < n_values) {  // SciPy, too, takes it for spare room
    context.warn(
        fmt::format("{}: indptr ends at {}; the {} entries behind it belong to no cell and are not "
                    "read",
                    where_, n_entries, n_values - n_entries));
  }
}

void CompressedRows::require_plausible(std::int64_t row, const Context& context) const {
  const RowPointer n = n_stored(row, row + 1);
  if (fits_memory(n, context) || are_plausible(n)) return;
  fail(ErrorKind::BadFormat,
       "{}: entries {} to {} of indptr claim {} values, more than what is stored can hold; the "
       "file is damaged. Copy it again.",
       where_, row, row + 1, n);
}

bool CompressedRows::fits_memory(RowPointer n, const Context& context) {
  return n <= std::max(context.max_memory / kBytesOfEntry, most_block_values(context));
}

void CompressedRows::require_room(std::int64_t begin, std::int64_t end,
                                  const Context& context) const {
  const RowPointer n = n_stored(begin, end);
  require_memory(where_, n, kBytesOfEntry);
  // Several rows are asked for where all are to be in memory: the machine's is the limit then, but
  // not for what a damaged file makes up.
  if (!fits_memory(n, context) && (end - begin == 1 || !are_plausible(n))) {
    const std::int64_t bytes = n * kBytesOfEntry;
    fail(ErrorKind::BadFormat,
         "{}: entries {} to {} of indptr claim {} values at once, which take {}, more than "
         "--memory ({}); those of a cell must fit it. If the file is not damaged, give it more "
         "with --memory {}.",
         where_, begin, end, n, memory_text(bytes), memory_text(context.max_memory),
         memory_text(bytes));
  }
}

/// Throws Error(BadFormat) where a column of `rows`, whose entries are stored from the first-th on,
/// is none of the matrix; returns whether the columns of each row ascend.
bool CompressedRows::check_columns(RowPointer first, const CsrView& rows,
                                   const Context& context) const {
  std::atomic<bool> do_all_ascend = true;
  parallel_for(context, rows.n_rows, kChunkRows, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t row = from; row < to; ++row) {
      const auto of_row = rows.row_columns(row);
      if (of_row.empty()) continue;
      const bool do_these = do_ascend(of_row);
      if (!do_these) do_all_ascend = false;
      if (do_these && of_row.front() >= 0 && of_row.back() < n_columns_) continue;
      const auto outside = std::find_if(of_row.begin(), of_row.end(),
                                        [&](auto c) { return c < 0 || c >= n_columns_; });
      if (outside == of_row.end()) continue;
      fail(ErrorKind::BadFormat, "{}/indices: entry {} is {}; expected 0 to {}", where_,
           first + rows.row_start[as_size(row)] + (outside - of_row.begin()), *outside,
           n_columns_ - 1);
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
  require_room(begin, end, context);
  rows.row_start = row_starts_.read(begin, end);
  const RowPointer first = rows.row_start.front();
  for (RowPointer& start : rows.row_start) start -= first;
  if (!read_entries(first, rows, context)) sort_and_merge(rows, context);
}

void CompressedRows::read_part(std::int64_t row, RowPointer first, RowPointer n, CsrMatrix& part,
                               const Context& context) const {
  SAITHE_ASSERT(0 <= first && 0 <= n && first + n <= n_stored(row, row + 1));
  part.row_start = {0, n};
  if (!read_entries(row_starts_.at(row) + first, part, context)) sort_rows(part, context);
}

/// Reads the entries of rows that begin as rows.row_start says, the first of them at the first-th
/// entry of all. Returns whether they are a valid matrix; if not, sorting makes one of them.
bool CompressedRows::read_entries(RowPointer first, CsrMatrix& rows, const Context& context) const {
  rows.n_rows = std::ssize(rows.row_start) - 1;
  rows.n_cols = n_columns_;
  const auto n = as_size(rows.row_start.back());
  // Memory is this thread's: what others free they keep. Zeros cost much of reading, so that each
  // array's are a thread's.
  reserve_anew(rows.columns, n);
  reserve_anew(rows.values, n);
  parallel_for(context, 2, 1, [&](std::int64_t i, std::int64_t) {
    i == 0 ? make_room_for(rows.columns, n) : make_room_for(rows.values, n);
  });
  entries_->read(first, rows.columns, rows.values, context);
  if (check_columns(first, rows.view(), context)) return true;
  // A row has the first column twice: zeros that are not stored did not go without saying.
  if (const std::string unstored = entries_->unstored_columns();
      !unstored.empty() && has_twice(rows.view(), 0)) {
    fail(ErrorKind::BadFormat, "{}: is not there; the store was not copied whole. Copy it again.",
         unstored);
  }
  return false;
}

}  // namespace saithe::io
