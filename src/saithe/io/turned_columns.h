#pragma once

// A matrix that a file stores by genes (csc), read by cells in bounded memory. Private to io/.

#include <algorithm>
#include <cstdint>
#include <memory>

#include "saithe/core/usable_memory.h"
#include "saithe/io/compressed_rows.h"
#include "saithe/io/dealt_entries.h"

namespace saithe::io {

/// Cells x genes from the compressed columns of the genes.
///
/// The entries of one cell lie all over the file. One pass over it deals them to parts of the
/// cells, in memory where they fit what is given, otherwise in a temporary file. Blocks of cells
/// are made of the parts that hold them.
class TurnedColumns {
 public:
  /// `by_gene`: rows are genes, columns cells. `bytes`: memory for entries. Throws Error(BadFormat)
  /// as CompressedRows::read(), Error(Output) if the temporary file cannot be written.
  TurnedColumns(CompressedRows by_gene, CellIndex n_cells, std::int64_t bytes,
                const Context& context);
  /// Cells [begin, end). Throws as the constructor.
  [[nodiscard]] CsrMatrix read(CellIndex begin, CellIndex end, const Context& context);
  /// Gives back the memory of what is kept; what lay in memory alone is read again when it is
  /// wanted.
  void let_go();
  /// Stored entries of cells, those of one gene added up.
  [[nodiscard]] RowPointer n_stored(CellIndex begin, CellIndex end) const {
    return row_start_[as_size(end)] - row_start_[as_size(begin)];
  }
  /// What the command's --memory leaves for entries: with the pieces of the file and the blocks of
  /// cells that are read meanwhile it stays below the rest.
  static std::int64_t bytes_of(const Context& context) {
    return std::min(context.max_memory, usable_memory()) / 4;
  }

 private:
  [[nodiscard]] CellIndex n_cells() const { return std::ssize(row_start_) - 1; }
  [[nodiscard]] CellIndex part_begin(std::int64_t part) const {
    return std::min(n_cells(), part * DealtEntries::kMostCells);
  }
  void deal(const Context& context);
  void add(const CsrView& genes, GeneIndex first_gene, std::int64_t first_part,
           std::int64_t end_part);
  void drop_held();
  [[nodiscard]] CsrMatrix turn(CellIndex begin, CellIndex end, const Context& context) const;
  [[nodiscard]] CellIndex held_end_after(CellIndex begin, CellIndex end) const;

  CompressedRows by_gene_;
  std::int64_t bytes_;
  std::vector<RowPointer> row_start_;
  std::unique_ptr<DealtEntries> parts_;  // none before they are dealt
  CsrMatrix held_;  // the cells [held_begin_, held_end_), for small blocks in their order
  CellIndex held_begin_ = 0;
  CellIndex held_end_ = 0;
  CellIndex last_end_ = -1;  // of the block read last
};

}  // namespace saithe::io
