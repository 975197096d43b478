#include "saithe/classify/type_misfit.h"

#include <algorithm>
#include <cmath>

#include "saithe/core/parallel.h"

namespace saithe {
namespace {

constexpr std::int64_t kChunkCells = 256;
// Misfits that hardly differ (one cell a type) count as if they differed by this.
constexpr double kSmallestDeviation = 1e-4;

bool is_there(const std::vector<bool>& is_present, std::size_t gene) {
  return is_present.empty() || is_present[gene];
}

/// 1 - the highest cosine between a cell's features and the profiles of types with training cells.
double misfit_of(const NoveltyModel& novelty, const TypeProfiles& profiles,
                 std::span<const float> scores, std::span<const float> sums) {
  const double length = std::sqrt(static_cast<double>(sums[kSumOfSquares]));
  double best = 0;
  for (std::size_t type = 0; type < profiles.norms.size(); ++type) {
    if (novelty.type_shares[type] == 0) continue;
    double product = static_cast<double>(sums[kProductWithMean]);
    for (std::size_t axis = 0; axis < scores.size(); ++axis) {
      product += (static_cast<double>(scores[axis]) + profiles.of_center[axis]) *
                 profiles.scores[type * scores.size() + axis];
    }
    const double lengths = length * profiles.norms[type];
    if (lengths > 0) best = std::max(best, product / lengths);
  }
  return 1 - best;
}

double log_expressed(std::span<const float> sums) {
  return std::log(std::max(1.0, static_cast<double>(sums[kExpressedInputs])));
}

/// 1 - the cosine between a profile and the type's mean cell with its features' variances.
double expected_misfit(double norm, double variance) {
  const double squares = norm * norm + variance;
  return squares > 0 ? 1 - norm / std::sqrt(squares) : 0;
}

}  // namespace

DenseMatrix feature_sums(const CsrView& features, std::span<const double> center,
                         const Context& context) {
  DenseMatrix sums(features.n_rows, kFeatureSums);
  parallel_for(context, features.n_rows, kChunkCells, [&](std::int64_t begin, std::int64_t end) {
    for (CellIndex cell = begin; cell < end; ++cell) {
      const auto genes = features.row_columns(cell);
      const auto values = features.row_values(cell);
      double squares = 0;
      double with_mean = 0;
      std::int64_t n_expressed = 0;
      for (std::size_t i = 0; i < genes.size(); ++i) {
        const auto value = static_cast<double>(values[i]);
        squares += value * value;
        with_mean += value * center[as_size(genes[i])];
        n_expressed += value != 0 ? 1 : 0;
      }
      const auto row = sums.row(cell);
      row[kSumOfSquares] = static_cast<float>(squares);
      row[kExpressedInputs] = static_cast<float>(n_expressed);
      row[kProductWithMean] = static_cast<float>(with_mean);
    }
  });
  return sums;
}

TypeProfiles make_type_profiles(const NoveltyModel& novelty, std::span<const double> center,
                                const std::vector<bool>& is_present) {
  const auto n_axes = as_size(novelty.n_axes);
  const auto n_types = as_size(novelty.n_types);
  TypeProfiles profiles;
  for (std::size_t type = 0; type < n_types; ++type) {
    const auto first = novelty.means.begin() +
                       static_cast<std::ptrdiff_t>(type * as_size(novelty.n_coordinates()));
    profiles.scores.insert(profiles.scores.end(), first, first + novelty.n_axes);
  }
  profiles.of_center.resize(n_axes);
  profiles.norms.resize(n_types);
  for (std::size_t gene = 0; gene < center.size(); ++gene) {
    if (!is_there(is_present, gene)) continue;
    const auto axes = std::span(novelty.axes).subspan(gene * n_axes, n_axes);
    for (std::size_t axis = 0; axis < n_axes; ++axis) {
      profiles.of_center[axis] += center[gene] * static_cast<double>(axes[axis]);
    }
    for (std::size_t type = 0; type < n_types; ++type) {
      double value = center[gene];
      for (std::size_t axis = 0; axis < n_axes; ++axis) {
        value += profiles.scores[type * n_axes + axis] * static_cast<double>(axes[axis]);
      }
      profiles.norms[type] += value * value;
    }
  }
  for (std::size_t type = 0; type < n_types; ++type) {
    profiles.norms[type] = novelty.type_shares[type] > 0 ? std::sqrt(profiles.norms[type]) : 0;
  }
  return profiles;
}

namespace {

/// What becomes of cells and their misfits when they lose inputs.
struct MisfitChange {
  double fewer = 0;    // added to the logarithm of their expressed inputs
  double stretch = 1;  // misfits are divided by it
};

MisfitChange change_without_genes(const NoveltyModel& whole, std::span<const double> center,
                                  const std::vector<bool>& is_present) {
  if (is_present.empty()) return {};
  const TypeProfiles all = make_type_profiles(whole, center);
  const TypeProfiles some = make_type_profiles(whole, center, is_present);
  double sum_all = 0;
  double sum_some = 0;
  double variance_all = 0;
  double variance_some = 0;
  for (std::size_t gene = 0; gene < center.size(); ++gene) {
    sum_all += center[gene];
    variance_all += whole.feature_variance[gene];
    if (!is_there(is_present, gene)) continue;
    sum_some += center[gene];
    variance_some += whole.feature_variance[gene];
  }
  double stretch = 0;  // of misfits, a mean over the types
  for (std::size_t type = 0; type < all.norms.size(); ++type) {
    const double expected = expected_misfit(some.norms[type], variance_some);
    const double of_all = expected_misfit(all.norms[type], variance_all);
    stretch += whole.type_shares[type] * (expected > 0 ? of_all / expected : 1);
  }
  if (!(stretch > 0) || !(sum_some > 0)) return {};
  // Expressed inputs are fewer about as the sum of the means is less.
  return {std::log(sum_some / sum_all), stretch};
}

}  // namespace

void fit_misfit(NoveltyModel& novelty, std::span<const CellsWithInputs> training,
                std::span<const double> center, DenseView scores, DenseView sums) {
  std::vector<double> expressed;
  std::vector<double> misfits;
  double sum_expressed = 0;
  double sum_misfits = 0;
  for (const auto& [cells, has_input] : training) {
    const TypeProfiles profiles = make_type_profiles(novelty, center, has_input);
    const auto [fewer, stretch] = change_without_genes(novelty, center, has_input);
    for (const CellIndex cell : cells) {
      const auto row = sums.row(cell);
      if (row[kExpressedInputs] == 0) continue;
      expressed.push_back(log_expressed(row) - fewer);
      misfits.push_back(stretch * misfit_of(novelty, profiles, scores.row(cell), row));
      sum_expressed += expressed.back();
      sum_misfits += misfits.back();
    }
  }
  const auto n = std::max<double>(1, static_cast<double>(misfits.size()));
  const double mean_expressed = sum_expressed / n;
  const double mean_misfit = sum_misfits / n;
  double squares = 0;
  double products = 0;
  for (std::size_t i = 0; i < misfits.size(); ++i) {
    squares += (expressed[i] - mean_expressed) * (expressed[i] - mean_expressed);
    products += (expressed[i] - mean_expressed) * (misfits[i] - mean_misfit);
  }
  const double slope = squares > 0 ? products / squares : 0;
  const double intercept = mean_misfit - slope * mean_expressed;
  double rest = 0;
  for (std::size_t i = 0; i < misfits.size(); ++i) {
    const double away = misfits[i] - intercept - slope * expressed[i];
    rest += away * away;
  }
  novelty.misfit = {intercept, slope, std::max(kSmallestDeviation, std::sqrt(rest / n))};
}

std::vector<double> standard_misfits(const NoveltyModel& novelty, const TypeProfiles& profiles,
                                     DenseView scores, DenseView sums, const Context& context) {
  if (novelty.misfit.empty()) return {};
  SAITHE_ASSERT(sums.n_rows == scores.n_rows && sums.n_cols == kFeatureSums);
  std::vector<double> misfits(as_size(scores.n_rows));
  parallel_for(context, scores.n_rows, kChunkCells, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const double expected = novelty.misfit[0] + novelty.misfit[1] * log_expressed(sums.row(r));
      misfits[as_size(r)] =
          (misfit_of(novelty, profiles, scores.row(r), sums.row(r)) - expected) / novelty.misfit[2];
    }
  });
  return misfits;
}

std::vector<double> misfit_without_genes(const NoveltyModel& whole, std::span<const double> center,
                                         const std::vector<bool>& is_present) {
  const auto [fewer, stretch] = change_without_genes(whole, center, is_present);
  return {(whole.misfit[0] - whole.misfit[1] * fewer) / stretch, whole.misfit[1] / stretch,
          whole.misfit[2] / stretch};
}

}  // namespace saithe
