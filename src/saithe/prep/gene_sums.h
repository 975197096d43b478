#pragma once

// Sums over the cells of each gene, in one pass over blocks of rows. Private to prep/.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "saithe/core/parallel.h"
#include "saithe/matrix/row_source.h"
#include "saithe/prep/normalize.h"

namespace saithe {

/// Changes a block of rows before it is added up: normalises, takes logarithms, selects columns.
/// `first` is the position of its first row in the selection.
using BlockChange = std::function<void(CellIndex first, CsrMatrix& block)>;

/// A sum over stored values and their number.
struct StoredSum {
  double sum = 0;
  std::int64_t n_stored = 0;
  StoredSum& operator+=(const StoredSum& other) {
    sum += other.sum;
    n_stored += other.n_stored;
    return *this;
  }
};

/// Cells that are in memory at a time where all pass by, and that a thread adds up by itself.
inline constexpr CellIndex kPassBlockCells = 4096;
inline constexpr CellIndex kPassChunkCells = 1024;

/// For each of `n_genes` genes the sum of add(gene, value) over its stored values. Chunks of cells
/// have fixed borders and are added in their order: the same bits for any number of threads.
template <typename Sum, typename Add>
std::vector<Sum> gene_sums(const RowSelection& rows, GeneIndex n_genes, const BlockChange& change,
                           const Context& context, Add add) {
  std::vector<Sum> sums(as_size(n_genes));
  std::vector<std::vector<Sum>> chunks(as_size(kPassBlockCells / kPassChunkCells));
  for (CellIndex begin = 0; begin < rows.n_rows(); begin += kPassBlockCells) {
    context.throw_if_cancelled();
    CsrMatrix block = rows.read(begin, std::min(begin + kPassBlockCells, rows.n_rows()), context);
    if (change) change(begin, block);
    SAITHE_ASSERT(block.n_cols == n_genes);
    parallel_for(context, block.n_rows, kPassChunkCells, [&](std::int64_t first, std::int64_t end) {
      auto& own = chunks[as_size(first / kPassChunkCells)];
      own.assign(sums.size(), Sum{});
      const auto last = as_size(block.row_start[as_size(end)]);
      for (auto i = as_size(block.row_start[as_size(first)]); i < last; ++i) {
        own[as_size(block.columns[i])] += add(block.columns[i], block.values[i]);
      }
    });
    const auto n_chunks = as_size((block.n_rows + kPassChunkCells - 1) / kPassChunkCells);
    for (std::size_t chunk = 0; chunk < n_chunks; ++chunk) {
      for (std::size_t gene = 0; gene < sums.size(); ++gene) sums[gene] += chunks[chunk][gene];
    }
  }
  return sums;
}

/// gene_statistics() (normalize.h) of blocks that `change` has turned into `n_genes` columns.
GeneStatistics gene_statistics(const RowSelection& values, GeneIndex n_genes,
                               const BlockChange& change, const Context& context,
                               std::span<const std::int64_t> n_measured);

}  // namespace saithe
