#include "saithe/matrix/two_way_rows.h"

#include <span>
#include <utility>

#include "saithe/core/parallel.h"

namespace saithe {
namespace {

// A block's derivatives or scores stay in a processor's cache; of a file it is read in a
// millisecond or two.
constexpr CellIndex kBlockRows = 4096;
constexpr std::int64_t kBlockValues = std::int64_t{1} << 20;
// Values that one thread reads at once.
constexpr std::int64_t kReadValues = std::int64_t{1} << 18;

template <typename T>
std::int64_t bytes_of(const std::vector<T>& values) {
  return std::ssize(values) * static_cast<std::int64_t>(sizeof(T));
}

std::int64_t n_bytes(const CsrMatrix& matrix) {
  return bytes_of(matrix.row_start) + bytes_of(matrix.columns) + bytes_of(matrix.values);
}

template <typename T>
void append(const std::vector<T>& values, TemporaryFile& file) {
  file.append_values(std::span<const T>(values));
}

void append(const CsrMatrix& matrix, TemporaryFile& file) {
  append(matrix.row_start, file);
  append(matrix.columns, file);
  append(matrix.values, file);
}

/// Reads the next array of a file; `position` moves behind it.
template <typename T>
void read_array(const TemporaryFile& file, std::size_t n, std::int64_t& position,
                std::vector<T>& values, const Context& context) {
  values.resize(n);
  parallel_for(context, std::ssize(values), kReadValues, [&](std::int64_t begin, std::int64_t end) {
    file.read_values(position + begin * static_cast<std::int64_t>(sizeof(T)),
                     std::span(values).subspan(as_size(begin), as_size(end - begin)));
  });
  position += bytes_of(values);
}

void read_matrix(const TemporaryFile& file, CellIndex n_rows, GeneIndex n_cols, RowPointer n_stored,
                 std::int64_t& position, CsrMatrix& matrix, const Context& context) {
  matrix.n_rows = n_rows;
  matrix.n_cols = n_cols;
  read_array(file, as_size(n_rows) + 1, position, matrix.row_start, context);
  read_array(file, as_size(n_stored), position, matrix.columns, context);
  read_array(file, as_size(n_stored), position, matrix.values, context);
}

}  // namespace

TwoWayRows::TwoWayRows(const RowSelection& rows, std::int64_t max_memory, const Context& context)
    : context_(context), n_rows_(rows.n_rows()), n_cols_(rows.n_cols()) {
  for (CellIndex begin = 0, end = 0; begin < n_rows_; begin = end) {
    context.throw_if_cancelled();
    end = rows.block_end(begin, kBlockRows, kBlockValues);
    TwoWayBlock block{begin, end, rows.read(begin, end, context), {}};
    block.by_column = transpose(block.by_row.view());
    add(std::move(block), max_memory);
  }
}

void TwoWayRows::add(TwoWayBlock block, std::int64_t max_memory) {
  Stored stored;
  stored.n_stored = block.by_row.n_stored();
  const std::int64_t n_new = n_bytes(block.by_row) + n_bytes(block.by_column);
  if (bytes_in_memory_ + n_new <= max_memory) {
    bytes_in_memory_ += n_new;
    stored.block = std::move(block);
  } else {
    if (!file_) file_ = std::make_unique<TemporaryFile>();
    stored.file_position = file_->size();
    append(block.by_row, *file_);
    append(block.by_column, *file_);
    stored.block.begin = block.begin;
    stored.block.end = block.end;
  }
  blocks_.push_back(std::move(stored));
}

const TwoWayBlock& TwoWayRows::block(std::size_t i) {
  const Stored& stored = blocks_[i];
  if (stored.file_position < 0) return stored.block;
  if (read_.begin == stored.block.begin && read_.end == stored.block.end) return read_;
  read_.begin = read_.end = 0;  // none, if reading fails
  const CellIndex n_rows = stored.block.end - stored.block.begin;
  std::int64_t position = stored.file_position;
  read_matrix(*file_, n_rows, n_cols_, stored.n_stored, position, read_.by_row, context_);
  read_matrix(*file_, n_cols_, checked_cast<GeneIndex>(n_rows, "transposed matrix"),
              stored.n_stored, position, read_.by_column, context_);
  read_.begin = stored.block.begin;
  read_.end = stored.block.end;
  return read_;
}

}  // namespace saithe
