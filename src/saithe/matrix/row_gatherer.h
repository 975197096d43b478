#pragma once

// Entries in any order -> packed rows, in bounded memory: an external merge sort.

#include <cstdint>
#include <memory>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/matrix/packed_rows.h"

namespace saithe {

/// Takes the entries of a matrix one by one and makes its rows of them.
///
/// Entries are gathered in a buffer, which is sorted into a run of packed rows when it is full. A
/// run goes on while the rows do: entries that come row by row make one run, which is the result;
/// otherwise the runs are merged. Entries of the same row and column are added up in the order in
/// which they came, so that the result does not depend on the memory given.
class RowGatherer {
 public:
  /// Takes at most about `max_memory` bytes while it works; the rows that it makes keep a quarter
  /// of that in memory, and the rest in a temporary file.
  RowGatherer(GeneIndex n_cols, std::int64_t max_memory);

  /// Throws Error(Output) if a temporary file cannot be written.
  void add(CellIndex row, GeneIndex column, float value, const Context& context);
  /// All rows, n_rows of them; more than any row added. Nothing can be added afterwards.
  [[nodiscard]] std::shared_ptr<PackedRows> finish(CellIndex n_rows, const Context& context);

 private:
  struct Entry {
    CellIndex row = 0;
    GeneIndex column = 0;
    float value = 0;
  };
  /// Rows from `begin` on, sorted by columns; those that stand twice are not added up.
  struct Run {
    CellIndex begin = 0;
    std::unique_ptr<PackedRows> rows;
    [[nodiscard]] CellIndex end() const { return begin + rows->n_rows(); }
  };

  void flush(bool is_last, const Context& context);
  void add_rows(CellIndex begin, CellIndex end, const Context& context);
  void add_to_runs(const CsrMatrix& rows, CellIndex begin, const Context& context);
  [[nodiscard]] std::unique_ptr<PackedRows> merge(bool add_up, const Context& context) const;
  [[nodiscard]] std::int64_t free_bytes() const;

  GeneIndex n_cols_;
  std::int64_t rows_bytes_;  // that packed rows may take in memory
  std::size_t buffer_entries_;
  std::vector<Entry> buffer_;
  CellIndex last_row_ = 0;
  bool is_ascending_ = true;  // rows so far: a small buffer makes one run of them
  std::vector<Run> runs_;
  bool has_repeats_ = false;
};

/// Rows become columns, in bounded memory as RowGatherer's.
std::shared_ptr<PackedRows> transpose(const PackedRows& rows, std::int64_t max_memory,
                                      const Context& context);

}  // namespace saithe
