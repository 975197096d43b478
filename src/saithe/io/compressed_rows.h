#pragma once

// A compressed sparse matrix in a file or store, read by rows of the stored order. Private to io/.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/io/hdf5_file.h"
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
  /// Whether n entries can lie in what is stored, without fill values that take no room there.
  [[nodiscard]] virtual bool are_plausible(std::int64_t n) const = 0;
};

/// The three arrays of a compressed sparse matrix, read by rows (of the stored order).
class CompressedRows {
 public:
  /// `group` holds data, indices and indptr. Throws Error(BadFormat) unless indptr is a rising
  /// sequence of n_rows + 1 positions in the other two; warns of entries behind the last.
  CompressedRows(const Hdf5Group& group, std::int64_t n_rows, std::int64_t n_columns,
                 const Context& context);
  /// The same of arrays that lie elsewhere; `row_start` is indptr.
  CompressedRows(std::string where, std::vector<RowPointer> row_start, std::int64_t n_columns,
                 std::unique_ptr<EntryArrays> entries, const Context& context);
  /// Rows [begin, end), columns sorted, entries of one column added up; validated. Throws
  /// Error(BadFormat) where a single row passes context.max_memory, and where several do with
  /// values that were never written.
  [[nodiscard]] CsrMatrix read(std::int64_t begin, std::int64_t end, const Context& context) const;
  /// The same into the memory of a matrix that is not needed any more.
  void read(std::int64_t begin, std::int64_t end, CsrMatrix& rows, const Context& context) const;
  [[nodiscard]] std::int64_t n_rows() const {
    return static_cast<std::int64_t>(row_start_.size()) - 1;
  }
  /// Stored entries of rows [begin, end), before those of one column are added up.
  [[nodiscard]] RowPointer n_stored(std::int64_t begin, std::int64_t end) const {
    return row_start_[as_size(end)] - row_start_[as_size(begin)];
  }
  /// "FILE: /path/in/file"
  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  void check_rows(const Context& context) const;
  bool check_columns(std::int64_t begin, std::int64_t end, std::span<const GeneIndex> columns,
                     const Context& context) const;
  void require_room(std::int64_t begin, std::int64_t end, const Context& context) const;

  std::string where_;
  GeneIndex n_columns_;
  std::vector<RowPointer> row_start_;
  std::unique_ptr<EntryArrays> entries_;
};

}  // namespace saithe::io
