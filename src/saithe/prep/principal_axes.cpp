#include "saithe/prep/principal_axes.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <vector>

#include "saithe/core/parallel.h"
#include "saithe/core/random.h"
#include "saithe/kernels/cpu/weighted_rows.h"
#include "saithe/matrix/two_way_rows.h"
#include "saithe/prep/incomplete_axes.h"

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
// Of the memory for values: as much as the features of a linear member had, which are gone.
constexpr std::int64_t kAxesShare = 4;

/// Products of the centred cells A with a few vectors, which are columns of padded tables. Sums
/// take cells in their order, so that their bits do not depend on where a block ends.
class CenteredCells {
 public:
  CenteredCells(const RowSelection& features, std::span<const double> center, int n_vectors,
                const Context& context)
      : context_(context),
        width_(kernels::cpu::padded_width(as_size(n_vectors))),
        cells_(features, context.max_memory / kAxesShare, context),
        center_(center.begin(), center.end()) {}

  [[nodiscard]] std::int64_t width() const { return static_cast<std::int64_t>(width_); }

  /// A q: (cells, width).
  [[nodiscard]] Matrix project(const Matrix& q) {
    Eigen::RowVectorXd at_center = Eigen::RowVectorXd::Zero(width());
    for (std::size_t gene = 0; gene < center_.size(); ++gene) {
      at_center += center_[gene] * q.row(static_cast<std::int64_t>(gene));
    }
    Matrix y(cells_.n_rows(), width());
    for (std::int64_t cell = 0; cell < y.rows(); ++cell) y.row(cell) = -at_center;
    for (std::size_t i = 0; i < cells_.n_blocks(); ++i) {
      const TwoWayBlock& block = cells_.block(i);
      multiply(block.by_row, kChunkCells, q.data(), y.row(block.begin).data());
    }
    return y;
  }

  /// A^T y: (genes, width).
  [[nodiscard]] Matrix back(const Matrix& y) {
    Eigen::RowVectorXd sum = Eigen::RowVectorXd::Zero(width());
    for (std::int64_t cell = 0; cell < y.rows(); ++cell) sum += y.row(cell);
    Matrix q(static_cast<std::int64_t>(center_.size()), width());
    for (std::int64_t gene = 0; gene < q.rows(); ++gene) {
      q.row(gene) = -center_[as_size(gene)] * sum;
    }
    for (std::size_t i = 0; i < cells_.n_blocks(); ++i) {
      const TwoWayBlock& block = cells_.block(i);
      multiply(block.by_column, kChunkGenes, y.row(block.begin).data(), q.data());
    }
    return q;
  }

 private:
  /// Adds the product of sparse rows with a table to the rows of `result`.
  void multiply(const CsrMatrix& sparse, std::int64_t chunk, const double* table,
                double* result) const {
    parallel_for(context_, sparse.n_rows, chunk, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        const auto columns = sparse.view().row_columns(row);
        if (columns.empty()) continue;
        kernels::cpu::add_weighted_rows(sparse.view().row_values(row).data(), columns.data(),
                                        columns.size(), table, width_,
                                        result + as_size(row) * width_);
      }
    });
  }

  const Context& context_;
  std::size_t width_;
  TwoWayRows cells_;
  std::vector<double> center_;
};

/// An orthonormal basis of the first n columns of `vectors`, in their place; the padding stays 0.
void orthonormalize(Matrix& vectors, int n) {
  const Eigen::MatrixXd columns = vectors.leftCols(n);
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(columns);
  vectors.leftCols(n) = qr.householderQ() * Eigen::MatrixXd::Identity(columns.rows(), n);
}

}  // namespace

AlignedVector<float> fit_principal_axes(const RowSelection& features,
                                        std::span<const double> center, int n_axes,
                                        const Context& context) {
  const auto n_genes = static_cast<std::int64_t>(features.n_cols());
  SAITHE_ASSERT(center.size() == as_size(n_genes) && n_axes > 0);
  const auto most = std::min<std::int64_t>(n_genes, features.n_rows());
  const int n_kept = static_cast<int>(std::min<std::int64_t>(n_axes, most));
  const int n_vectors = static_cast<int>(std::min<std::int64_t>(n_axes + kSpareVectors, most));
  CenteredCells centered(features, center, n_vectors, context);

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

AlignedVector<float> fit_principal_axes(const RowSource& features,
                                        std::span<const CellsWithInputs> groups,
                                        std::span<const double> center, int n_axes,
                                        const Context& context) {
  std::vector<CellIndex> rows;
  bool lacks_any = false;
  for (const auto& [cells, has_input] : groups) {
    rows.insert(rows.end(), cells.begin(), cells.end());
    lacks_any = lacks_any || !has_input.empty();
  }
  const auto axes = fit_principal_axes(RowSelection(features, rows), center, n_axes, context);
  return lacks_any ? complete_axes(axes, features, groups, center, context) : axes;
}

}  // namespace saithe
