#pragma once

// A matrix that a file stores by genes (csc), read by cells in bounded memory. Private to io/.

#include <memory>

#include "saithe/core/temporary_file.h"
#include "saithe/io/compressed_rows.h"

namespace saithe::io {

/// Cells x genes from the compressed columns of the genes.
///
/// The entries of one cell lie all over the file. Where 8 bytes for each entry fit the memory
/// given, one pass turns all of them round. Otherwise cells are cut into parts that fit: the first
/// is gathered by a pass of its own (a sample looks no further), and the first look beyond it deals
/// the entries of all into a temporary file, part by part, from which each part is turned round. So
/// the file is passed at most three times: columns to count, the first part, all.
class TurnedColumns {
 public:
  /// `by_gene`: rows are genes, columns cells. `bytes`: memory for a part's entries, 8 bytes each.
  TurnedColumns(CompressedRows by_gene, CellIndex n_cells, std::int64_t bytes,
                const Context& context);
  /// Cells [begin, end). Throws Error(BadFormat) as CompressedRows::read(), Error(Output) if the
  /// temporary file cannot be written.
  [[nodiscard]] CsrMatrix read(CellIndex begin, CellIndex end, const Context& context);
  /// Cells that a look at few needs no temporary file for.
  [[nodiscard]] CellIndex first_part_end() const { return parts_.front().end; }
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
  /// A stretch of the temporary file.
  struct Stretch {
    std::int64_t position = 0;
    std::size_t n_bytes = 0;
  };
  /// Cells whose entries fit into memory; one cell at least.
  struct Part {
    CellIndex begin = 0;
    CellIndex end = 0;
    std::vector<unsigned char> buffer;  // not yet in the file
    std::vector<Stretch> stretches;
  };
  class Gathering;

  void cut_into_parts();
  void hold(const Part& part, const Context& context);
  void deal(const Context& context);
  void flush(Part& part);

  CompressedRows by_gene_;
  std::int64_t bytes_;
  std::vector<RowPointer> row_start_;  // of the cells, before entries of one gene are added up
  std::vector<Part> parts_;
  std::unique_ptr<TemporaryFile> dealt_;
  CsrMatrix held_;  // the cells [held_begin_, held_end_)
  CellIndex held_begin_ = 0;
  CellIndex held_end_ = 0;
};

}  // namespace saithe::io
