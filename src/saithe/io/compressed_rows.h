#pragma once

// A compressed sparse matrix in a file or store, read by rows of the stored order. Private to io/.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/io/hdf5_file.h"
#include "saithe/io/row_starts.h"
#include "saithe/matrix/csr_matrix.h"

namespace saithe::io {

/// The two long arrays of a compressed matrix, wherever they are stored: a column and a value for
/// each entry.
class EntryArrays {
 public:
  virtual ~EntryArrays() = default;
  [[nodiscard]] virtual std::int64_t n_columns_stored() const = 0;
  [[nodiscard]] virtual std::int64_t n_values_stored() const = 0;
  virtual void read(std::int64_t first, std::span<std::int32_t> columns, std::span<float> values,
                    const Context& context) const = 0;
  /// What of the columns that were read is not stored, so that they were taken as 0, as messages
  /// call it; empty: nothing.
  [[nodiscard]] virtual std::string unstored_columns() const { return {}; }
  /// Whether n entries, at most `n_of_a_row` of them in a row, can lie in what is stored, without
  /// fill values that take no room there.
  [[nodiscard]] virtual bool are_plausible(std::int64_t n, std::int64_t n_of_a_row) const = 0;
};

/// The three arrays of a compressed sparse matrix, read by rows (of the stored order).
class CompressedRows {
 public:
  /// `group` holds data, indices and indptr. Throws Error(BadFormat) unless indptr is a rising
  /// sequence of n_rows + 1 positions in the other two; warns of entries behind the last.
  CompressedRows(const Hdf5Group& group, std::int64_t n_rows, std::int64_t n_columns,
                 const Context& context);
  /// The same of arrays that lie elsewhere; `row_starts` is indptr.
  CompressedRows(std::string where, RowStarts row_starts, std::int64_t n_columns,
                 std::unique_ptr<EntryArrays> entries, const Context& context);
  /// Rows [begin, end), columns sorted, entries of one column added up; validated. Throws
  /// Error(BadFormat) where a single row passes context.max_memory, and where several do with
  /// values that were never written.
  [[nodiscard]] CsrMatrix read(std::int64_t begin, std::int64_t end, const Context& context) const;
  /// The same into the memory of a matrix that is not needed any more.
  void read(std::int64_t begin, std::int64_t end, CsrMatrix& rows, const Context& context) const;
  /// Some of the entries of one row, from the first-th on, as a row of their own: columns sorted,
  /// entries of one column next to each other in their order. Throws as read().
  void read_part(std::int64_t row, RowPointer first, RowPointer n, CsrMatrix& part,
                 const Context& context) const;
  /// Throws Error(BadFormat) where a row passes context.max_memory with values that were never
  /// written.
  void require_plausible(std::int64_t row, const Context& context) const;
  [[nodiscard]] std::int64_t n_rows() const { return row_starts_.n_rows(); }
  /// Stored entries of rows [begin, end), before those of one column are added up.
  [[nodiscard]] RowPointer n_stored(std::int64_t begin, std::int64_t end) const {
    return row_starts_.at(end) - row_starts_.at(begin);
  }
  /// "FILE: /path/in/file"
  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  void check_ends(const Context& context) const;
  bool read_entries(RowPointer first, CsrMatrix& rows, const Context& context) const;
  bool check_columns(RowPointer first, const CsrView& rows, const Context& context) const;
  void require_room(std::int64_t begin, std::int64_t end, const Context& context) const;
  [[nodiscard]] static bool fits_memory(RowPointer n, const Context& context);
  [[nodiscard]] bool are_plausible(RowPointer n) const {
    return entries_->are_plausible(n, row_starts_.most_of_a_row());
  }

  std::string where_;
  GeneIndex n_columns_;
  RowStarts row_starts_;
  std::unique_ptr<EntryArrays> entries_;
};

}  // namespace saithe::io
