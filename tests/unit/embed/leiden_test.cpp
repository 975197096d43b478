// Clusters of graphs: what holds for every graph, and what is refused.

#include "saithe/embed/leiden.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <limits>

#include "saithe/core/error.h"
#include "saithe/core/random.h"
#include "saithe/embed/fuzzy_graph.h"
#include "saithe/embed/neighbors.h"
#include "support/random_points.h"

namespace saithe {
namespace {

CsrMatrix neighbor_graph(std::int64_t n_points, std::int64_t n_clouds, double apart) {
  const DenseMatrix points = testing::clouds(n_points, 8, n_clouds, apart);
  return embed::fuzzy_graph(find_neighbors(points.view(), 9, Context(1)), 10, Context(1));
}

/// Two triangles joined by a weak link.
CsrMatrix two_triangles() {
  const std::vector<WeightedEdge> edges = {{0, 1, 1},    {1, 2, 1}, {0, 2, 1},   {2, 3, 0.1F},
                                           {3, 4, 1.5F}, {4, 5, 1}, {3, 5, 0.5F}};
  return graph_from_edges(6, edges);
}

/// The definition, pair by pair.
double modularity_by_pairs(const CsrView& graph, const std::vector<std::int32_t>& clusters,
                           double resolution) {
  const auto n = as_size(graph.n_rows);
  std::vector<double> matrix(n * n);
  std::vector<double> strength(n);
  double total = 0;
  for (CellIndex a = 0; a < graph.n_rows; ++a) {
    for (std::size_t i = 0; i < graph.row_size(a); ++i) {
      const auto weight = static_cast<double>(graph.row_values(a)[i]);
      matrix[as_size(a) * n + as_size(graph.row_columns(a)[i])] = weight;
      strength[as_size(a)] += weight;
      total += weight;
    }
  }
  double sum = 0;
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = 0; b < n; ++b) {
      if (clusters[a] != clusters[b]) continue;
      sum += matrix[a * n + b] - resolution * strength[a] * strength[b] / total;
    }
  }
  return sum / total;
}

ErrorKind kind_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.kind();
  }
  return ErrorKind::Internal;
}

TEST(GraphFromEdges, AddsUpLinksAndCountsLoopsTwice) {
  const std::vector<WeightedEdge> edges = {{0, 2, 1}, {2, 0, 0.5F}, {1, 1, 2}};
  const CsrMatrix graph = graph_from_edges(4, edges);
  EXPECT_EQ(graph.row_start, (std::vector<RowPointer>{0, 1, 2, 3, 3}));
  EXPECT_EQ(graph.columns, (std::vector<GeneIndex>{2, 1, 0}));
  EXPECT_EQ(graph.values, (std::vector<float>{1.5F, 4, 1.5F}));
}

TEST(GraphFromEdges, RefusesNodesAndWeightsOutOfRange) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const WeightedEdge edge :
       {WeightedEdge{0, 3, 1}, {-1, 0, 1}, {0, 1, -1}, {0, 1, nan}, {0, 1, 1 / 0.0F}}) {
    EXPECT_EQ(kind_of([&] { graph_from_edges(3, std::span(&edge, 1)); }),
              ErrorKind::InvalidArgument);
  }
}

TEST(Modularity, IsItsDefinition) {
  const CsrMatrix graph = neighbor_graph(60, 3, 4);
  const Random random(4, 1);
  for (std::uint64_t draw = 0; draw < 5; ++draw) {
    std::vector<std::int32_t> clusters(60);
    for (std::uint64_t i = 0; i < 60; ++i) {
      clusters[i] = static_cast<std::int32_t>(random.below(draw * 60 + i, 7));
    }
    for (const double resolution : {0.0, 1.0, 4.0}) {
      EXPECT_NEAR(modularity(graph.view(), clusters, resolution),
                  modularity_by_pairs(graph.view(), clusters, resolution), 1e-12);
    }
  }
  EXPECT_EQ(modularity(graph_from_edges(3, {}).view(), std::vector<std::int32_t>{0, 1, 1}), 0);
}

TEST(Leiden, PartsTrianglesAndNumbersBySize) {
  EXPECT_EQ(leiden(two_triangles().view(), 1, Context(1)),
            (std::vector<std::int32_t>{0, 0, 0, 1, 1, 1}));
  // A pair before a triangle, and a node alone: the triangle is 0.
  const std::vector<WeightedEdge> edges = {{1, 2}, {3, 4}, {4, 5}, {3, 5}};
  EXPECT_EQ(leiden(graph_from_edges(6, edges).view(), 1, Context(1)),
            (std::vector<std::int32_t>{2, 1, 1, 0, 0, 0}));
}

std::int32_t count(const std::vector<std::int32_t>& clusters) {
  return 1 + *std::max_element(clusters.begin(), clusters.end());
}

TEST(Leiden, ResolutionDecidesHowManyClusters) {
  const CsrMatrix graph = neighbor_graph(600, 3, 2);
  // Without a penalty whole components are best.
  std::int32_t before = 0;
  embed::connected_components(graph.view(), before);
  EXPECT_EQ(count(leiden(graph.view(), 0, Context(1, 2))), before);
  for (const double resolution : {1.0, 5.0, 20.0}) {
    const std::int32_t n = count(leiden(graph.view(), resolution, Context(1, 2)));
    EXPECT_GT(n, before) << resolution;
    before = n;
  }
}

