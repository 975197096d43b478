#include "saithe/data/measured_genes.h"

#include <algorithm>

namespace saithe {

MeasuredGenes select_cells(const MeasuredGenes& measured, std::span<const CellIndex> cells) {
  if (measured.is_complete() || cells.empty()) return {};
  MeasuredGenes selected;
  selected.source_of_cell.reserve(cells.size());
  for (const CellIndex cell : cells) {
    selected.source_of_cell.push_back(measured.source_of_cell[as_size(cell)]);
  }
  selected.has_gene = measured.has_gene;
  return selected;
}

MeasuredGenes select_genes(const MeasuredGenes& measured, std::span<const GeneIndex> genes) {
  if (measured.is_complete()) return {};
  MeasuredGenes selected;
  bool lacks_any = false;
  for (const auto& has_gene : measured.has_gene) {
    std::vector<bool> kept;
    kept.reserve(genes.size());
    for (const GeneIndex gene : genes) kept.push_back(has_gene[as_size(gene)]);
    lacks_any = lacks_any || std::find(kept.begin(), kept.end(), false) != kept.end();
    selected.has_gene.push_back(std::move(kept));
  }
  if (!lacks_any) return {};
  selected.source_of_cell = measured.source_of_cell;
  return selected;
}

std::vector<std::int64_t> count_measured_cells(const MeasuredGenes& measured,
                                               std::span<const CellIndex> cells,
                                               GeneIndex n_genes) {
  if (measured.is_complete()) return {};
  std::vector<std::int64_t> n_cells(measured.has_gene.size());
  if (cells.empty()) {
    for (const std::int32_t source : measured.source_of_cell) ++n_cells[as_size(source)];
  } else {
    for (const CellIndex cell : cells) ++n_cells[measured.source_of(cell)];
  }
  std::vector<std::int64_t> result(as_size(n_genes));
  for (std::size_t source = 0; source < n_cells.size(); ++source) {
    for (std::size_t gene = 0; gene < result.size(); ++gene) {
      if (measured.has_gene[source][gene]) result[gene] += n_cells[source];
    }
  }
  return result;
}

}  // namespace saithe
