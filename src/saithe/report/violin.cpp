#include "saithe/report/violin.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace saithe {
namespace {

constexpr std::size_t kBins = 256;

/// Linear interpolation between the two nearest ranks, as NumPy's default.
double quantile(const std::vector<double>& sorted, double share) {
  const double rank = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(rank);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (rank - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

/// 0.9 min(sd, quartile range / 1.34) n^(-1/5)
double silverman_bandwidth(const std::vector<double>& sorted, const Violin& violin) {
  const auto n = static_cast<double>(sorted.size());
  double sum = 0;
  for (const double value : sorted) sum += value;
  double squares = 0;
  for (const double value : sorted) squares += (value - sum / n) * (value - sum / n);
  const double sd = std::sqrt(squares / std::max(1.0, n - 1));
  const double range = (violin.upper_quartile - violin.lower_quartile) / 1.34;
  const double spread = range > 0 ? std::min(sd, range) : sd;
  return 0.9 * spread * std::pow(n, -0.2);
}

}  // namespace

Violin violin_of(std::span<const double> values) {
  Violin violin;
  std::vector<double> sorted;
  std::ranges::copy_if(values, std::back_inserter(sorted),
                       [](double v) { return std::isfinite(v); });
  if (sorted.empty()) return violin;
  std::ranges::sort(sorted);
  violin.low = sorted.front();
  violin.high = sorted.back();
  violin.lower_quartile = quantile(sorted, 0.25);
  violin.median = quantile(sorted, 0.5);
  violin.upper_quartile = quantile(sorted, 0.75);
  if (violin.low == violin.high) {
    violin.at = {violin.low};
    violin.density = {1};
    return violin;
  }
  const double step = (violin.high - violin.low) / static_cast<double>(kBins - 1);
  std::vector<double> counts(kBins, 0);
  for (const double value : sorted) {
    // Shared between the two nearest bins, so that the density does not depend on their edges.
    const double position = (value - violin.low) / step;
    const auto bin = std::min(static_cast<std::size_t>(position), kBins - 2);
    const double share = position - static_cast<double>(bin);
    counts[bin] += 1 - share;
    counts[bin + 1] += share;
  }
  // A kernel narrower than a bin would leave a comb.
  const double bandwidth = std::max(silverman_bandwidth(sorted, violin), step);
  double largest = 0;
  for (std::size_t i = 0; i < kBins; ++i) {
    double density = 0;
    for (std::size_t j = 0; j < kBins; ++j) {
      const double away = (static_cast<double>(i) - static_cast<double>(j)) * step / bandwidth;
      density += counts[j] * std::exp(-0.5 * away * away);
    }
    violin.at.push_back(violin.low + static_cast<double>(i) * step);
    violin.density.push_back(density);
    largest = std::max(largest, density);
  }
  for (double& density : violin.density) density /= largest;
  return violin;
}

}  // namespace saithe
