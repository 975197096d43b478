#include "saithe/classify/novelty.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>

#include "saithe/classify/type_sums.h"
#include "saithe/core/parallel.h"
#include "saithe/prep/principal_axes.h"

namespace saithe {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixMap = Eigen::Map<const Matrix>;

// Share of each covariance that is left out: with few cells of many types, and with logits that
// add up to a constant, the covariance alone could not be inverted.
constexpr double kShrinkage = 0.1;
constexpr std::int64_t kChunkCells = 256;
// Coordinates without any spread (one cell a type) get this variance.
constexpr double kSmallestVariance = 1e-8;

/// The scores of a cell, then its logits.
void read_coordinates(DenseView scores, DenseView logits, std::int64_t row,
                      Eigen::RowVectorXd& coordinates) {
  const auto first = scores.row(row);
  const auto second = logits.row(row);
  double* next = std::copy(first.begin(), first.end(), coordinates.data());
  std::copy(second.begin(), second.end(), next);
}

/// The lower triangle L of the inverse covariance L L^T of `novelty`, or nothing where the
/// covariance is none.
Matrix find_whitening(const NoveltyModel& novelty) {
  const std::int64_t n = novelty.n_coordinates();
  Eigen::MatrixXd covariance = MatrixMap(novelty.covariance.data(), n, n);
  const Eigen::VectorXd variances = covariance.diagonal().cwiseMax(kSmallestVariance);
  covariance *= 1 - kShrinkage;
  covariance.diagonal() = variances;
  const Eigen::LLT<Eigen::MatrixXd> factor(covariance);
  if (factor.info() != Eigen::Success) return {};
  // covariance = F F^T: coordinates times F^-T have distances that are Euclidean.
  const Eigen::MatrixXd inverse =
      factor.matrixL().solve(Eigen::MatrixXd::Identity(n, n)).transpose();
  return inverse;
}

/// The types of a novelty score in coordinates where the covariance within types is the identity.
struct WhitenedTypes {
  Matrix whitening;
  Matrix means;  // (types, S)
};

/// Throws Error(Numerical).
WhitenedTypes whiten_types(const NoveltyModel& novelty) {
  WhitenedTypes types;
  types.whitening = find_whitening(novelty);
  if (types.whitening.size() == 0) {
    fail(ErrorKind::Numerical,
         "the novelty score has no covariance that can be inverted: features or weights are too "
         "large");
  }
  types.means =
      MatrixMap(novelty.means.data(), novelty.n_types, novelty.n_coordinates()) * types.whitening;
  return types;
}

/// Where cells of an unseen type lie, in whitened coordinates.
struct UnseenType {
  Eigen::RowVectorXd center;
  Matrix whitening;  // distances are Euclidean after it
};

UnseenType expect_unseen_type(const NoveltyModel& novelty, const Matrix& means) {
  const std::int64_t n = means.cols();
  UnseenType unseen;
  unseen.center = Eigen::RowVectorXd::Zero(n);
  double n_types = 0;  // those with training cells
  for (std::int64_t type = 0; type < means.rows(); ++type) {
    if (novelty.type_shares[as_size(type)] == 0) continue;
    unseen.center += means.row(type);
    n_types += 1;
  }
  unseen.center /= std::max(1.0, n_types);
  Eigen::MatrixXd scatter = Eigen::MatrixXd::Zero(n, n);
  for (std::int64_t type = 0; type < means.rows(); ++type) {
    if (novelty.type_shares[as_size(type)] == 0) continue;
    const Eigen::RowVectorXd away = means.row(type) - unseen.center;
    scatter.noalias() += away.transpose() * away;
  }
  const double degrees = std::max(0.0, n_types - 1);
  const double mean_variance = scatter.trace() / std::max(1.0, degrees) / static_cast<double>(n);
  Eigen::MatrixXd covariance = scatter;
  covariance.diagonal().array() += novelty.unseen_type.degrees * mean_variance;
  covariance /= degrees + novelty.unseen_type.degrees;
  covariance.diagonal().array() += 1;  // within the unseen type
  const Eigen::LLT<Eigen::MatrixXd> factor(covariance);
  unseen.whitening = factor.matrixL().solve(Eigen::MatrixXd::Identity(n, n)).transpose();
  return unseen;
}

/// 2 ln(1 + exp(x / 2)).
double above_zero(double x) {
  return x > 0 ? x + 2 * std::log1p(std::exp(-x / 2)) : 2 * std::log1p(std::exp(x / 2));
}

}  // namespace

std::span<const double> NoveltyModel::mean_logits(LabelIndex type) const {
  return std::span(means).subspan(as_size(type) * as_size(n_coordinates()) + as_size(n_axes),
                                  as_size(n_types));
}

