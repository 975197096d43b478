#pragma once

// A dense matrix of HDF5 with a column per cell, read as sparse rows of cells. Private to io/.

#include "saithe/core/context.h"
#include "saithe/io/hdf5_file.h"
#include "saithe/matrix/csr_matrix.h"

namespace saithe::io {

/// Genes x cells, stored dense, in slabs of cells as wide as the file's chunks: each chunk is
/// inflated once, and memory is one slab. Chunks that are as long as the matrix are turned round
/// once instead.
class DenseColumns {
 public:
  /// Throws Error(BadFormat) unless it is a matrix of numbers of that shape.
  DenseColumns(Hdf5Dataset dataset, GeneIndex n_genes, CellIndex n_cells);
  /// Cells [begin, end) x genes; zeros are not stored.
  [[nodiscard]] CsrMatrix read(CellIndex begin, CellIndex end, const Context& context);
  /// Cells that are read at once.
  [[nodiscard]] CellIndex slab_cells() const { return slab_cells_; }

 private:
  void load_slab(CellIndex begin, const Context& context);
  [[nodiscard]] CsrMatrix turned_round(const Context& context) const;
  void read_block(GeneIndex first_gene, GeneIndex n_genes, CellIndex first_cell, CellIndex n_cells,
                  std::vector<float>& values) const;

  Hdf5Dataset dataset_;
  GeneIndex n_genes_;
  CellIndex n_cells_;
  CellIndex slab_cells_ = 1;
  GeneIndex chunk_genes_ = 1;
  bool is_turned_ = false;  // the slab is the whole matrix
  CellIndex slab_begin_ = -1;
  CsrMatrix slab_;  // the slab last read: blocks of cells seldom end where chunks do
};

}  // namespace saithe::io