TEST(Leiden, ClustersAreConnectedAndSizesDescend) {
  const CsrMatrix graph = neighbor_graph(1500, 5, 2);
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    for (const double resolution : {0.5, 1.0, 10.0}) {
      const auto clusters = leiden(graph.view(), resolution, Context(1, seed));
      const std::int32_t n = count(clusters);
      std::vector<std::int64_t> size(as_size(n));
      for (const std::int32_t cluster : clusters) ++size[as_size(cluster)];
      EXPECT_TRUE(std::is_sorted(size.rbegin(), size.rend()));
      // Of the links inside clusters alone, every cluster is one component.
      CsrMatrix inside;
      inside.n_rows = graph.n_rows;
      inside.n_cols = graph.n_cols;
      for (CellIndex a = 0; a < graph.n_rows; ++a) {
        for (const GeneIndex b : graph.view().row_columns(a)) {
          if (clusters[as_size(a)] == clusters[as_size(b)]) inside.columns.push_back(b);
        }
        inside.row_start.push_back(static_cast<RowPointer>(inside.columns.size()));
      }
      inside.values.assign(inside.columns.size(), 1);
      std::int32_t n_components = 0;
      embed::connected_components(inside.view(), n_components);
      EXPECT_EQ(n_components, n) << resolution;
    }
  }
}

TEST(Leiden, NoSingleMoveMakesItBetter) {
  const CsrMatrix graph = neighbor_graph(200, 4, 2);
  const auto clusters = leiden(graph.view(), 2, Context(1, 1));
  const double reached = modularity(graph.view(), clusters, 2);
  const std::int32_t n = count(clusters);
  for (std::size_t node = 0; node < 200; ++node) {
    for (std::int32_t other = 0; other <= n; ++other) {
      auto moved = clusters;
      moved[node] = other;
      EXPECT_LE(modularity(graph.view(), moved, 2), reached + 1e-9);
    }
  }
}

TEST(Leiden, SeedAloneDecides) {
  const CsrMatrix graph = neighbor_graph(1500, 5, 1);
  const auto clusters = leiden(graph.view(), 5, Context(1, 7));
  EXPECT_EQ(leiden(graph.view(), 5, Context(2, 7)), clusters);
  EXPECT_NE(leiden(graph.view(), 5, Context(1, 8)), clusters);
}

TEST(Leiden, UnitOfWeightsDoesNotMatter) {
  CsrMatrix graph = neighbor_graph(800, 5, 1);
  const auto clusters = leiden(graph.view(), 5, Context(1, 7));
  for (float& weight : graph.values) weight *= 1024;  // a power of two: the same mantissas
  EXPECT_EQ(leiden(graph.view(), 5, Context(1, 7)), clusters);
}

TEST(Leiden, TakesGraphsWithoutNodesLinksOrWeight) {
  EXPECT_TRUE(leiden(graph_from_edges(0, {}).view(), 1, Context(1)).empty());
  EXPECT_EQ(leiden(graph_from_edges(3, {}).view(), 1, Context(1)),
            (std::vector<std::int32_t>{0, 1, 2}));
  const std::vector<WeightedEdge> loop_and_nothing = {{0, 0, 5}, {1, 2, 0}};
  EXPECT_EQ(leiden(graph_from_edges(3, loop_and_nothing).view(), 1, Context(1)),
            (std::vector<std::int32_t>{0, 1, 2}));
}

TEST(Leiden, RefusesWhatIsNoUndirectedGraph) {
  const auto refuses = [](const CsrMatrix& graph, double resolution) {
    const std::vector<std::int32_t> clusters(as_size(graph.n_rows));
    EXPECT_EQ(kind_of([&] { leiden(graph.view(), resolution, Context(1)); }),
              ErrorKind::InvalidArgument);
    EXPECT_EQ(kind_of([&] { modularity(graph.view(), clusters, resolution); }),
              ErrorKind::InvalidArgument);
  };
  refuses(two_triangles(), -1);
  refuses(two_triangles(), std::numeric_limits<double>::infinity());
  CsrMatrix graph = two_triangles();
  graph.values[0] = 2;  // 0 - 1 in one direction only
  refuses(graph, 1);
  graph = two_triangles();
  graph.n_cols = 7;
  refuses(graph, 1);
  graph = two_triangles();
  for (float& weight : graph.values) weight = -weight;
  refuses(graph, 1);
  // A link that only one row has: the first and the last row's.
  for (const GeneIndex column : {1, 0}) {
    CsrMatrix one_way;
    one_way.n_rows = one_way.n_cols = 2;
    one_way.row_start = {0, column == 1 ? 1 : 0, 1};
    one_way.columns = {column};
    one_way.values = {1};
    refuses(one_way, 1);
  }
}

TEST(Modularity, RefusesClustersOfOtherNodes) {
  const CsrMatrix graph = two_triangles();
  for (const std::vector<std::int32_t>& clusters :
       {std::vector<std::int32_t>{0, 0, 0, 1, 1}, {0, 0, 0, 1, 1, -1}, {0, 0, 0, 1, 1, 6}}) {
    EXPECT_EQ(kind_of([&] { modularity(graph.view(), clusters); }), ErrorKind::InvalidArgument);
  }
}

TEST(Leiden, CanBeCancelled) {
  Context context(1);
  const std::atomic<bool> cancelled = true;
  context.cancelled = &cancelled;
  EXPECT_EQ(kind_of([&] { leiden(two_triangles().view(), 1, context); }), ErrorKind::Cancelled);
}

}  // namespace
}  // namespace saithe
