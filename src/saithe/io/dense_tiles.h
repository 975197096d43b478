#pragma once

// Dense matrices in a file, stored in tiles (chunks) that are packed one by one. Private to io/.

#include <memory>
#include <span>
#include <string>

#include "saithe/core/context.h"
#include "saithe/io/hdf5_chunks.h"
#include "saithe/matrix/csr_matrix.h"

namespace saithe::io {

/// Rows and columns of a matrix.
struct Rectangle {
  std::int64_t first_row = 0;
  std::int64_t n_rows = 0;
  std::int64_t first_column = 0;
  std::int64_t n_columns = 0;
  [[nodiscard]] std::int64_t n_values() const { return n_rows * n_columns; }
};

class DenseTiles {
 public:
  virtual ~DenseTiles() = default;
  [[nodiscard]] virtual const std::string& where() const = 0;
  [[nodiscard]] virtual std::int64_t n_rows() const = 0;
  [[nodiscard]] virtual std::int64_t n_columns() const = 0;
  /// Of a tile; 1 and all columns where rows lie one after the other. At most those of the matrix,
  /// at least 1.
  [[nodiscard]] virtual std::int64_t tile_rows() const = 0;
  [[nodiscard]] virtual std::int64_t tile_columns() const = 0;
  /// What unpacking one takes; 0 where rows can be read alone.
  [[nodiscard]] virtual std::int64_t tile_bytes() const = 0;
  /// The values of a rectangle, row by row. Tiles are unpacked on all threads. Throws
  /// Error(BadFormat) on a damaged file, and where a tile passes context.max_memory.
  virtual void read(const Rectangle& wanted, std::span<float> values,
                    const Context& context) const = 0;
  /// Rows [begin, end), whose zeros are not stored, NaN is. Throws as read().
  [[nodiscard]] virtual CsrMatrix read_rows(std::int64_t begin, std::int64_t end,
                                            const Context& context) const;
  /// As many columns of tiles as may be dense in memory at once.
  [[nodiscard]] std::int64_t columns_at_once(std::int64_t n_rows) const;
};

/// Cells that are read at once, and kept.
struct SlabOfCells {
  CellIndex begin = 0;
  CellIndex end = 0;
};
/// The slab to read for who wants cells [begin, end) of n_cells, in whole tiles of `tile_cells`:
/// `slab_cells` of them, a multiple of these, where they go on from `last_end`, the end of the slab
/// before it; who jumps about, as a sample does, has no use for more than what is asked for.
SlabOfCells next_slab(CellIndex begin, CellIndex end, CellIndex last_end, CellIndex tile_cells,
                      CellIndex slab_cells, CellIndex n_cells);

/// Of a two-dimensional dataset of numbers or booleans. Throws Error(BadFormat) on another.
std::unique_ptr<DenseTiles> open_dense_tiles(Hdf5Dataset dataset);

}  // namespace saithe::io
