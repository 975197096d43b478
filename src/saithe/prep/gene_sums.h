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

/// Most cells that are in memory at a time where all pass by, and those that are added up by
/// themselves.
inline constexpr CellIndex kPassBlockCells = 4096;
inline constexpr CellIndex kPassChunkCells = 1024;

/// For each of `n_genes` genes the sum of add(gene, value) over its stored values. Chunks of cells
/// have fixed borders and are added in their order: the same bits for any number of threads and any
/// memory.
template <typename Sum, typename Add>
std::vector<Sum> gene_sums(const RowSelection& rows, GeneIndex n_genes, const BlockChange& change,
                           const Context& context, Add add) {
  std::vector<Sum> sums(as_size(n_genes));
  std::vector<std::vector<Sum>> chunks(as_size(kPassBlockCells / kPassChunkCells));
  for (CellIndex pass = 0; pass < rows.n_rows(); pass += kPassBlockCells) {
    const CellIndex pass_end = std::min(pass + kPassBlockCells, rows.n_rows());
    // A pass takes several blocks where cells have many values; its chunks go on through them.
    for (CellIndex begin = pass, end = pass; begin < pass_end; begin = end) {
      context.throw_if_cancelled();
      end = rows.block_end(begin, pass_end - begin, context);
      CsrMatrix block = rows.read(begin, end, context);
      if (change) change(begin, block);
      SAITHE_ASSERT(block.n_cols == n_genes);
      const std::int64_t first_chunk = (begin - pass) / kPassChunkCells;
      const std::int64_t n_chunks = (end - pass - 1) / kPassChunkCells + 1 - first_chunk;
      parallel_for(context, n_chunks, 1, [&](std::int64_t c, std::int64_t) {
        const CellIndex chunk = pass + (first_chunk + c) * kPassChunkCells;
        auto& own = chunks[as_size(first_chunk + c)];
        if (chunk >= begin) own.assign(sums.size(), Sum{});
        const auto first = as_size(std::max(chunk, begin) - begin);
        const auto last = as_size(std::min(chunk + kPassChunkCells, end) - begin);
        for (auto i = as_size(block.row_start[first]); i < as_size(block.row_start[last]); ++i) {
          own[as_size(block.columns[i])] += add(block.columns[i], block.values[i]);
        }
      });
    }
    const auto n_chunks = as_size((pass_end - pass + kPassChunkCells - 1) / kPassChunkCells);
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
