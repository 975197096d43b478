#pragma once

// A small labelled data set: cell types that differ by marker genes, two donors, counts.

#include <string>
#include <vector>

#include "saithe/core/random.h"
#include "saithe/data/cell_source.h"

namespace saithe::testing {

inline constexpr GeneIndex kMarkersOfType = 4;
inline constexpr double kNoisy = 0.25;
inline constexpr double kClear = 0.1;

/// `n_cells` cells of the types "type0", "type1", ... in turn; gene g < 4 * n_types marks the type
/// g / 4. A cell expresses four fifths of its markers and the share `background` of the other
/// genes: with kClear of them few cells are in doubt. obs: cell_type, donor ("d0" to "d3"); var:
/// names "gene0", ... and gene_ids "ENSG0", ...
inline Dataset marker_cells(CellIndex n_cells, GeneIndex n_genes, int n_types,
                            std::uint64_t stream = 0, double background = kNoisy) {
  const Random random(31, stream);
  CsrMatrix counts;
  counts.n_rows = n_cells;
  counts.n_cols = n_genes;
  std::vector<std::string> barcodes;
  std::vector<std::string> types;
  std::vector<std::string> donors;
  for (CellIndex cell = 0; cell < n_cells; ++cell) {
    const auto type = static_cast<GeneIndex>(cell % n_types);
    for (GeneIndex gene = 0; gene < n_genes; ++gene) {
      const auto at = static_cast<std::uint64_t>(cell * n_genes + gene);
      const bool is_marker = gene / kMarkersOfType == type;
      if (random.uniform(2 * at) >= (is_marker ? 0.8 : background)) continue;
      counts.columns.push_back(gene);
      counts.values.push_back(1.0F +
                              static_cast<float>(random.below(2 * at + 1, is_marker ? 9 : 3)));
    }
    counts.row_start.push_back(static_cast<RowPointer>(counts.columns.size()));
    barcodes.push_back("cell" + std::to_string(cell));
    types.push_back("type" + std::to_string(type));
    donors.push_back("d" + std::to_string((cell / n_types) % 4));
  }
  std::vector<std::string> names;
  std::vector<std::string> ids;
  for (GeneIndex gene = 0; gene < n_genes; ++gene) {
    names.push_back("gene" + std::to_string(gene));
    ids.push_back("ENSG" + std::to_string(gene));
  }
  Table obs(std::move(barcodes));
  obs.set("cell_type", make_category_column(types));
  obs.set("donor", TextColumn{donors, {}});
  Table var(std::move(names));
  var.set("gene_ids", TextColumn{ids, {}});
  return Dataset("markers.h5ad", std::move(counts), std::move(obs), std::move(var));
}

/// The stored value of a cell and gene, to be changed; the entry must exist.
inline float& stored_value(Dataset& dataset, CellIndex cell, GeneIndex gene) {
  for (auto i = as_size(dataset.counts.row_start[as_size(cell)]);
       i < as_size(dataset.counts.row_start[as_size(cell) + 1]); ++i) {
    if (dataset.counts.columns[i] == gene) return dataset.counts.values[i];
  }
  fail(ErrorKind::Internal, "cell {} has no value for gene {}", cell, gene);
}

/// The first gene that a cell expresses.
inline GeneIndex first_gene(const Dataset& dataset, CellIndex cell) {
  return dataset.counts.columns[as_size(dataset.counts.row_start[as_size(cell)])];
}

/// Sets all values of a cell to 0; the entries stay stored.
inline void empty_cell(Dataset& dataset, CellIndex cell) {
  for (auto i = dataset.counts.row_start[as_size(cell)];
       i < dataset.counts.row_start[as_size(cell) + 1]; ++i) {
    dataset.counts.values[as_size(i)] = 0;
  }
}

}  // namespace saithe::testing
