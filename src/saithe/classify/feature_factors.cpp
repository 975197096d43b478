#include "saithe/classify/feature_factors.h"

#include <algorithm>
#include <vector>

namespace saithe {
namespace {

using Matrix = RowMajorMatrix;
using MatrixMap = Eigen::Map<const Matrix>;
using ConstFloatMap =
    Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

// What no cell tells counts as little as this share of a cell that tells it.
constexpr double kRidge = 1e-4;
// The residual variances follow from the covariance of the factors, which follows from them.
constexpr int kRounds = 5;

Matrix axes_of(const NoveltyModel& novelty) {
  const auto n_genes = static_cast<std::int64_t>(novelty.feature_variance.size());
  return ConstFloatMap(novelty.axes.data(), n_genes, novelty.n_axes).cast<double>();
}

/// The same without what is below 0.
Eigen::MatrixXd positive_part(const Eigen::MatrixXd& symmetric) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(symmetric);
  return eigen.eigenvectors() * eigen.eigenvalues().cwiseMax(0.0).asDiagonal() *
         eigen.eigenvectors().transpose();
}

/// R of features with this variance whose scores have the covariance `scores`.
Eigen::VectorXd residual_of(const NoveltyModel& novelty, const Matrix& axes,
                            const Eigen::MatrixXd& scores) {
  const Eigen::Map<const Eigen::VectorXd> variance(novelty.feature_variance.data(), axes.rows());
  const Eigen::VectorXd explained = (axes * scores).cwiseProduct(axes).rowwise().sum();
  return (variance - explained).cwiseMax(0.0);
}

void store(const Matrix& matrix, std::vector<double>& values) {
  values.assign(matrix.data(), matrix.data() + matrix.size());
}

/// The training cells of a group.
struct GroupScatter {
  Matrix axes;              // V, 0 where an input is missing
  Eigen::MatrixXd seen;     // V' V of the inputs that are there
  Eigen::MatrixXd scatter;  // of scores within types
  double n_cells = 0;
};

Matrix away_from(std::span<const double> center, const Matrix& type_means) {
  return type_means.rowwise() -
         Eigen::Map<const Eigen::RowVectorXd>(center.data(), std::ssize(center));
}

/// `of_types` (types, inputs): mean features about the center.
GroupScatter scatter_of(const CellsWithInputs& group, const Matrix& axes, const Matrix& of_types,
                        DenseView scores, std::span<const LabelIndex> labels) {
  GroupScatter result;
  result.axes = axes;
  for (std::size_t gene = 0; gene < group.has_input.size(); ++gene) {
    if (!group.has_input[gene]) result.axes.row(static_cast<std::int64_t>(gene)).setZero();
  }
  result.seen = result.axes.transpose() * result.axes;
  result.n_cells = static_cast<double>(group.cells.size());
  result.scatter = Eigen::MatrixXd::Zero(axes.cols(), axes.cols());
  const Matrix expected = of_types * result.axes;
  for (const CellIndex cell : group.cells) {
    const Eigen::RowVectorXd away =
        Eigen::Map<const Eigen::RowVectorXf>(scores.row(cell).data(), axes.cols()).cast<double>() -
        expected.row(labels[as_size(cell)]);
    result.scatter.noalias() += away.transpose() * away;
  }
  return result;
}

/// C: of a group's cells the scores' covariance is seen * C * seen and what the residuals add.
Eigen::MatrixXd fit_within(const std::vector<GroupScatter>& groups,
                           const Eigen::VectorXd& residual) {
  const std::int64_t n_axes = groups.front().seen.cols();
  Eigen::MatrixXd left = Eigen::MatrixXd::Zero(n_axes * n_axes, n_axes * n_axes);
  Eigen::MatrixXd right = Eigen::MatrixXd::Zero(n_axes, n_axes);
  double n_cells = 0;
  for (const GroupScatter& group : groups) {
    const Eigen::MatrixXd squared = group.seen * group.seen;
    for (std::int64_t row = 0; row < n_axes; ++row) {
      for (std::int64_t column = 0; column < n_axes; ++column) {
        left.block(row * n_axes, column * n_axes, n_axes, n_axes) +=
            group.n_cells * squared(row, column) * squared;
      }
    }
    const Eigen::MatrixXd added = group.axes.transpose() * residual.asDiagonal() * group.axes;
    right += group.seen * (group.scatter - group.n_cells * added) * group.seen;
    n_cells += group.n_cells;
  }
  left.diagonal().array() += kRidge * n_cells;
  const Eigen::VectorXd solved =
      left.ldlt().solve(Eigen::Map<const Eigen::VectorXd>(right.data(), right.size()));
  const Eigen::MatrixXd within = Eigen::Map<const Eigen::MatrixXd>(solved.data(), n_axes, n_axes);
  return positive_part(0.5 * (within + within.transpose()));
}

}  // namespace

RowMajorMatrix FeatureFactors::covariance_of(const RowMajorMatrix& weights) const {
  const Matrix of_axes = axes.transpose() * weights;
  const Matrix covariance = of_axes.transpose() * within * of_axes +
                            weights.transpose() * residual.asDiagonal() * weights;
  return 0.5 * (covariance + covariance.transpose());  // models are refused where it is not even
}

