// The graph of UMAP: weights by their definition, symmetric, in (0, 1].

#include "saithe/embed/fuzzy_graph.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/random_points.h"

namespace saithe::embed {
namespace {

using saithe::testing::clouds;

float weight(const CsrView& graph, std::int64_t a, std::int64_t b) {
  for (std::size_t i = 0; i < graph.row_size(a); ++i) {
    if (graph.row_columns(a)[i] == b) return graph.row_values(a)[i];
  }
  return 0;
}

TEST(FuzzyGraph, IsSymmetricWithoutLoopsAndWeightsAreProbabilities) {
  const DenseMatrix points = clouds(500, 10, 4, 5);
  const Neighbors neighbors = find_neighbors(points.view(), 14, Context(1));
  const CsrMatrix graph = fuzzy_graph(neighbors, 15, Context(2));
  ASSERT_NO_THROW(validate(graph.view(), "graph"));
  for (std::int64_t p = 0; p < 500; ++p) {
    for (std::size_t i = 0; i < graph.view().row_size(p); ++i) {
      const GeneIndex other = graph.view().row_columns(p)[i];
      const float value = graph.view().row_values(p)[i];
      EXPECT_NE(other, p);
      EXPECT_GT(value, 0.0F);
      EXPECT_LE(value, 1.0F);
      EXPECT_EQ(weight(graph.view(), other, p), value);
    }
    // The nearest neighbour is linked surely.
    EXPECT_FLOAT_EQ(weight(graph.view(), p, neighbors.indices[as_size(p * 14)]), 1.0F);
  }
}

TEST(FuzzyGraph, DirectedWeightsAddUpToTheLogarithmOfTheNeighbours) {
  // Two points see each other, and every link of this graph goes one way only from point 0.
  Neighbors neighbors;
  neighbors.n_points = 5;
  neighbors.k = 4;
  neighbors.indices = {1, 2, 3, 4, 0, 2, 3, 4, 0, 1, 3, 4, 0, 1, 2, 4, 0, 1, 2, 3};
  neighbors.distances.assign(20, 1e6F);
  const float from0[] = {1, 2, 3, 4};
  std::copy(from0, from0 + 4, neighbors.distances.begin());
  // The other points have one near neighbour among themselves and point 0 beyond sight.
  const CsrMatrix graph = fuzzy_graph(neighbors, 5, Context(1));
  // a = weight from 0, b = weight to 0: the other rows are all at one distance, so b = 1.
  for (std::int64_t p = 1; p < 5; ++p) EXPECT_FLOAT_EQ(weight(graph.view(), 0, p), 1.0F);

  // A lone row: links of point 0 that nobody returns.
  Neighbors lone;
  lone.n_points = 10;
  lone.k = 4;
  for (int p = 0; p < 10; ++p) {
    for (int i = 0; i < 4; ++i) {
      const int first = p == 0 ? 1 : 5;
      const int other = first + i >= p && p >= first ? first + i + 1 : first + i;
      lone.indices.push_back(p == 0 ? 1 + i : other);
      lone.distances.push_back(p == 0 ? static_cast<float>(1 + i) : 1.0F);
    }
  }
  const CsrMatrix one_way = fuzzy_graph(lone, 5, Context(1));
  double sum = 0;
  for (std::int64_t p = 1; p < 5; ++p) sum += static_cast<double>(weight(one_way.view(), 0, p));
  EXPECT_NEAR(sum, std::log2(5.0), 1e-4);
  // Weights fall exponentially beyond the nearest neighbour.
  const double ratio = static_cast<double>(weight(one_way.view(), 0, 3)) /
                       static_cast<double>(weight(one_way.view(), 0, 2));
  EXPECT_NEAR(static_cast<double>(weight(one_way.view(), 0, 2)), ratio, 1e-5);
}

TEST(ConnectedComponents, AreNumberedByFirstAppearance) {
  CsrMatrix graph;
  graph.n_rows = 6;
  graph.n_cols = 6;
  graph.row_start = {0, 1, 2, 3, 4, 4, 4};  // 0 - 2, 1 - 3, 4 and 5 alone
  graph.columns = {2, 3, 0, 1};
  graph.values = {1, 1, 1, 1};
  std::int32_t n_components = 0;
  EXPECT_EQ(connected_components(graph.view(), n_components),
            (std::vector<std::int32_t>{0, 1, 0, 1, 2, 3}));
  EXPECT_EQ(n_components, 4);
}

}  // namespace
}  // namespace saithe::embed
