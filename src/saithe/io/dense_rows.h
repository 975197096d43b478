#pragma once

// A dense matrix with a row per cell, read as sparse rows in bounded memory. Private to io/.

#include <memory>

#include "saithe/io/dense_tiles.h"
#include "saithe/matrix/packed_rows.h"

namespace saithe::io {

/// Cells x genes in slabs of cells, of whole tiles of the file: each tile is unpacked once by who
/// reads the cells in their order. Where such a slab could pass a quarter of context.max_memory
/// (few tall tiles), all tiles are read once, in their order, and the rows kept packed, in memory
/// bounded as RowGatherer's.
class DenseRows {
 public:
  explicit DenseRows(std::unique_ptr<DenseTiles> tiles, const Context& context);
  /// Cells [begin, end) x genes; zeros are not stored, NaN is.
  [[nodiscard]] CsrMatrix read(CellIndex begin, CellIndex end, const Context& context);
  /// At most how many of their values are not 0: all, unless the matrix was gathered.
  [[nodiscard]] std::int64_t most_stored(CellIndex begin, CellIndex end) const;
  /// Cells that are read at once at most; all of them where the matrix is gathered.
  [[nodiscard]] CellIndex slab_cells() const { return slab_cells_; }
  [[nodiscard]] bool is_gathered() const { return is_gathered_; }
  /// Gives the slab back.
  void let_go();

 private:
  void gather(const Context& context);
  /// Reads the slab that `begin` is in, for who wants [begin, end).
  void read_slab(CellIndex begin, CellIndex end, const Context& context);
  [[nodiscard]] CellIndex slab_end() const { return slab_begin_ + slab_.n_rows; }

  std::unique_ptr<DenseTiles> tiles_;
  CellIndex slab_cells_ = 1;
  bool is_gathered_ = false;
  CellIndex slab_begin_ = -1;
  CsrMatrix slab_;  // the slab last read: blocks of cells seldom end where tiles do
  std::shared_ptr<PackedRows> gathered_;
};

}  // namespace saithe::io
