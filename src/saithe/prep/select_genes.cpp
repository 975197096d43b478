#include "saithe/prep/select_genes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "saithe/core/parallel.h"
#include "saithe/prep/normalize.h"
#include "saithe/prep/qc.h"

namespace saithe {
namespace {

constexpr std::int64_t kChunkGenes = 256;

/// c0 + c1 x + c2 x^2 of least squares; a lower degree where the points do not determine it.
std::array<double, 3> fit_quadratic(const std::vector<double>& x, const std::vector<double>& y) {
  // Moments about the mean of x: the normal equations stay well conditioned.
  const auto n = static_cast<double>(x.size());
  const double centre = std::accumulate(x.begin(), x.end(), 0.0) / n;
  std::array<double, 5> powers{};
  std::array<double, 3> products{};
  for (std::size_t i = 0; i < x.size(); ++i) {
    double power = 1;
    for (std::size_t k = 0; k < powers.size(); ++k, power *= x[i] - centre) {
      powers[k] += power;
      if (k < products.size()) products[k] += power * y[i];
    }
  }
  double a[3][4];
  for (std::size_t r = 0; r < 3; ++r) {
    for (std::size_t c = 0; c < 3; ++c) a[r][c] = powers[r + c];
    a[r][3] = products[r];
  }
  std::array<double, 3> b{};
  std::size_t rank = 3;
  for (std::size_t k = 0; k < 3; ++k) {  // symmetric and positive: no pivoting is needed
    if (a[k][k] <= 1e-10 * powers[0]) {
      rank = k;
      break;
    }
    for (std::size_t r = k + 1; r < 3; ++r) {
      const double factor = a[r][k] / a[k][k];
      for (std::size_t c = k; c < 4; ++c) a[r][c] -= factor * a[k][c];
    }
  }
  for (std::size_t k = rank; k-- > 0;) {
    double rest = a[k][3];
    for (std::size_t c = k + 1; c < rank; ++c) rest -= a[k][c] * b[c];
    b[k] = rest / a[k][k];
  }
  return {b[0] - centre * b[1] + centre * centre * b[2], b[1] - 2 * centre * b[2], b[2]};
}

}  // namespace

std::vector<double> standardized_variance(const CsrView& values, const Context& context,
                                          std::span<const std::int64_t> n_measured) {
  const GeneStatistics statistics = gene_statistics(values, context, n_measured);
  std::vector<double> log_mean;
  std::vector<double> log_variance;
  for (std::size_t gene = 0; gene < statistics.mean.size(); ++gene) {
    if (!(statistics.mean[gene] > 0 && statistics.sd[gene] > 0)) continue;
    log_mean.push_back(std::log10(statistics.mean[gene]));
    log_variance.push_back(2 * std::log10(statistics.sd[gene]));
  }
  std::vector<double> result(statistics.mean.size());
  if (log_mean.empty()) return result;
  const auto trend = fit_quadratic(log_mean, log_variance);
  const CsrMatrix by_gene = transpose(values);
  parallel_for(context, by_gene.n_rows, kChunkGenes, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t gene = begin; gene < end; ++gene) {
      const double mean = statistics.mean[as_size(gene)];
      if (!(mean > 0 && statistics.sd[as_size(gene)] > 0)) continue;
      const auto n_cells =
          static_cast<double>(n_measured.empty() ? values.n_rows : n_measured[as_size(gene)]);
      const double x = std::log10(mean);
      const double expected_sd =
          std::sqrt(std::pow(10.0, trend[0] + trend[1] * x + trend[2] * x * x));
      const double largest = expected_sd * std::sqrt(n_cells) + mean;
      const auto stored = by_gene.view().row_values(gene);
      // Squared distances from the mean of all values, cut above; a zero is never cut.
      double squares = (n_cells - static_cast<double>(stored.size())) * mean * mean;
      for (const float value : stored) {
        const double distance = std::min(static_cast<double>(value), largest) - mean;
        squares += distance * distance;
      }
      result[as_size(gene)] = squares / (n_cells - 1) / (expected_sd * expected_sd);
    }
  });
  return result;
}

std::vector<GeneIndex> select_variable_genes(const CsrView& values, int n, int min_cells,
                                             const Context& context,
                                             std::span<const std::int64_t> n_measured) {
  const auto n_cells = count_cells_per_gene(values, {});
  std::vector<GeneIndex> genes;
  for (std::size_t gene = 0; gene < n_cells.size(); ++gene) {
    if (n_cells[gene] >= min_cells) genes.push_back(static_cast<GeneIndex>(gene));
  }
  if (genes.size() <= as_size(n)) return genes;
  const std::vector<double> variance = standardized_variance(values, context, n_measured);
  std::stable_sort(genes.begin(), genes.end(), [&](GeneIndex a, GeneIndex b) {
    return variance[as_size(a)] > variance[as_size(b)];
  });
  genes.resize(as_size(n));
  std::sort(genes.begin(), genes.end());
  return genes;
}

}  // namespace saithe
