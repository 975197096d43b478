#include "saithe/prep/principal_axes.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <vector>

#include "saithe/core/parallel.h"
#include "saithe/core/random.h"
#include "saithe/kernels/cpu/weighted_rows.h"

namespace saithe {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Vectors beyond those wanted: the subspace finds its last axes badly.
constexpr int kSpareVectors = 12;
// The part of an axis whose variance is half of the first left out shrinks 4^-6 times.
constexpr int kIterations = 6;
// Chunks have fixed borders, so that every sum has one order.
constexpr std::int64_t kChunkCells = 256;
constexpr std::int64_t kChunkGenes = 64;

/// Products of the centred cells A with a few vectors, which are columns of padded tables.
class CenteredCells {
 public:
  CenteredCells(CsrMatrix by_cell, std::span<const double> center, int n_vectors,
                const Context& context)
      : context_(context),
        width_(kernels::cpu::padded_width(as_size(n_vectors))),
        by_cell_(std::move(by_cell)),
        by_gene_(transpose(by_cell_.view())),
        center_(center.begin(), center.end()) {}

  [[nodiscard]] std::int64_t width() const { return static_cast<std::int64_t>(width_); }

  /// A q: (cells, width).
  [[nodiscard]] Matrix project(const Matrix& q) const {
    Eigen::RowVectorXd at_center = Eigen::RowVectorXd::Zero(width());
    for (std::size_t gene = 0; gene < center_.size(); ++gene) {
      at_center += center_[gene] * q.row(static_cast<std::int64_t>(gene));
    }
    Matrix y(by_cell_.n_rows, width());
    multiply(by_cell_, kChunkCells, q, y, [&](std::int64_t row) { y.row(row) = -at_center; });
    return y;
  }

  /// A^T y: (genes, width).
  [[nodiscard]] Matrix back(const Matrix& y) const {
    Eigen::RowVectorXd sum = Eigen::RowVectorXd::Zero(width());
    for (std::int64_t cell = 0; cell < y.rows(); ++cell) sum += y.row(cell);
    Matrix q(by_gene_.n_rows, width());
    multiply(by_gene_, kChunkGenes, y, q,
             [&](std::int64_t gene) { q.row(gene) = -center_[as_size(gene)] * sum; });
    return q;
  }

 private:
  template <typename Begin>
  void multiply(const CsrMatrix& sparse, std::int64_t chunk, const Matrix& table, Matrix& result,
                const Begin& begin_row) const {
    parallel_for(context_, sparse.n_rows, chunk, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        begin_row(row);
        const auto columns = sparse.view().row_columns(static_cast<CellIndex>(row));
        kernels::cpu::add_weighted_rows(
            sparse.view().row_values(static_cast<CellIndex>(row)).data(), columns.data(),
            columns.size(), table.data(), width_, result.row(row).data());
      }
    });
  }

  const Context& context_;
  std::size_t width_;
  CsrMatrix by_cell_;
  CsrMatrix by_gene_;
  std::vector<double> center_;
};

/// An orthonormal basis of the first n columns of `vectors`, in their place; the padding stays 0.
void orthonormalize(Matrix& vectors, int n) {
  const Eigen::MatrixXd columns = vectors.leftCols(n);
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(columns);
  vectors.leftCols(n) = qr.householderQ() * Eigen::MatrixXd::Identity(columns.rows(), n);
}

}  // namespace

AlignedVector<float> fit_principal_axes(CsrMatrix features, std::span<const double> center,
                                        int n_axes, const Context& context) {
  const auto n_genes = static_cast<std::int64_t>(features.n_cols);
  SAITHE_ASSERT(center.size() == as_size(n_genes) && n_axes > 0);
  const auto most = std::min<std::int64_t>(n_genes, features.n_rows);
  const int n_kept = static_cast<int>(std::min<std::int64_t>(n_axes, most));
  const int n_vectors = static_cast<int>(std::min<std::int64_t>(n_axes + kSpareVectors, most));
  const CenteredCells centered(std::move(features), center, n_vectors, context);

  Matrix vectors = Matrix::Zero(n_genes, centered.width());
  const Random random(context.seed(), stream::kAxes);
  std::uint64_t index = 0;
  for (std::int64_t gene = 0; gene < vectors.rows(); ++gene) {
    for (int v = 0; v < n_vectors; ++v) vectors(gene, v) = random.normal(index++);
  }
  orthonormalize(vectors, n_vectors);
  for (int i = 0; i < kIterations; ++i) {
    context.throw_if_cancelled();
    vectors = centered.back(centered.project(vectors));
    orthonormalize(vectors, n_vectors);
  }
  // Within the subspace the axes are exact: eigenvectors of its own small covariance.
  const Matrix scores = centered.project(vectors);
  Eigen::MatrixXd covariance = Eigen::MatrixXd::Zero(n_vectors, n_vectors);
  for (std::int64_t cell = 0; cell < scores.rows(); ++cell) {
    const Eigen::VectorXd row = scores.row(cell).head(n_vectors);
    covariance.noalias() += row * row.transpose();
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(covariance);
  const Eigen::MatrixXd turn = eigen.eigenvectors().rightCols(n_kept).rowwise().reverse();
  Matrix axes = vectors.leftCols(n_vectors) * turn;
  AlignedVector<float> result(as_size(n_genes) * as_size(n_kept));
  for (int a = 0; a < n_kept; ++a) {
    std::int64_t largest = 0;
    axes.col(a).cwiseAbs().maxCoeff(&largest);
    const double sign = axes(largest, a) < 0 ? -1 : 1;
    for (std::int64_t gene = 0; gene < axes.rows(); ++gene) {
      result[as_size(gene * n_kept + a)] = static_cast<float>(sign * axes(gene, a));
    }
  }
  return result;
}

}  // namespace saithe
