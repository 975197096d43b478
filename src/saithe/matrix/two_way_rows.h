#pragma once

// Sparse rows that a computation passes over again and again, by rows and by columns: blocks of
// them, in memory up to a limit, beyond it in a temporary file.

#include <cstdint>
#include <memory>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/core/temporary_file.h"
#include "saithe/matrix/csr_matrix.h"
#include "saithe/matrix/row_source.h"

namespace saithe {

/// Some neighbouring rows, both ways.
struct TwoWayBlock {
  CellIndex begin = 0;
  CellIndex end = 0;
  CsrMatrix by_row;     ///< (end - begin, columns)
  CsrMatrix by_column;  ///< its transpose: columns are rows of the block, ascending
};

/// 16 bytes a stored value. What is computed of it has the same bits wherever blocks end and lie,
/// if every sum takes the rows in their order.
class TwoWayRows {
 public:
  /// Reads the rows once. At most about `max_memory` bytes of blocks stay in memory, and one block
  /// of the others, of 2^20 values or one row. Throws Error(Output) if the temporary file cannot be
  /// written, Error(Cancelled).
  TwoWayRows(const RowSelection& rows, std::int64_t max_memory, const Context& context);

  [[nodiscard]] CellIndex n_rows() const { return n_rows_; }
  [[nodiscard]] GeneIndex n_cols() const { return n_cols_; }
  [[nodiscard]] std::size_t n_blocks() const { return blocks_.size(); }
  /// Block i, in the order of rows; it is there until the next is asked for. Throws Error(Output).
  [[nodiscard]] const TwoWayBlock& block(std::size_t i);
  /// Bytes of the blocks in memory, and in the file.
  [[nodiscard]] std::int64_t bytes_in_memory() const { return bytes_in_memory_; }
  [[nodiscard]] std::int64_t bytes_in_file() const { return file_ ? file_->size() : 0; }

 private:
  struct Stored {
    TwoWayBlock block;  // without values if it is in the file
    RowPointer n_stored = 0;
    std::int64_t file_position = -1;  // below 0: in memory
  };
  void add(TwoWayBlock block, std::int64_t max_memory);

  Context context_;
  CellIndex n_rows_;
  GeneIndex n_cols_;
  std::int64_t bytes_in_memory_ = 0;
  std::vector<Stored> blocks_;
  std::unique_ptr<TemporaryFile> file_;
  TwoWayBlock read_;  // the last that was read from the file
};

}  // namespace saithe
