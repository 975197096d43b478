#include "saithe/prep/incomplete_axes.h"

#include <Eigen/Dense>
#include <vector>

namespace saithe {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Where two groups lack a quarter each, the plane of two axes is found to 0.1 % of its cosine.
constexpr int kRounds = 4;
constexpr CellIndex kBlockCells = 4096;
// Axes that a group's features hardly see count as if they saw this share of them.
constexpr double kLeastSeen = 1e-3;

bool is_measured(const CellsWithInputs& group, std::int64_t gene) {
  return group.has_input.empty() || group.has_input[as_size(gene)];
}

/// What a round takes of a group's cells.
struct GroupProducts {
  Eigen::MatrixXd of_scores;  // sum of score' score
  Eigen::VectorXd sum;        // of scores
  Matrix with_features;       // (inputs, A): sum of feature times score
};

GroupProducts products_of(const CellsWithInputs& group, const Matrix& axes,
                          const RowSource& features, const Eigen::VectorXd& center,
                          const Context& context) {
  Matrix seen_axes = axes;
  for (std::int64_t gene = 0; gene < axes.rows(); ++gene) {
    if (!is_measured(group, gene)) seen_axes.row(gene).setZero();
  }
  Eigen::MatrixXd seen = seen_axes.transpose() * seen_axes;
  seen.diagonal().array() += kLeastSeen;
  const Eigen::LDLT<Eigen::MatrixXd> solver(seen);
  const Eigen::VectorXd at_center = seen_axes.transpose() * center;
  GroupProducts products;
  products.of_scores = Eigen::MatrixXd::Zero(axes.cols(), axes.cols());
  products.sum = Eigen::VectorXd::Zero(axes.cols());
  products.with_features = Matrix::Zero(axes.rows(), axes.cols());
  const RowSelection rows(features, group.cells);
  for (CellIndex begin = 0, end = 0; begin < rows.n_rows(); begin = end) {
    context.throw_if_cancelled();
    end = rows.block_end(begin, kBlockCells, context);
    const CsrMatrix block = rows.read(begin, end, context);
    for (CellIndex row = 0; row < block.n_rows; ++row) {
      const auto genes = block.view().row_columns(row);
      const auto values = block.view().row_values(row);
      Eigen::VectorXd about = -at_center;
      for (std::size_t i = 0; i < genes.size(); ++i) {
        about += static_cast<double>(values[i]) * seen_axes.row(genes[i]).transpose();
      }
      const Eigen::VectorXd score = solver.solve(about);
      products.of_scores += score * score.transpose();
      products.sum += score;
      for (std::size_t i = 0; i < genes.size(); ++i) {
        products.with_features.row(genes[i]) += static_cast<double>(values[i]) * score.transpose();
      }
    }
  }
  return products;
}

/// The nearest matrix with orthonormal columns.
Matrix orthonormal(const Matrix& weights) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(
      Eigen::MatrixXd(weights.transpose() * weights));
  return weights * eigen.operatorInverseSqrt();
}

}  // namespace

AlignedVector<float> complete_axes(const AlignedVector<float>& axes, const RowSource& features,
                                   std::span<const CellsWithInputs> groups,
                                   std::span<const double> center, const Context& context) {
  const auto n_genes = std::ssize(center);
  const std::int64_t n_axes = std::ssize(axes) / n_genes;
  using FloatMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Matrix weights = Eigen::Map<const FloatMatrix>(axes.data(), n_genes, n_axes).cast<double>();
  const Eigen::Map<const Eigen::VectorXd> means(center.data(), n_genes);
  for (int round = 0; round < kRounds; ++round) {
    std::vector<GroupProducts> products;
    for (const CellsWithInputs& group : groups) {
      products.push_back(products_of(group, weights, features, means, context));
    }
    for (std::int64_t gene = 0; gene < n_genes; ++gene) {
      Eigen::MatrixXd of_scores = Eigen::MatrixXd::Zero(n_axes, n_axes);
      Eigen::VectorXd with_feature = Eigen::VectorXd::Zero(n_axes);
      bool is_known = false;
      for (std::size_t i = 0; i < groups.size(); ++i) {
        if (!is_measured(groups[i], gene)) continue;
        is_known = true;
        of_scores += products[i].of_scores;
        with_feature +=
            products[i].with_features.row(gene).transpose() - means(gene) * products[i].sum;
      }
      if (!is_known) continue;
      of_scores.diagonal() *= 1 + 1e-9;  // also where there are fewer cells than axes
      weights.row(gene) = of_scores.ldlt().solve(with_feature).transpose();
    }
    weights = orthonormal(weights);
  }
  const FloatMatrix result = weights.cast<float>();
  return {result.data(), result.data() + result.size()};
}

}  // namespace saithe
