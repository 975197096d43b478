#pragma once

// A matrix that a file stores by genes (csc), read by cells in bounded memory. Private to io/.

#include <cstdint>
#include <memory>

#include "saithe/core/temporary_file.h"
#include "saithe/io/compressed_rows.h"

namespace saithe::io {

/// Cells x genes from the compressed columns of the genes.
///
/// The entries of one cell lie all over the file. One pass over it deals them to parts, which have
/// a number of cells each: gene after gene, 6 bytes an entry and 8 for a gene that a part has. The
/// parts lie in memory where that fits what is given, otherwise in a temporary file. Blocks of
/// cells are made of the parts that hold them.
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
  static std::int64_t bytes_of(const Context& context) { return context.max_memory / 4; }

 private:
  /// A gene's entries in a part.
  struct GeneOfPart {
    GeneIndex gene = 0;
    std::uint32_t n_entries = 0;
  };
  /// Genes one after the other, and their entries: cells from the part's first on.
  struct Entries {
    std::vector<GeneOfPart> genes;
    std::vector<std::uint16_t> cells;
    std::vector<float> values;
  };
  /// Entries in the temporary file, the three arrays one after the other.
  struct Stretch {
    std::int64_t position = 0;
    std::size_t n_genes = 0;
    std::size_t n_entries = 0;
  };
  struct Part {
    Entries arriving;
    std::vector<Entries> kept;
    std::vector<Stretch> stretches;
  };

  [[nodiscard]] CellIndex n_cells() const { return std::ssize(row_start_) - 1; }
  [[nodiscard]] CellIndex part_begin(std::int64_t part) const {
    return std::min(n_cells(), part * cells_of_part_);
  }
  void deal(const Context& context);
  void add(const CsrView& genes, GeneIndex first_gene, std::int64_t first_part,
           std::int64_t end_part);
  void add_to_part(std::int64_t number, GeneIndex gene, std::span<const GeneIndex> cells,
                   std::span<const float> values);
  void flush(Part& part);
  void drop_parts();
  void drop_held();
  [[nodiscard]] Entries read_stretch(const Stretch& stretch) const;
  [[nodiscard]] CsrMatrix turn(CellIndex begin, CellIndex end, const Context& context) const;
  [[nodiscard]] CellIndex held_end_after(CellIndex begin, CellIndex end) const;

  CompressedRows by_gene_;
  std::int64_t bytes_;
  bool fits_memory_;
  CellIndex cells_of_part_;
  std::size_t entries_of_part_;  // in memory, before they are moved on
  std::vector<RowPointer> row_start_;
  std::vector<Part> parts_;  // none before they are dealt
  std::unique_ptr<TemporaryFile> file_;
  CsrMatrix held_;  // the cells [held_begin_, held_end_), for small blocks in their order
  CellIndex held_begin_ = 0;
  CellIndex held_end_ = 0;
  CellIndex last_end_ = -1;  // of the block read last
};

}  // namespace saithe::io
