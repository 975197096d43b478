#pragma once

// A matrix that a file stores by genes (csc), read by cells in bounded memory. Private to io/.

#include "saithe/io/compressed_rows.h"

namespace saithe::io {

/// Cells x genes from the compressed columns of the genes.
///
/// The entries of one cell lie all over the file. A pass over the whole of it gathers as many cells
/// in a row as fit the memory given; they are kept for the blocks that follow. Reading all cells in
/// order takes ceil(8 * stored values / bytes) passes, one for most files, and one more of the
/// columns alone at the start.
class TurnedColumns {
 public:
  /// `by_gene`: rows are genes, columns cells. `bytes`: memory for gathered entries, 8 bytes each.
  TurnedColumns(CompressedRows by_gene, CellIndex n_cells, std::int64_t bytes,
                const Context& context);
  /// Cells [begin, end). Throws Error(BadFormat) as CompressedRows::read().
  [[nodiscard]] CsrMatrix read(CellIndex begin, CellIndex end, const Context& context);
  /// The end of the cells from `begin` on that one pass gathers.
  [[nodiscard]] CellIndex gathered_end(CellIndex begin) const;
  /// Gives back the memory of the cells that are kept.
  void let_go();
  /// Stored entries of cells, before those of one gene are added up.
  [[nodiscard]] RowPointer n_stored(CellIndex begin, CellIndex end) const {
    return row_start_[as_size(end)] - row_start_[as_size(begin)];
  }
  /// What the command's --memory leaves for gathered entries: with the pieces of the file and the
  /// blocks of cells that are read meanwhile it stays below the rest.
  static std::int64_t bytes_of(const Context& context) { return context.max_memory / 4; }

 private:
  void gather(CellIndex begin, CellIndex end, const Context& context);

  CompressedRows by_gene_;
  std::int64_t bytes_;
  std::vector<RowPointer> row_start_;  // of the cells, before entries of one gene are added up
  CsrMatrix held_;                     // the cells [held_begin_, held_end_)
  CellIndex held_begin_ = 0;
  CellIndex held_end_ = 0;
};

}  // namespace saithe::io
