#include "saithe/classify/type_sums.h"

#include <algorithm>

namespace saithe {
namespace {

// Cells whose features are in memory at once, and values that these may have.
constexpr CellIndex kBlockCells = 4096;
constexpr std::int64_t kBlockValues = std::int64_t{1} << 20;

}  // namespace

FeatureSumsOfTypes sum_features(const RowSource& features, std::span<const CellsWithInputs> groups,
                                std::span<const LabelIndex> labels, LabelIndex n_types,
                                const Context& context) {
  const auto n_genes = as_size(features.n_cols());
  FeatureSumsOfTypes sums;
  sums.types.assign(as_size(n_types), {std::vector<double>(n_genes), std::vector<double>(n_genes)});
  sums.squares.resize(n_genes);
  for (const auto& [cells, has_input] : groups) {
    const auto is_measured = [&](std::size_t gene) { return has_input.empty() || has_input[gene]; };
    const RowSelection rows(features, cells);
    std::vector<double> n_cells(as_size(n_types));
    for (CellIndex begin = 0, end = 0; begin < rows.n_rows(); begin = end) {
      end = rows.block_end(begin, kBlockCells, kBlockValues);
      const CsrMatrix block = rows.read(begin, end, context);
      for (CellIndex row = begin; row < end; ++row) {
        const auto type = as_size(labels[as_size(cells[as_size(row)])]);
        n_cells[type] += 1;
        const auto genes = block.view().row_columns(row - begin);
        const auto values = block.view().row_values(row - begin);
        for (std::size_t i = 0; i < genes.size(); ++i) {
          const auto gene = as_size(genes[i]);
          if (!is_measured(gene)) continue;
          const auto value = static_cast<double>(values[i]);
          sums.types[type].values[gene] += value;
          sums.squares[gene] += value * value;
        }
      }
    }
    for (std::size_t type = 0; type < n_cells.size(); ++type) {
      for (std::size_t gene = 0; gene < n_genes; ++gene) {
        if (is_measured(gene)) sums.types[type].n_cells[gene] += n_cells[type];
      }
    }
  }
  return sums;
}

std::vector<double> FeatureSumsOfTypes::variance_within_types() const {
  std::vector<double> variance = squares;
  for (std::size_t gene = 0; gene < variance.size(); ++gene) {
    double n_all = 0;
    for (const TypeSums& type : types) {
      if (type.n_cells[gene] == 0) continue;
      variance[gene] -= type.values[gene] * type.values[gene] / type.n_cells[gene];
      n_all += type.n_cells[gene];
    }
    variance[gene] = std::max(0.0, variance[gene]) / std::max(1.0, n_all);
  }
  return variance;
}

}  // namespace saithe