void fit_novelty_axes(NoveltyModel& novelty, const RowSource& features,
                      std::span<const CellsWithInputs> drawn, std::span<const LabelIndex> labels,
                      std::span<const double> center, const Context& context) {
  const LabelIndex n_types = labels.empty() ? 0 : *std::ranges::max_element(labels) + 1;
  novelty.feature_variance =
      sum_features(features, drawn, labels, n_types, context).variance_within_types();
  novelty.axes = fit_principal_axes(features, drawn, center, kNoveltyAxes, context);
  novelty.n_axes = static_cast<std::int64_t>(novelty.axes.size() / center.size());
}

void fit_novelty(NoveltyModel& novelty, DenseView scores, DenseView logits,
                 std::span<const LabelIndex> labels, std::span<const CellIndex> cells) {
  novelty.n_types = logits.n_cols;
  SAITHE_ASSERT(scores.n_cols == novelty.n_axes);
  const std::int64_t n = novelty.n_coordinates();
  const auto n_all = std::max<double>(1, static_cast<double>(cells.size()));
  Matrix means = Matrix::Zero(novelty.n_types, n);
  std::vector<double> n_cells(as_size(novelty.n_types));
  Eigen::RowVectorXd x(n);
  for (const CellIndex cell : cells) {
    const LabelIndex label = labels[as_size(cell)];
    read_coordinates(scores, logits, cell, x);
    means.row(label) += x;
    n_cells[as_size(label)] += 1;
  }
  novelty.type_shares.clear();
  for (std::int64_t type = 0; type < novelty.n_types; ++type) {
    const double n_of_type = n_cells[as_size(type)];
    if (n_of_type > 0) means.row(type) /= n_of_type;
    novelty.type_shares.push_back(n_of_type / n_all);
  }
  Eigen::MatrixXd covariance = Eigen::MatrixXd::Zero(n, n);
  for (const CellIndex cell : cells) {
    read_coordinates(scores, logits, cell, x);
    x -= means.row(labels[as_size(cell)]);
    covariance.noalias() += x.transpose() * x;
  }
  covariance /= n_all;
  novelty.means.assign(means.data(), means.data() + means.size());
  novelty.covariance.assign(covariance.data(), covariance.data() + covariance.size());
}

bool has_usable_covariance(const NoveltyModel& novelty) {
  return find_whitening(novelty).size() > 0;
}

std::vector<double> novelty_distances(const NoveltyModel& novelty, DenseView scores,
                                      DenseView logits, std::span<const double> misfits,
                                      const Context& context) {
  SAITHE_ASSERT(novelty.n_types == logits.n_cols && novelty.n_axes == scores.n_cols);
  SAITHE_ASSERT(misfits.size() == (novelty.misfit.empty() ? 0 : as_size(logits.n_rows)));
  const auto [whitening, means] = whiten_types(novelty);
  const UnseenType unseen = misfits.empty() ? UnseenType() : expect_unseen_type(novelty, means);
  std::vector<double> distances(as_size(logits.n_rows));
  const auto judge = [&](std::int64_t r, Eigen::RowVectorXd& x, std::span<double> of_types) {
    read_coordinates(scores, logits, r, x);
    const Eigen::RowVectorXd z = x * whitening;
    double nearest = std::numeric_limits<double>::infinity();
    for (std::size_t type = 0; type < of_types.size(); ++type) {
      // A type without a cell lies nowhere: its share of 0 makes the distance infinite.
      of_types[type] = (z - means.row(static_cast<std::int64_t>(type))).squaredNorm() -
                       2 * std::log(novelty.type_shares[type]);
      nearest = std::min(nearest, of_types[type]);
    }
    double sum = 0;
    for (const double distance : of_types) sum += std::exp((nearest - distance) / 2);
    const double distance = nearest - 2 * std::log(sum);
    if (misfits.empty()) {
      distances[as_size(r)] = std::max(0.0, distance);
      return;
    }
    const double from_unseen = ((z - unseen.center) * unseen.whitening).squaredNorm();
    // Twice the deviations, as in -2 ln of the ratio of two normal densities so far apart.
    const double fits_worse = 2 * novelty.unseen_type.misfit * misfits[as_size(r)];
    distances[as_size(r)] =
        above_zero(static_cast<double>(z.size()) + distance - from_unseen + fits_worse);
  };
  parallel_for(context, logits.n_rows, kChunkCells, [&](std::int64_t begin, std::int64_t end) {
    Eigen::RowVectorXd x(novelty.n_coordinates());
    std::vector<double> of_types(as_size(novelty.n_types));
    for (std::int64_t r = begin; r < end; ++r) judge(r, x, of_types);
  });
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
