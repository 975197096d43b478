#pragma once

// Which genes were measured in which cells: cells of several files whose genes differ. A gene that
// a cell's file lacks is missing for the cell, which is not the same as a count of 0.

#include <cstdint>
#include <span>
#include <vector>

#include "saithe/core/types.h"

namespace saithe {

/// Cells of one source have the same genes.
struct MeasuredGenes {
  std::vector<std::int32_t> source_of_cell;  ///< empty: every cell has every gene
  std::vector<std::vector<bool>> has_gene;   ///< (sources, genes)

  /// Whether every cell has every gene.
  [[nodiscard]] bool is_complete() const { return source_of_cell.empty(); }
  /// The number of sources that are told apart; 1 where all is complete.
  [[nodiscard]] std::size_t n_sources() const { return is_complete() ? 1 : has_gene.size(); }
  /// The source of a cell; 0 where all is complete.
  [[nodiscard]] std::size_t source_of(CellIndex cell) const {
    return is_complete() ? 0 : as_size(source_of_cell[as_size(cell)]);
  }

  bool operator==(const MeasuredGenes&) const = default;
};

/// The cells `cells`, in that order.
MeasuredGenes select_cells(const MeasuredGenes& measured, std::span<const CellIndex> cells);
/// The genes `genes`, in that order; complete where every source has all of them.
MeasuredGenes select_genes(const MeasuredGenes& measured, std::span<const GeneIndex> genes);

/// In how many of the cells `cells` (all if empty) each of `n_genes` genes was measured. Empty
/// where all is complete: in all.
std::vector<std::int64_t> count_measured_cells(const MeasuredGenes& measured,
                                               std::span<const CellIndex> cells, GeneIndex n_genes);

}  // namespace saithe
