#include "saithe/prep/count_shares.h"

#include <algorithm>
#include <cmath>

namespace saithe {
namespace {

constexpr int kMaxIterations = 10000;
// Largest change of a share, relative to it, at the end.
constexpr double kTolerance = 1e-10;

}  // namespace

std::vector<double> count_shares(const CsrView& values, ExpressionKind kind,
                                 const MeasuredGenes& measured) {
  std::vector<double> sums(as_size(values.n_cols));
  std::vector<double> totals(measured.n_sources());
  double total = 0;
  for (CellIndex cell = 0; cell < values.n_rows; ++cell) {
    const auto genes = values.row_columns(cell);
    const auto row = values.row_values(cell);
    double& of_source = totals[measured.source_of(cell)];
    for (std::size_t i = 0; i < genes.size(); ++i) {
      const auto value = static_cast<double>(row[i]);
      const double count = kind == ExpressionKind::Counts ? value : std::expm1(value);
      sums[as_size(genes[i])] += count;
      of_source += count;
      total += count;
    }
  }
  if (total <= 0) return sums;
  std::vector<double> shares = sums;
  for (double& share : shares) share /= total;
  if (measured.is_complete()) return shares;
  for (int iteration = 0; iteration < kMaxIterations; ++iteration) {
    const std::vector<double> on_source = source_shares(shares, measured);
    std::vector<double> next(shares.size());
    double sum = 0;
    for (std::size_t gene = 0; gene < next.size(); ++gene) {
      if (sums[gene] <= 0) continue;
      double expected = 0;  // counts that complete cells would have had
      for (std::size_t source = 0; source < totals.size(); ++source) {
        if (measured.has_gene[source][gene] && totals[source] > 0) {
          expected += totals[source] / on_source[source];
        }
      }
      next[gene] = sums[gene] / expected;
      sum += next[gene];
    }
    double change = 0;
    for (std::size_t gene = 0; gene < next.size(); ++gene) {
      next[gene] /= sum;
      if (next[gene] > 0) {
        change = std::max(change, std::abs(next[gene] - shares[gene]) / next[gene]);
      }
    }
    shares = std::move(next);
    if (change < kTolerance) break;
  }
  return shares;
}

std::vector<double> source_shares(std::span<const double> count_share,
                                  const MeasuredGenes& measured) {
  if (measured.is_complete()) return {1.0};
  std::vector<double> shares;
  for (const auto& has_gene : measured.has_gene) {
    double sum = 0;
    for (std::size_t gene = 0; gene < has_gene.size(); ++gene) {
      if (has_gene[gene]) sum += count_share[gene];
    }
    // All genes there is exactly 1, not a rounded sum of shares.
    const bool has_all = std::find(has_gene.begin(), has_gene.end(), false) == has_gene.end();
    shares.push_back(has_all ? 1.0 : sum);
  }
  return shares;
}

}  // namespace saithe
