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
/// are made of the parts that hold them. While the file passes, some bytes a cell are in memory.
class TurnedColumns {
 public:
  /// `by_gene`: rows are genes, columns cells. `bytes`: memory for entries. Throws Error(BadFormat)
  /// as CompressedRows::read(), Error(InvalidArgument) where context.max_memory is too little for
  /// so many cells, Error(Output) if the temporary file cannot be written.
  TurnedColumns(CompressedRows by_gene, CellIndex n_cells, std::int64_t bytes,
                const Context& context);
  /// Cells [begin, end). Throws as the constructor.
  [[nodiscard]] CsrMatrix read(CellIndex begin, CellIndex end, const Context& context);
  /// Gives back the memory of what is kept; what lay in memory alone is read again when it is
  /// wanted.
  void let_go();
  /// At most how many entries cells have, those of one gene added up.
  [[nodiscard]] RowPointer most_stored(CellIndex begin, CellIndex end) const {
    return row_starts_.at(end) - row_starts_.at(begin);
  }
  /// What the command's --memory leaves for entries: with the pieces of the file and the blocks of
  /// cells that are read meanwhile it stays below the rest.
  static std::int64_t bytes_of(const Context& context) {
    return std::min(context.max_memory, usable_memory()) / 4;
  }

 private:
  [[nodiscard]] CellIndex part_begin(std::int64_t part) const {
    return std::min(n_cells_, part * DealtEntries::kMostCells);
  }
  /// Of each cell while the file passes.
  using Numbers = std::vector<std::uint32_t>;
  void deal(const Context& context);
  void deal_part_by_part(GeneIndex gene, CsrMatrix& part, RowPointer& n_repeated,
                         Numbers& n_of_cell, const Context& context);
  void add(const CsrView& genes, GeneIndex first_gene, Numbers& n_of_cell, const Context& context);
  void add_to_parts(const CsrView& genes, GeneIndex first_gene, std::int64_t first_part,
                    std::int64_t end_part, Numbers& n_of_cell);
  void drop_held();
  [[nodiscard]] CsrMatrix turn(CellIndex begin, CellIndex end, const Context& context) const;
  [[nodiscard]] CellIndex held_end_after(CellIndex begin, CellIndex end) const;

  CompressedRows by_gene_;
  std::int64_t bytes_;
  CellIndex n_cells_;
  RowStarts row_starts_;                 // of the cells, before entries of one gene are added up
  bool may_repeat_ = false;              // whether a cell may have several entries of a gene
  std::unique_ptr<DealtEntries> parts_;  // none before they are dealt
  CsrMatrix held_;  // the cells [held_begin_, held_end_), for small blocks in their order
  CellIndex held_begin_ = 0;
  CellIndex held_end_ = 0;
  CellIndex last_end_ = -1;  // of the block read last
};

}  // namespace saithe::io