FeatureFactors feature_factors(const NoveltyModel& novelty) {
  const std::int64_t n = novelty.n_coordinates();
  FeatureFactors factors;
  factors.axes = axes_of(novelty);
  factors.type_means = MatrixMap(novelty.means.data(), novelty.n_types, n).leftCols(novelty.n_axes);
  const Eigen::MatrixXd scores =
      MatrixMap(novelty.covariance.data(), n, n).topLeftCorner(novelty.n_axes, novelty.n_axes);
  factors.residual = residual_of(novelty, factors.axes, scores);
  // The scores' covariance less what the residuals add to it.
  factors.within = positive_part(scores - factors.axes.transpose() * factors.residual.asDiagonal() *
                                              factors.axes);
  const Eigen::Map<const Eigen::VectorXd> shares(novelty.type_shares.data(), novelty.n_types);
  const Eigen::RowVectorXd center = shares.transpose() * factors.type_means;
  const Matrix away = factors.type_means.rowwise() - center;
  factors.all = factors.within + away.transpose() * shares.asDiagonal() * away;
  return factors;
}

RowMajorMatrix coordinate_weights(const NoveltyModel& novelty, std::span<const float> weights) {
  const Matrix axes = axes_of(novelty);
  Matrix both(axes.rows(), novelty.n_coordinates());
  both << axes, ConstFloatMap(weights.data(), axes.rows(), novelty.n_types).cast<double>();
  return both;
}

void take_factor_covariance(NoveltyModel& novelty, std::span<const float> weights) {
  store(feature_factors(novelty).covariance_of(coordinate_weights(novelty, weights)),
        novelty.covariance);
}

RowMajorMatrix fit_type_means(const NoveltyModel& novelty, const FeatureSumsOfTypes& sums,
                              std::span<const double> center) {
  const Matrix axes = axes_of(novelty);
  Matrix means(std::ssize(sums.types), axes.rows());
  for (std::int64_t type = 0; type < means.rows(); ++type) {
    const TypeSums& of_type = sums.types[as_size(type)];
    // The scores of the type's mean, from the features that were measured: seen * m = about.
    Eigen::MatrixXd seen = kRidge * Eigen::MatrixXd::Identity(axes.cols(), axes.cols());
    Eigen::VectorXd about = Eigen::VectorXd::Zero(axes.cols());
    std::vector<std::int64_t> unknown;
    for (std::int64_t gene = 0; gene < axes.rows(); ++gene) {
      const double n_cells = of_type.n_cells[as_size(gene)];
      if (n_cells == 0) {
        unknown.push_back(gene);
        continue;
      }
      means(type, gene) = of_type.values[as_size(gene)] / n_cells;
      about += axes.row(gene).transpose() * (means(type, gene) - center[as_size(gene)]);
      seen.noalias() += axes.row(gene).transpose() * axes.row(gene);
    }
    const Eigen::VectorXd scores = seen.ldlt().solve(about);
    for (const std::int64_t gene : unknown) {
      means(type, gene) = center[as_size(gene)] + axes.row(gene).dot(scores);
    }
  }
  return means;
}

void fit_scores_of_groups(NoveltyModel& novelty, const RowMajorMatrix& type_means,
                          std::span<const double> center, DenseView scores,
                          std::span<const LabelIndex> labels,
                          std::span<const CellsWithInputs> groups) {
  const Matrix axes = axes_of(novelty);
  const Matrix of_types = away_from(center, type_means);
  novelty.n_types = type_means.rows();
  novelty.type_shares.assign(as_size(novelty.n_types), 0);
  std::vector<GroupScatter> scatters;
  double n_cells = 0;
  for (const CellsWithInputs& group : groups) {
    scatters.push_back(scatter_of(group, axes, of_types, scores, labels));
    for (const CellIndex cell : group.cells) {
      novelty.type_shares[as_size(labels[as_size(cell)])] += 1;
    }
    n_cells += scatters.back().n_cells;
  }
  for (double& share : novelty.type_shares) share /= std::max(1.0, n_cells);
  Eigen::VectorXd residual =
      Eigen::Map<const Eigen::VectorXd>(novelty.feature_variance.data(), axes.rows());
  Eigen::MatrixXd of_scores;
  for (int round = 0; round < kRounds; ++round) {
    of_scores = fit_within(scatters, residual) + axes.transpose() * residual.asDiagonal() * axes;
    residual = residual_of(novelty, axes, of_scores);
  }
  const std::int64_t n = novelty.n_coordinates();
  Matrix means = Matrix::Zero(novelty.n_types, n);
  means.leftCols(axes.cols()) = of_types * axes;
  store(means, novelty.means);
  Matrix covariance = Matrix::Zero(n, n);
  covariance.topLeftCorner(axes.cols(), axes.cols()) = of_scores;
  store(covariance, novelty.covariance);
}

}  // namespace saithe
