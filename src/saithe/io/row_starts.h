#pragma once

// Where the rows of a compressed sparse matrix begin (its indptr), however many rows there are.
// Private to io/.

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/core/spilled_rows.h"
#include "saithe/core/types.h"

namespace saithe::io {

/// Positions that rise from 0 on: one for each row, and the end of the last. Beyond a limit they
/// lie in a temporary file. Several threads may ask at once.
class RowStarts {
 public:
  /// None yet. `where` begins messages; at most `max_bytes` stay in memory.
  RowStarts(std::string where, std::int64_t max_bytes)
      : where_(std::move(where)), positions_(1, max_bytes) {}
  /// Those that read(first, positions) reads block by block, of `n_rows` rows. Throws as append().
  template <typename Read>
  RowStarts(std::string where, std::int64_t n_rows, const Context& context, const Read& read);

  /// More of them. Throws Error(BadFormat) unless the first of all is 0 and none falls,
  /// Error(Output) if the temporary file cannot be written.
  void append(std::span<const RowPointer> positions);

  [[nodiscard]] std::int64_t n_rows() const { return positions_.n_rows() - 1; }
  /// Entries of all rows, and of the one that has most.
  [[nodiscard]] RowPointer n_entries() const { return last_; }
  [[nodiscard]] RowPointer most_of_a_row() const { return most_of_a_row_; }
  /// Where a row begins; of n_rows() where the last one ends.
  [[nodiscard]] RowPointer at(std::int64_t row) const { return positions_.value(row); }
  /// Where the rows [begin, end) begin, and where the last of them ends.
  [[nodiscard]] std::vector<RowPointer> read(std::int64_t begin, std::int64_t end) const {
    return positions_.read(begin, end + 1);
  }

 private:
  std::string where_;
  SpilledRows<RowPointer> positions_;
  RowPointer last_ = 0;
  RowPointer most_of_a_row_ = 0;
};

template <typename Read>
RowStarts::RowStarts(std::string where, std::int64_t n_rows, const Context& context,
                     const Read& read)
    : RowStarts(std::move(where), most_kept_bytes(context.max_memory)) {
  constexpr std::int64_t kAtOnce = std::int64_t{1} << 20;
  std::vector<RowPointer> block;
  for (std::int64_t first = 0; first <= n_rows; first += kAtOnce) {
    context.throw_if_cancelled();
    block.resize(as_size(std::min(kAtOnce, n_rows + 1 - first)));
    read(first, std::span<RowPointer>(block));
    append(block);
  }
}

}  // namespace saithe::io
