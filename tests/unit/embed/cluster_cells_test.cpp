// Cells to clusters: clouds come apart, options are checked, the default follows the number of
// cells.

#include "saithe/embed/cluster_cells.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "saithe/core/error.h"
#include "saithe/core/option_text.h"
#include "support/random_points.h"

namespace saithe {
namespace {

using saithe::testing::clouds;

TEST(OverClusteringResolution, IsCellTypists) {
  const std::pair<std::int64_t, double> expected[] = {
      {1, 5},      {4999, 5},   {5000, 10},   {19999, 10},  {20000, 15},  {39999, 15},
      {40000, 20}, {99999, 20}, {100000, 25}, {199999, 25}, {200000, 30}, {5000000, 30}};
  for (const auto& [n_cells, resolution] : expected) {
    EXPECT_EQ(over_clustering_resolution(n_cells), resolution) << n_cells;
  }
}

TEST(ClusterCells, PartsCloudsAndNeverMixesThem) {
  const DenseMatrix points = clouds(900, 6, 3, 12);
  LeidenOptions options;
  options.resolution = 0.05;
  const auto coarse = cluster_cells(points.view(), options, Context(2, 1));
  EXPECT_EQ(*std::max_element(coarse.begin(), coarse.end()), 2);
  for (std::size_t cell = 3; cell < 900; ++cell) EXPECT_EQ(coarse[cell], coarse[cell % 3]);

  // The default makes many clusters, each inside one cloud.
  const auto fine = cluster_cells(points.view(), LeidenOptions(), Context(2, 1));
  const auto n_clusters = as_size(*std::max_element(fine.begin(), fine.end()) + 1);
  EXPECT_GT(n_clusters, 20U);
  std::vector<std::size_t> cloud(n_clusters, 3);
  for (std::size_t cell = 0; cell < 900; ++cell) {
    std::size_t& of_cluster = cloud[as_size(fine[cell])];
    if (of_cluster == 3) of_cluster = cell % 3;
    EXPECT_EQ(of_cluster, cell % 3);
  }
  options.resolution = 5;
  EXPECT_EQ(cluster_cells(points.view(), options, Context(2, 1)), fine);
}

TEST(ClusterCells, SeedAloneDecides) {
  const DenseMatrix points = clouds(700, 6, 4, 1);
  const auto clusters = cluster_cells(points.view(), {}, Context(1, 3));
  EXPECT_EQ(cluster_cells(points.view(), {}, Context(2, 3)), clusters);
  EXPECT_NE(cluster_cells(points.view(), {}, Context(1, 4)), clusters);
}

TEST(ClusterCells, TakesFewCells) {
  for (const std::int64_t n : {0, 1, 2, 3, 9}) {
    const DenseMatrix points = clouds(n, 4, 1, 0);
    const auto clusters = cluster_cells(points.view(), {}, Context(1));
    ASSERT_EQ(clusters.size(), as_size(n));
    for (const std::int32_t cluster : clusters) {
      EXPECT_GE(cluster, 0);
      EXPECT_LT(cluster, n);
    }
  }
  // Cells that are all the same.
  const DenseMatrix same(50, 4);
  EXPECT_EQ(cluster_cells(same.view(), {}, Context(1)).size(), 50U);
}

TEST(ClusterCells, RefusesOptionsOutOfRange) {
  const DenseMatrix points = clouds(50, 4, 1, 0);
  const auto refuses = [&](double resolution, int n_neighbors) {
    LeidenOptions options;
    options.resolution = resolution;
    options.n_neighbors = n_neighbors;
    try {
      cluster_cells(points.view(), options, Context(1));
      ADD_FAILURE() << resolution << " " << n_neighbors;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
    }
  };
  refuses(-1, 10);
  refuses(std::numeric_limits<double>::quiet_NaN(), 10);
  refuses(1, 1);
}

TEST(LeidenOptions, AreDescribed) {
  const auto text = options_as_text(LeidenOptions());
  ASSERT_EQ(text.size(), 2U);
  EXPECT_EQ(text[0], (std::pair<std::string, std::string>("resolution", "0")));
  EXPECT_EQ(text[1], (std::pair<std::string, std::string>("cluster-neighbors", "10")));
}

}  // namespace
}  // namespace saithe
