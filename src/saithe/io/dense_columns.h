#pragma once

// A dense matrix of HDF5 with a column per cell, read as sparse rows of cells. Private to io/.

#include "saithe/io/dense_tiles.h"
#include "saithe/matrix/packed_rows.h"

namespace saithe::io {

/// Genes x cells, stored dense, in slabs of cells as wide as the file's chunks: each chunk is
/// inflated once, on all threads, and memory is one slab. Where such a slab could pass a quarter of
/// context.max_memory (long chunks), the matrix is turned round once instead, in memory bounded as
/// RowGatherer's.
class DenseColumns {
 public:
  /// Throws Error(BadFormat) unless it is a matrix of numbers of that shape.
  DenseColumns(Hdf5Dataset dataset, GeneIndex n_genes, CellIndex n_cells, const Context& context);
  /// Cells [begin, end) x genes; zeros are not stored.
  [[nodiscard]] CsrMatrix read(CellIndex begin, CellIndex end, const Context& context);
  /// At most how many of their values are not 0: all, unless the matrix was turned round.
  [[nodiscard]] std::int64_t most_stored(CellIndex begin, CellIndex end) const;
  /// Cells that are read at once, at most.
  [[nodiscard]] CellIndex slab_cells() const { return slab_cells_; }
  /// Gives back the slab, and what was turned round, which is done again if cells are asked for.
  void let_go();

 private:
  void load_slab(CellIndex begin, CellIndex end, const Context& context);
  [[nodiscard]] CellIndex slab_end() const { return slab_begin_ + slab_.n_rows; }
  void turn_round(const Context& context);

  std::unique_ptr<DenseTiles> tiles_;
  GeneIndex n_genes_;
  CellIndex n_cells_;
  CellIndex tile_cells_ = 1;
  CellIndex slab_cells_ = 1;
  bool is_turned_ = false;
  CellIndex slab_begin_ = -1;
  CsrMatrix slab_;  // the slab last read: blocks of cells seldom end where chunks do
  std::shared_ptr<PackedRows> turned_;
};

}  // namespace saithe::io
