#include "saithe/classify/novelty.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>

namespace saithe {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Share of the covariance that is its mean variance on the diagonal: with few cells of many types
// the covariance alone could not be inverted.
constexpr double kShrinkage = 0.1;
// Logits without any spread (one cell a type) get this variance.
constexpr double kSmallestVariance = 1e-8;

}  // namespace

NoveltyModel fit_novelty(DenseView logits, std::span<const LabelIndex> labels,
                         std::span<const CellIndex> cells) {
  const std::int64_t n_types = logits.n_cols;
  Matrix means = Matrix::Zero(n_types, n_types);
  std::vector<double> n_cells(as_size(n_types));
  const auto row_of = [&](CellIndex cell) {
    const auto row = logits.row(cell);
    return Eigen::Map<const Eigen::RowVectorXf>(row.data(), n_types).cast<double>();
  };
  for (const CellIndex cell : cells) {
    const LabelIndex label = labels[as_size(cell)];
    means.row(label) += row_of(cell);
    n_cells[as_size(label)] += 1;
  }
  for (std::int64_t type = 0; type < n_types; ++type) {
    // A type without a cell lies nowhere: no cell is near it.
    if (n_cells[as_size(type)] > 0)
      means.row(type) /= n_cells[as_size(type)];
    else
      means.row(type).setConstant(std::numeric_limits<float>::max());
  }
  Matrix covariance = Matrix::Zero(n_types, n_types);
  for (const CellIndex cell : cells) {
    const Eigen::RowVectorXd distance = row_of(cell) - means.row(labels[as_size(cell)]);
    covariance.noalias() += distance.transpose() * distance;
  }
  covariance /= std::max<double>(1, static_cast<double>(cells.size()));
  const double variance =
      std::max(covariance.trace() / static_cast<double>(n_types), kSmallestVariance);
  covariance *= 1 - kShrinkage;
  covariance.diagonal().array() += kShrinkage * variance;
  const Matrix precision = covariance.llt().solve(Matrix::Identity(n_types, n_types));
  NoveltyModel novelty;
  novelty.n_types = n_types;
  novelty.means.assign(means.data(), means.data() + means.size());
  novelty.precision.assign(precision.data(), precision.data() + precision.size());
  return novelty;
}

std::vector<double> novelty_distances(const NoveltyModel& novelty, DenseView logits) {
  SAITHE_ASSERT(novelty.n_types == logits.n_cols);
  const Eigen::Map<const Matrix> means(novelty.means.data(), novelty.n_types, novelty.n_types);
  const Eigen::Map<const Matrix> precision(novelty.precision.data(), novelty.n_types,
                                           novelty.n_types);
  std::vector<double> distances(as_size(logits.n_rows));
  for (std::int64_t r = 0; r < logits.n_rows; ++r) {
    const auto row = logits.row(r);
    const Eigen::RowVectorXd x =
        Eigen::Map<const Eigen::RowVectorXf>(row.data(), novelty.n_types).cast<double>();
    double nearest = std::numeric_limits<double>::infinity();
    for (std::int64_t type = 0; type < novelty.n_types; ++type) {
      const Eigen::RowVectorXd d = x - means.row(type);
      nearest = std::min(nearest, (d * precision).dot(d));
    }
    distances[as_size(r)] = nearest;
  }
  return distances;
}

std::vector<double> distance_quantiles(std::vector<double> distances) {
  if (distances.empty()) return {};
  std::sort(distances.begin(), distances.end());
  std::vector<double> quantiles;
  for (std::size_t i = 0; i < kNoveltyQuantiles; ++i) {
    const double position = static_cast<double>(i) / (kNoveltyQuantiles - 1) *
                            static_cast<double>(distances.size() - 1);
    const auto low = static_cast<std::size_t>(position);
    const std::size_t high = std::min(low + 1, distances.size() - 1);
    const double share = position - static_cast<double>(low);
    quantiles.push_back(distances[low] + share * (distances[high] - distances[low]));
  }
  return quantiles;
}

double novelty_threshold(const NoveltyModel& novelty, double false_reject_rate) {
  if (!(false_reject_rate >= 0 && false_reject_rate < 1)) {
    fail(ErrorKind::InvalidArgument, "--false-reject-rate: {} is not from 0 to below 1",
         false_reject_rate);
  }
  if (novelty.held_out_quantiles.empty() || false_reject_rate == 0) {
    return std::numeric_limits<double>::infinity();
  }
  const double position = (1 - false_reject_rate) * (kNoveltyQuantiles - 1);
  const auto low = static_cast<std::size_t>(position);
  const std::size_t high = std::min(low + 1, kNoveltyQuantiles - 1);
  const double share = position - static_cast<double>(low);
  const auto& q = novelty.held_out_quantiles;
  return q[low] + share * (q[high] - q[low]);
}

}  // namespace saithe
