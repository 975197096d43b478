// The curve of UMAP and the moves of a layout.

#include "saithe/embed/optimize_layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "saithe/embed/fuzzy_graph.h"
#include "support/folder_for_test.h"
#include "support/random_points.h"

namespace saithe::embed {
namespace {

using saithe::testing::clouds;
using saithe::testing::distance_of;

TEST(FitCurve, IsTheOneOfUmapLearn) {
  // umap.umap_.find_ab_params(spread, min_dist) of umap-learn 0.5.12.
  const Curve standard = fit_curve(0.1, 1.0);
  EXPECT_NEAR(standard.a, 1.5769434, 1e-5);
  EXPECT_NEAR(standard.b, 0.8950609, 1e-5);
  const Curve wide = fit_curve(0.5, 1.0);
  EXPECT_NEAR(wide.a, 0.5830300, 1e-5);
  EXPECT_NEAR(wide.b, 1.3341670, 1e-5);
}

/// Two groups of 30 linked points, started in one heap.
struct TwoGroups {
  CsrMatrix graph;
  DenseMatrix layout = clouds(60, 2, 1, 0);

  TwoGroups() {
    graph.n_rows = 60;
    graph.n_cols = 60;
    for (GeneIndex p = 0; p < 60; ++p) {
      for (GeneIndex other = p % 2; other < 60; other += 2) {
        if (other == p) continue;
        graph.columns.push_back(other);
        graph.values.push_back(1.0F);
      }
      graph.row_start.push_back(static_cast<RowPointer>(graph.columns.size()));
    }
  }
};

LayoutOptions options_with(int n_epochs) {
  LayoutOptions options;
  options.curve = fit_curve(0.1, 1);
  options.n_epochs = n_epochs;
  return options;
}

TEST(OptimizeLayout, LinkedPointsEndNearerThanOthers) {
  TwoGroups groups;
  optimize_layout(groups.graph.view(), options_with(100), groups.layout, Context(1));
  double within = 0;
  double between = 0;
  for (std::int64_t p = 2; p < 60; ++p) {
    within += distance_of(groups.layout.view(), p, p % 2);
    between += distance_of(groups.layout.view(), p, 1 - p % 2);
  }
  EXPECT_GT(between, 3 * within);
}

TEST(OptimizeLayout, DoesNotDependOnTheThreadsButOnTheSeed) {
  const auto layout_of = [](int n_threads, std::uint64_t seed) {
    TwoGroups groups;
    optimize_layout(groups.graph.view(), options_with(20), groups.layout, Context(n_threads, seed));
    return std::vector<float>(groups.layout.data(), groups.layout.data() + 120);
  };
  EXPECT_EQ(layout_of(1, 0), layout_of(4, 0));
  EXPECT_NE(layout_of(1, 0), layout_of(1, 1));
}

TEST(OptimizeLayout, ManyPointsAndManyThreads) {
  const DenseMatrix points = clouds(4000, 5, 3, 5);
  const CsrMatrix graph =
      fuzzy_graph(find_neighbors(points.view(), 14, Context(2)), 15, Context(2));
  DenseMatrix one = clouds(4000, 2, 1, 0);
  DenseMatrix four = one;
  optimize_layout(graph.view(), options_with(5), one, Context(1));
  optimize_layout(graph.view(), options_with(5), four, Context(4));
  EXPECT_TRUE(std::equal(one.data(), one.data() + 8000, four.data()));
}

TEST(OptimizeLayout, StopsOnRequest) {
  TwoGroups groups;
  std::atomic<bool> cancelled = true;
  Context context(1);
  context.cancelled = &cancelled;
  EXPECT_SAITHE_ERROR(optimize_layout(groups.graph.view(), options_with(5), groups.layout, context),
                      ErrorKind::Cancelled, "stopped");
}

TEST(OptimizeLayout, WithoutLinksNothingMoves) {
  CsrMatrix graph;
  graph.n_rows = 4;
  graph.n_cols = 4;
  graph.row_start.assign(5, 0);
  DenseMatrix layout = clouds(4, 2, 1, 0);
  const DenseMatrix before = layout;
  optimize_layout(graph.view(), options_with(5), layout, Context(1));
  EXPECT_TRUE(std::equal(before.data(), before.data() + 8, layout.data()));
}

}  // namespace
}  // namespace saithe::embed
