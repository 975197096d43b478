#include "saithe/embed/spectral_layout.h"

#include <Spectra/SymEigsSolver.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "saithe/core/parallel.h"
#include "saithe/core/random.h"
#include "saithe/embed/fuzzy_graph.h"

namespace saithe::embed {
namespace {

constexpr std::int64_t kChunkPoints = 1024;
// Components below this size have no shape worth an eigenvector.
constexpr std::int64_t kSmallComponent = 6;

/// D^-1/2 W D^-1/2 of a connected graph, as an operator for the eigensolver.
class NormalisedGraph {
 public:
  using Scalar = double;
  NormalisedGraph(const CsrView& graph, const Context& context)
      : graph_(graph), context_(context), root_(as_size(graph.n_rows)) {
    for (CellIndex point = 0; point < graph.n_rows; ++point) {
      double degree = 0;
      for (const float weight : graph.row_values(point)) degree += static_cast<double>(weight);
      root_[as_size(point)] = degree > 0 ? 1 / std::sqrt(degree) : 0;
    }
  }
  [[nodiscard]] Eigen::Index rows() const { return graph_.n_rows; }
  [[nodiscard]] Eigen::Index cols() const { return graph_.n_rows; }
  void perform_op(const double* x, double* y) const {
    parallel_for(context_, graph_.n_rows, kChunkPoints, [&](std::int64_t begin, std::int64_t end) {
      for (CellIndex point = begin; point < end; ++point) {
        const auto columns = graph_.row_columns(point);
        const auto weights = graph_.row_values(point);
        double sum = 0;
        for (std::size_t i = 0; i < columns.size(); ++i) {
          const auto other = as_size(columns[i]);
          sum += static_cast<double>(weights[i]) * root_[other] * x[other];
        }
        y[point] = sum * root_[as_size(point)];
      }
    });
  }

 private:
  CsrView graph_;
  const Context& context_;
  std::vector<double> root_;
};

/// Two smooth vectors by repeated averaging, where the eigensolver does not converge.
Eigen::MatrixXd smoothed_start(const NormalisedGraph& graph, const Context& context) {
  const Random random(context.seed(), stream::kUmap);
  Eigen::MatrixXd vectors(graph.rows(), 3);
  for (Eigen::Index c = 0; c < 3; ++c) {
    for (Eigen::Index r = 0; r < graph.rows(); ++r) {
      vectors(r, c) = random.normal(static_cast<std::uint64_t>(r * 3 + c));
    }
  }
  Eigen::VectorXd next(graph.rows());
  for (int round = 0; round < 100; ++round) {
    for (Eigen::Index c = 0; c < 3; ++c) {
      graph.perform_op(vectors.col(c).data(), next.data());
      vectors.col(c) = 0.5 * (vectors.col(c) + next);
    }
    const Eigen::HouseholderQR<Eigen::MatrixXd> qr(vectors);
    vectors = qr.householderQ() * Eigen::MatrixXd::Identity(graph.rows(), 3);
  }
  return vectors;
}

/// The second and third eigenvector of a connected graph; signs fixed by the largest entry.
DenseMatrix connected_layout(const CsrView& graph, const Context& context) {
  const NormalisedGraph normalised(graph, context);
  const Eigen::Index n = graph.n_rows;
  const Eigen::Index n_lanczos = std::min<Eigen::Index>(
      n,
      std::max<Eigen::Index>(24, static_cast<Eigen::Index>(std::sqrt(static_cast<double>(n)) / 4)));
  Spectra::SymEigsSolver<NormalisedGraph> solver(const_cast<NormalisedGraph&>(normalised), 3,
                                                 n_lanczos);
  solver.init();
  const Eigen::Index n_found = solver.compute(Spectra::SortRule::LargestAlge, 200, 1e-4);
  const Eigen::MatrixXd vectors =
      n_found >= 3 ? Eigen::MatrixXd(solver.eigenvectors(3)) : smoothed_start(normalised, context);
  DenseMatrix layout(n, 2);
  for (Eigen::Index c = 0; c < 2; ++c) {
    Eigen::Index largest = 0;
    vectors.col(c + 1).cwiseAbs().maxCoeff(&largest);
    const double sign = vectors(largest, c + 1) < 0 ? -1 : 1;
    for (Eigen::Index r = 0; r < n; ++r)
      layout(r, c) = static_cast<float>(sign * vectors(r, c + 1));
  }
  return layout;
}

/// The points of each component.
std::vector<std::vector<CellIndex>> members_of(const std::vector<std::int32_t>& component,
                                               std::int32_t n_components) {
  std::vector<std::vector<CellIndex>> members(as_size(n_components));
  for (std::size_t point = 0; point < component.size(); ++point) {
    members[as_size(component[point])].push_back(static_cast<CellIndex>(point));
  }
  return members;
}

/// Places of the components: up to four on the axes, more by the principal axes of their means.
DenseMatrix component_places(const std::vector<std::vector<CellIndex>>& members, DenseView points) {
  const auto n = static_cast<std::int64_t>(members.size());
  DenseMatrix places(n, 2);
  if (n <= 4) {
    static constexpr float kAxes[4][2] = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}};
    for (std::int64_t c = 0; c < n; ++c) {
      places(c, 0) = kAxes[c][0];
      places(c, 1) = kAxes[c][1];
    }
    return places;
  }
  Eigen::MatrixXd means = Eigen::MatrixXd::Zero(n, points.n_cols);
  for (std::int64_t c = 0; c < n; ++c) {
    for (const CellIndex point : members[as_size(c)]) {
      for (std::int64_t d = 0; d < points.n_cols; ++d)
        means(c, d) += static_cast<double>(points(point, d));
    }
    means.row(c) /= static_cast<double>(members[as_size(c)].size());
  }
  means.rowwise() -= means.colwise().mean().eval();
  // By the smaller of the two Gram matrices; hundreds of components are no trouble.
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(means * means.transpose());
  for (int axis = 0; axis < 2; ++axis) {
    const Eigen::VectorXd vector = solver.eigenvectors().col(n - 1 - axis);
    Eigen::Index largest = 0;
    vector.cwiseAbs().maxCoeff(&largest);
    const double scale =
        (vector(largest) < 0 ? -1 : 1) / std::max(std::abs(vector(largest)), 1e-300);
    for (std::int64_t c = 0; c < n; ++c) places(c, axis) = static_cast<float>(vector(c) * scale);
  }
  return places;
}

