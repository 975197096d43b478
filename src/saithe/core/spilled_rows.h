#pragma once

// What is kept of each cell, however many cells there are: rows of some bytes, in memory up to a
// limit and beyond it in a temporary file.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "saithe/core/error.h"
#include "saithe/core/temporary_file.h"
#include "saithe/core/types.h"

namespace saithe {

/// Rows of `row_values` values each, appended and read back in blocks.
template <typename Value>
class SpilledRows {
 public:
  /// At most `max_bytes` are in memory. Beyond them appending and reading throw Error(Output), as
  /// TemporaryFile does.
  SpilledRows(std::int64_t row_values, std::int64_t max_bytes)
      : row_values_(row_values), max_bytes_(max_bytes) {}

  [[nodiscard]] std::int64_t n_rows() const { return n_rows_; }
  [[nodiscard]] std::int64_t row_values() const { return row_values_; }

  /// Rows one after another.
  void append(std::span<const Value> rows) {
    if (rows.empty()) return;
    SAITHE_ASSERT(rows.size() % as_size(row_values_) == 0);
    n_rows_ += static_cast<std::int64_t>(rows.size()) / row_values_;
    const std::size_t n_values = kept_.size() + rows.size();
    if (static_cast<std::int64_t>(n_values * sizeof(Value)) > max_bytes_) {
      if (!file_) file_ = std::make_unique<TemporaryFile>();
      file_->append_values(std::span<const Value>(kept_));
      file_->append_values(rows);
      kept_.clear();
    } else {
      kept_.insert(kept_.end(), rows.begin(), rows.end());
    }
  }

  /// The rows [begin, end).
  [[nodiscard]] std::vector<Value> read(std::int64_t begin, std::int64_t end) const {
    SAITHE_ASSERT(0 <= begin && begin <= end && end <= n_rows_);
    std::vector<Value> rows(as_size((end - begin) * row_values_));
    read(begin, std::span(rows));
    return rows;
  }
  /// As many rows as `rows` has room for, from `begin` on.
  void read(std::int64_t begin, std::span<Value> rows) const {
    const std::int64_t first = begin * row_values_;
    const std::int64_t last = first + std::ssize(rows);
    SAITHE_ASSERT(0 <= begin && last <= n_rows_ * row_values_);
    const std::int64_t n_spilled = spilled_values();
    if (first < n_spilled) {
      const auto n = as_size(std::min(last, n_spilled) - first);
      file_->read_values(first * kValueBytes, rows.first(n));
    }
    if (last > n_spilled) {
      const std::int64_t from = std::max(first, n_spilled);
      std::copy(kept_.begin() + (from - n_spilled), kept_.begin() + (last - n_spilled),
                rows.begin() + (from - first));
    }
  }
  /// A row of one value.
  [[nodiscard]] Value value(std::int64_t row) const {
    SAITHE_ASSERT(row_values_ == 1 && 0 <= row && row < n_rows_);
    const std::int64_t n_spilled = spilled_values();
    if (row >= n_spilled) return kept_[as_size(row - n_spilled)];
    Value value;
    read(row, {&value, 1});
    return value;
  }
  [[nodiscard]] std::int64_t bytes_in_memory() const { return std::ssize(kept_) * kValueBytes; }

 private:
  [[nodiscard]] std::int64_t spilled_values() const {
    return file_ ? file_->size() / kValueBytes : 0;
  }

  static constexpr std::int64_t kValueBytes = sizeof(Value);

  std::int64_t row_values_;
  std::int64_t max_bytes_;
  std::int64_t n_rows_ = 0;
  std::unique_ptr<TemporaryFile> file_;  // the first rows
  std::vector<Value> kept_;              // those after them
};

/// How much of what is kept of each cell lies in memory, for a run that may take `max_memory`.
constexpr std::int64_t most_kept_bytes(std::int64_t max_memory) {
  return max_memory / 32;
}

}  // namespace saithe
