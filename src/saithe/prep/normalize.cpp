#include "saithe/prep/normalize.h"

#include <cmath>

#include "saithe/core/parallel.h"

namespace saithe {
namespace {

// Cells that a thread takes at once.
constexpr std::int64_t kChunkCells = 512;

/// Calls change(cell, its values) for every cell of a matrix.
template <typename Change>
void for_each_cell(CsrMatrix& matrix, const Context& context, Change change) {
  parallel_for(context, matrix.n_rows, kChunkCells, [&](std::int64_t begin, std::int64_t end) {
    for (CellIndex cell = begin; cell < end; ++cell) {
      const auto first = as_size(matrix.row_start[as_size(cell)]);
      const auto last = as_size(matrix.row_start[as_size(cell) + 1]);
      change(cell, std::span<float>(matrix.values).subspan(first, last - first));
    }
  });
}

double sum_of(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value);
  return sum;
}

}  // namespace

std::vector<double> total_counts(const CsrView& counts, const Context& context) {
  std::vector<double> totals(as_size(counts.n_rows));
  parallel_for(context, counts.n_rows, kChunkCells, [&](std::int64_t begin, std::int64_t end) {
    for (CellIndex cell = begin; cell < end; ++cell) {
      totals[as_size(cell)] = sum_of(counts.row_values(cell));
    }
  });
  return totals;
}

void normalize_total(CsrMatrix& counts, double target_sum, const Context& context) {
  const std::vector<double> targets(as_size(counts.n_rows), target_sum);
  normalize_total(counts, targets, context);
}

void normalize_total(CsrMatrix& counts, std::span<const double> targets, const Context& context) {
  SAITHE_ASSERT(targets.size() == as_size(counts.n_rows));
  for_each_cell(counts, context, [&](CellIndex cell, std::span<float> values) {
    const double total = sum_of(values);
    if (total <= 0) return;
    for (float& value : values) {
      value = static_cast<float>(static_cast<double>(value) * targets[as_size(cell)] / total);
    }
  });
}

void log1p_in_place(CsrMatrix& matrix, const Context& context) {
  for_each_cell(matrix, context, [](CellIndex, std::span<float> values) {
    for (float& value : values) value = std::log1p(value);
  });
}

GeneStatistics gene_statistics(const CsrView& values, const Context& context,
                               std::span<const std::int64_t> n_measured) {
  const auto n_genes = as_size(values.n_cols);
  SAITHE_ASSERT(n_measured.empty() || n_measured.size() == n_genes);
  GeneStatistics statistics;
  statistics.mean.resize(n_genes);
  statistics.sd.resize(n_genes);
  // By genes: each sum runs over its cells in order, so no bit depends on the threads.
  const CsrMatrix by_gene = transpose(values);
  parallel_for(context, by_gene.n_rows, kChunkCells, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t gene = begin; gene < end; ++gene) {
      const auto stored = by_gene.view().row_values(gene);
      const auto n_cells =
          static_cast<double>(n_measured.empty() ? values.n_rows : n_measured[as_size(gene)]);
      const double mean = n_cells > 0 ? sum_of(stored) / n_cells : 0;
      // Two passes: squared distances from the mean, the zeros' in one go.
      double squares = (n_cells - static_cast<double>(stored.size())) * mean * mean;
      for (const float value : stored) {
        const double distance = static_cast<double>(value) - mean;
        squares += distance * distance;
      }
      statistics.mean[as_size(gene)] = mean;
      statistics.sd[as_size(gene)] = n_cells > 1 ? std::sqrt(squares / (n_cells - 1)) : 0;
    }
  });
  return statistics;
}

}  // namespace saithe
