#include "saithe/prep/select_genes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "saithe/prep/gene_sums.h"
#include "saithe/prep/normalize.h"
#include "saithe/prep/qc.h"

namespace saithe {
namespace {

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

std::vector<double> standardized_variance(const RowSelection& values, const Context& context,
                                          std::span<const std::int64_t> n_measured) {
  const auto n_cells = [&](std::size_t gene) {
    return static_cast<double>(n_measured.empty() ? values.n_rows() : n_measured[gene]);
  };
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
  std::vector<double> expected_sd(result.size());
  std::vector<double> largest(result.size());  // values above are cut
  for (std::size_t gene = 0; gene < result.size(); ++gene) {
    const double mean = statistics.mean[gene];
    if (!(mean > 0 && statistics.sd[gene] > 0)) continue;
    const double x = std::log10(mean);
    expected_sd[gene] = std::sqrt(std::pow(10.0, trend[0] + trend[1] * x + trend[2] * x * x));
    largest[gene] = expected_sd[gene] * std::sqrt(n_cells(gene)) + mean;
  }
  // Squared distances from the mean of all values; a zero is never cut.
  const auto sums =
      gene_sums<StoredSum>(values, values.n_cols(), {}, context, [&](GeneIndex gene, float value) {
        const double distance = std::min(static_cast<double>(value), largest[as_size(gene)]) -
                                statistics.mean[as_size(gene)];
        return StoredSum{distance * distance, 1};
      });
  for (std::size_t gene = 0; gene < result.size(); ++gene) {
    if (expected_sd[gene] <= 0) continue;
    const double mean = statistics.mean[gene];
    const double n_zeros = n_cells(gene) - static_cast<double>(sums[gene].n_stored);
    result[gene] = (n_zeros * mean * mean + sums[gene].sum) / (n_cells(gene) - 1) /
                   (expected_sd[gene] * expected_sd[gene]);
  }
  return result;
}

std::vector<GeneIndex> select_variable_genes(const RowSelection& values, int n, int min_cells,
                                             const Context& context,
                                             std::span<const std::int64_t> n_measured) {
  std::vector<GeneIndex> genes;
  const auto n_cells = count_cells_per_gene(values, context);
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
