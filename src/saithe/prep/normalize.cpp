#include "saithe/prep/normalize.h"

#include <cmath>

#include "saithe/core/parallel.h"
#include "saithe/prep/gene_sums.h"

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

GeneStatistics gene_statistics(const RowSelection& values, const Context& context,
                               std::span<const std::int64_t> n_measured) {
  return gene_statistics(values, values.n_cols(), {}, context, n_measured);
}

GeneStatistics gene_statistics(const RowSelection& values, GeneIndex n_genes,
                               const BlockChange& change, const Context& context,
                               std::span<const std::int64_t> n_measured) {
  SAITHE_ASSERT(n_measured.empty() || n_measured.size() == as_size(n_genes));
  const auto n_cells = [&](std::size_t gene) {
    return static_cast<double>(n_measured.empty() ? values.n_rows() : n_measured[gene]);
  };
  const auto sums =
      gene_sums<StoredSum>(values, n_genes, change, context, [](GeneIndex, float value) {
        return StoredSum{static_cast<double>(value), 1};
      });
  GeneStatistics statistics;
  for (std::size_t gene = 0; gene < sums.size(); ++gene) {
    statistics.mean.push_back(n_cells(gene) > 0 ? sums[gene].sum / n_cells(gene) : 0);
  }
  // Two passes: squared distances from the mean, the zeros' in one go.
  statistics.sd =
      gene_sums<double>(values, n_genes, change, context, [&](GeneIndex gene, float value) {
        const double distance = static_cast<double>(value) - statistics.mean[as_size(gene)];
        return distance * distance;
      });
  for (std::size_t gene = 0; gene < sums.size(); ++gene) {
    const double n = n_cells(gene);
    const double n_zeros = n - static_cast<double>(sums[gene].n_stored);
    const double mean = statistics.mean[gene];
    const double squares = n_zeros * mean * mean + statistics.sd[gene];
    statistics.sd[gene] = n > 1 ? std::sqrt(squares / (n - 1)) : 0;
  }
  return statistics;
}

}  // namespace saithe
