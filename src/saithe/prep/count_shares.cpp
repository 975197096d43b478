#include "saithe/prep/count_shares.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "saithe/prep/gene_sums.h"

namespace saithe {
namespace {

constexpr int kMaxIterations = 10000;
// Largest change of a share, relative to it, at the end.
constexpr double kTolerance = 1e-10;

/// Of the cells of each source with values: their number, and the sum of all values.
struct SourceSums {
  double n_cells = 0;
  double total = 0;
};

/// What part of a cell's 10 000 the logarithms' cells have on all genes that have a share.
double share_of_whole_cells(const std::vector<SourceSums>& sources,
                            const std::vector<double>& on_source) {
  double total = 0;
  double expected = 0;
  for (std::size_t source = 0; source < sources.size(); ++source) {
    total += sources[source].total;
    expected += kCp10k * sources[source].n_cells * on_source[source];
  }
  const double share = total / expected;
  return share > 1 - kSumTolerance ? 1 : share;
}

}  // namespace

std::vector<double> count_shares(const RowSelection& values, ExpressionKind kind,
                                 const MeasuredGenes& measured, const Context& context) {
  const auto count_of = [kind](float value) {
    return kind == ExpressionKind::Counts ? static_cast<double>(value)
                                          : std::expm1(static_cast<double>(value));
  };
  std::vector<SourceSums> sources(measured.n_sources());
  const auto add_totals = [&](CellIndex first, CsrMatrix& block) {
    for (CellIndex row = 0; row < block.n_rows; ++row) {
      double total = 0;
      for (const float value : block.view().row_values(row)) total += count_of(value);
      SourceSums& source = sources[measured.source_of(first + row)];
      source.total += total;
      source.n_cells += total > 0 ? 1 : 0;
    }
  };
  const std::vector<double> sums =
      gene_sums<double>(values, values.n_cols(), add_totals, context,
                        [&](GeneIndex, float value) { return count_of(value); });
  const double total =
      std::accumulate(sources.begin(), sources.end(), 0.0,
                      [](double sum, const SourceSums& source) { return sum + source.total; });
  if (total <= 0) return sums;
  std::vector<double> shares = sums;
  for (double& share : shares) share /= total;
  const auto scaled = [&] {
    if (kind == ExpressionKind::Counts) return shares;
    const double whole = share_of_whole_cells(sources, source_shares(shares, measured));
    for (double& share : shares) share *= whole;
    return shares;
  };
  if (measured.is_complete()) return scaled();
  for (int iteration = 0; iteration < kMaxIterations; ++iteration) {
    const std::vector<double> on_source = source_shares(shares, measured);
    std::vector<double> next(shares.size());
    double sum = 0;
    for (std::size_t gene = 0; gene < next.size(); ++gene) {
      if (sums[gene] <= 0) continue;
      double expected = 0;  // counts that complete cells would have had
      for (std::size_t source = 0; source < sources.size(); ++source) {
        if (measured.has_gene[source][gene] && sources[source].total > 0) {
          expected += sources[source].total / on_source[source];
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
  return scaled();
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
