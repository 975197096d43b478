// The start of UMAP: eigenvectors of the graph's Laplacian, components apart.

#include "saithe/embed/spectral_layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "saithe/embed/fuzzy_graph.h"
#include "support/random_points.h"

namespace saithe::embed {
namespace {

using saithe::testing::clouds;

constexpr std::int64_t kLong = 20;
constexpr std::int64_t kShort = 13;

/// Points of a rectangle, each linked with those beside it; point (x, y) is x * kShort + y.
CsrMatrix rectangle() {
  CsrMatrix graph;
  graph.n_rows = kLong * kShort;
  graph.n_cols = static_cast<GeneIndex>(graph.n_rows);
  const auto link = [&](std::int64_t x, std::int64_t y) {
    if (x < 0 || x >= kLong || y < 0 || y >= kShort) return;
    graph.columns.push_back(static_cast<GeneIndex>(x * kShort + y));
    graph.values.push_back(1.0F);
  };
  for (std::int64_t x = 0; x < kLong; ++x) {
    for (std::int64_t y = 0; y < kShort; ++y) {
      link(x - 1, y);
      link(x, y - 1);
      link(x, y + 1);
      link(x + 1, y);
      graph.row_start.push_back(static_cast<RowPointer>(graph.columns.size()));
    }
  }
  return graph;
}

TEST(SpectralLayout, ARectangleIsFoundAgain) {
  // Its slowest vibration goes along the long side, the next one along the short side.
  const DenseMatrix layout =
      spectral_layout(rectangle().view(), DenseMatrix(kLong * kShort, 3).view(), Context(2));
  const float along = layout((kLong - 1) * kShort, 0) - layout(0, 0);
  const float across = layout(kShort - 1, 1) - layout(0, 1);
  // Without the border, where points have fewer links and with them a smaller entry.
  for (std::int64_t x = 1; x + 2 < kLong; ++x) {
    for (std::int64_t y = 1; y + 2 < kShort; ++y) {
      const std::int64_t p = x * kShort + y;
      EXPECT_GT((layout(p + kShort, 0) - layout(p, 0)) * along, 0.0F) << x << " " << y;
      EXPECT_GT((layout(p + 1, 1) - layout(p, 1)) * across, 0.0F) << x << " " << y;
    }
  }
}

TEST(SpectralLayout, ComponentsDoNotOverlap) {
  const DenseMatrix points = clouds(600, 12, 6, 60);
  const CsrMatrix graph =
      fuzzy_graph(find_neighbors(points.view(), 14, Context(2)), 15, Context(2));
  std::int32_t n_components = 0;
  connected_components(graph.view(), n_components);
  ASSERT_EQ(n_components, 6);
  const DenseMatrix layout = spectral_layout(graph.view(), points.view(), Context(2));
  std::vector<double> mean_x(6);
  std::vector<double> mean_y(6);
  for (std::int64_t p = 0; p < 600; ++p) {
    mean_x[as_size(p % 6)] += static_cast<double>(layout(p, 0)) / 100;
    mean_y[as_size(p % 6)] += static_cast<double>(layout(p, 1)) / 100;
  }
  int n_misplaced = 0;
  for (std::int64_t p = 0; p < 600; ++p) {
    std::size_t nearest = 0;
    double shortest = 1e9;
    for (std::size_t cloud = 0; cloud < 6; ++cloud) {
      const double distance = std::hypot(static_cast<double>(layout(p, 0)) - mean_x[cloud],
                                         static_cast<double>(layout(p, 1)) - mean_y[cloud]);
      if (distance < shortest) {
        shortest = distance;
        nearest = cloud;
      }
    }
    n_misplaced += nearest == as_size(p % 6) ? 0 : 1;
  }
  EXPECT_EQ(n_misplaced, 0);
}

TEST(SpectralLayout, PointsWithoutLinksHaveAPlace) {
  CsrMatrix graph;
  graph.n_rows = 5;
  graph.n_cols = 5;
  graph.row_start.assign(6, 0);
  const DenseMatrix layout = spectral_layout(graph.view(), clouds(5, 3, 1, 0).view(), Context(1));
  for (std::int64_t i = 0; i < 10; ++i) EXPECT_TRUE(std::isfinite(layout.data()[i]));
}

TEST(SpectralLayout, DoesNotDependOnTheThreads) {
  const DenseMatrix points = clouds(1500, 8, 3, 4);
  const CsrMatrix graph =
      fuzzy_graph(find_neighbors(points.view(), 14, Context(2)), 15, Context(2));
  const DenseMatrix one = spectral_layout(graph.view(), points.view(), Context(1));
  const DenseMatrix four = spectral_layout(graph.view(), points.view(), Context(4));
  EXPECT_TRUE(std::equal(one.data(), one.data() + 3000, four.data()));
}

}  // namespace
}  // namespace saithe::embed
