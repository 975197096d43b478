#include "saithe/io/compressed_rows.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "saithe/core/parallel.h"
#include "saithe/core/text_io.h"
#include "saithe/core/usable_memory.h"
#include "saithe/io/chunked_array.h"
#include "saithe/matrix/row_source.h"

namespace saithe::io {
namespace {

constexpr std::int64_t kBytesOfEntry = 8;  // column and value
constexpr std::int64_t kChunkEntries = std::int64_t{1} << 16;
constexpr double kMegabyte = 1e6;

class Hdf5Entries final : public EntryArrays {
 public:
  explicit Hdf5Entries(const Hdf5Group& group)
      : columns_(group.dataset("indices")), values_(group.dataset("data")) {}
  std::int64_t n_columns_stored() const override { return columns_.size(); }
  std::int64_t n_values_stored() const override { return values_.size(); }
  void read(std::int64_t first, std::span<std::int32_t> columns,
            const Context& context) const override {
    columns_.read(first, columns, context);
  }
  void read(std::int64_t first, std::span<float> values, const Context& context) const override {
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
  require_rising();
}

CompressedRows::CompressedRows(std::string where, std::vector<RowPointer> row_start,
                               std::int64_t n_columns, std::unique_ptr<EntryArrays> entries)
    : where_(std::move(where)),
      n_columns_(checked_cast<GeneIndex>(n_columns, where_.c_str())),
      row_start_(std::move(row_start)),
      entries_(std::move(entries)) {
  SAITHE_ASSERT(!row_start_.empty());
  require_rising();
}

void CompressedRows::require_rising() const {
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
  if (row_start_.back() != n_values) {
    fail(ErrorKind::BadFormat,
         "{}: indptr ends at {}, but data has {} entries; the file is damaged or cut off. Copy it "
         "again.",
         where_, row_start_.back(), n_values);
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
         "{}: entries {} to {} of indptr claim {} values at once, which take {:.0f} MB, more than "
         "--memory ({:.0f} MB). If the file is not damaged, give it more with --memory {:.0f}M.",
         where_, begin, end, n, static_cast<double>(bytes) / kMegabyte,
         static_cast<double>(context.max_memory) / kMegabyte,
         std::ceil(static_cast<double>(bytes) / static_cast<double>(1 << 20)));
  }
}

std::vector<GeneIndex> CompressedRows::read_columns(std::int64_t begin, std::int64_t end,
                                                    const Context& context) const {
  SAITHE_ASSERT(0 <= begin && begin <= end && end <= n_rows());
  const RowPointer first = row_start_[as_size(begin)];
  const RowPointer n = n_stored(begin, end);
  require_room(begin, end, context);
  std::vector<GeneIndex> columns(as_size(n));
  entries_->read(first, std::span<std::int32_t>(columns), context);
  parallel_for(context, n, kChunkEntries, [&](std::int64_t from, std::int64_t to) {
    const auto outside = std::find_if(columns.begin() + from, columns.begin() + to,
                                      [&](auto c) { return c < 0 || c >= n_columns_; });
    if (outside == columns.begin() + to) return;
    fail(ErrorKind::BadFormat, "{}/indices: entry {} is {}; expected 0 to {}", where_,
         first + (outside - columns.begin()), *outside, n_columns_ - 1);
  });
  return columns;
}

CsrMatrix CompressedRows::read(std::int64_t begin, std::int64_t end, const Context& context) const {
  SAITHE_ASSERT(0 <= begin && begin <= end && end <= n_rows());
  const RowPointer first = row_start_[as_size(begin)];
  CsrMatrix rows;
  rows.columns = read_columns(begin, end, context);
  rows.n_rows = end - begin;
  rows.n_cols = n_columns_;
  rows.row_start.assign(row_start_.begin() + begin, row_start_.begin() + end + 1);
  for (RowPointer& start : rows.row_start) start -= first;
  rows.values.resize(rows.columns.size());
  entries_->read(first, std::span<float>(rows.values), context);
  // With the row starts and the columns checked, this makes a valid matrix.
  sort_and_merge(rows, context);
  return rows;
}

}  // namespace saithe::io
