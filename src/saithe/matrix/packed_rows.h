#pragma once

// Sparse rows kept small: about two bytes for a stored count, in memory up to a limit, beyond it in
// a temporary file. Nothing is lost: every value comes back with all its bits.

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/core/spilled_rows.h"
#include "saithe/core/temporary_file.h"
#include "saithe/matrix/csr_matrix.h"
#include "saithe/matrix/row_source.h"

namespace saithe {

/// Appended block by block, read in any order.
///
/// A row is its number of entries, then for each entry the distance to the column before it
/// (1 byte below 128, then 7 bits a byte) and its value: 1 byte for whole numbers from 1 to 255,
/// otherwise a 0 and the four bytes of the float.
class PackedRows final : public RowSource {
 public:
  static constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

  /// At most about `max_memory` bytes of rows stay in memory, and a sixteenth of it of what says
  /// where they are.
  explicit PackedRows(GeneIndex n_cols, std::int64_t max_memory = kNoLimit);

  /// Adds rows below. Throws Error(Output) if the temporary file cannot be written.
  void append(const CsrView& rows, const Context& context);

  [[nodiscard]] CellIndex n_rows() const override { return places_.n_rows(); }
  [[nodiscard]] GeneIndex n_cols() const override { return n_cols_; }
  [[nodiscard]] RowPointer n_stored() const { return n_stored_; }
  /// Entries of the rows [begin, end).
  [[nodiscard]] RowPointer n_stored(CellIndex begin, CellIndex end) const;
  /// Bytes of the rows in memory, and in the file.
  [[nodiscard]] std::int64_t bytes_in_memory() const { return bytes_in_memory_; }
  [[nodiscard]] std::int64_t bytes_in_file() const { return file_ ? file_->size() : 0; }
  /// Bytes in memory of what says where they are.
  [[nodiscard]] std::int64_t bytes_of_places() const { return places_.bytes_in_memory(); }

  [[nodiscard]] CsrMatrix read(std::span<const CellIndex> rows,
                               const Context& context) const override;
  [[nodiscard]] std::int64_t most_stored(CellIndex row) const override {
    return places_.value(row).n_entries;
  }

 private:
  /// Rows one after the other; in the file once memory is full.
  struct Segment {
    std::vector<unsigned char> bytes;
    std::int64_t file_position = -1;  // below 0: in memory
  };
  /// Where a row lies.
  struct Place {
    std::uint32_t segment = 0;
    std::uint32_t begin = 0;
    std::uint32_t n_bytes = 0;
    std::uint32_t n_entries = 0;
  };
  void add(const std::vector<unsigned char>& bytes, std::vector<Place> rows);
  [[nodiscard]] std::vector<Place> places_of(std::span<const CellIndex> rows) const;
  void decode(std::span<const Place> rows, std::vector<unsigned char>& buffer, GeneIndex* columns,
              float* values) const;

  GeneIndex n_cols_;
  std::int64_t max_memory_;
  RowPointer n_stored_ = 0;
  std::int64_t bytes_in_memory_ = 0;
  std::vector<Segment> segments_;
  SpilledRows<Place> places_;
  std::unique_ptr<TemporaryFile> file_;
};

}  // namespace saithe