/// Half the distance to the nearest other place: the room of a component.
double room_of(const DenseMatrix& places, std::int64_t c) {
  double smallest = std::numeric_limits<double>::infinity();
  for (std::int64_t other = 0; other < places.n_rows(); ++other) {
    if (other == c) continue;
    smallest = std::min(smallest, std::hypot(static_cast<double>(places(c, 0) - places(other, 0)),
                                             static_cast<double>(places(c, 1) - places(other, 1))));
  }
  return std::max(smallest / 2, 1e-3);
}

/// The rows and columns `members` of the graph.
CsrMatrix subgraph(const CsrView& graph, std::span<const CellIndex> members) {
  std::vector<GeneIndex> new_column(as_size(graph.n_cols), -1);
  for (std::size_t i = 0; i < members.size(); ++i) {
    new_column[as_size(members[i])] = static_cast<GeneIndex>(i);
  }
  return map_columns(select_rows(graph, members).view(), new_column,
                     static_cast<GeneIndex>(members.size()));
}

}  // namespace

DenseMatrix spectral_layout(const CsrView& graph, DenseView points, const Context& context) {
  std::int32_t n_components = 0;
  const auto component = connected_components(graph, n_components);
  if (n_components == 1 && graph.n_rows >= kSmallComponent) return connected_layout(graph, context);
  const auto members = members_of(component, n_components);
  const DenseMatrix places =
      n_components == 1 ? DenseMatrix(1, 2) : component_places(members, points);
  const Random random(context.seed(), stream::kUmap);
  DenseMatrix layout(graph.n_rows, 2);
  for (std::int32_t c = 0; c < n_components; ++c) {
    const auto& mine = members[as_size(c)];
    const double room = n_components == 1 ? 1.0 : room_of(places, c);
    const auto n = static_cast<std::int64_t>(mine.size());
    DenseMatrix local(n, 2);
    if (n >= kSmallComponent) {
      local = connected_layout(subgraph(graph, mine).view(), context);
    } else {
      for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t d = 0; d < 2; ++d) {
          const auto index = static_cast<std::uint64_t>(2 * mine[as_size(i)] + d);
          local(i, d) = 2.0F * random.uniform_float(index) - 1.0F;
        }
      }
    }
    float largest = 1e-12F;
    for (std::int64_t i = 0; i < 2 * n; ++i) largest = std::max(largest, std::abs(local.data()[i]));
    const auto scale = static_cast<float>(room) / largest;
    for (std::int64_t i = 0; i < n; ++i) {
      for (std::int64_t d = 0; d < 2; ++d)
        layout(mine[as_size(i)], d) = places(c, d) + local(i, d) * scale;
    }
  }
  return layout;
}

}  // namespace saithe::embed
