// Nearest neighbours against comparing all pairs.

#include "saithe/embed/neighbors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>

#include "support/folder_for_test.h"
#include "support/random_points.h"

namespace saithe {
namespace {

using testing::clouds;
using testing::distance_of;

/// The k nearest others of a point, by double-precision distances, ties by index.
std::vector<std::int32_t> nearest(DenseView points, std::int64_t point, int k) {
  std::vector<std::pair<double, std::int32_t>> all;
  for (std::int64_t other = 0; other < points.n_rows; ++other) {
    if (other == point) continue;
    all.emplace_back(distance_of(points, point, other), static_cast<std::int32_t>(other));
  }
  std::partial_sort(all.begin(), all.begin() + k, all.end());
  std::vector<std::int32_t> indices;
  for (int i = 0; i < k; ++i) indices.push_back(all[static_cast<std::size_t>(i)].second);
  return indices;
}

std::vector<std::int32_t> row(const Neighbors& neighbors, std::int64_t point) {
  const auto begin = neighbors.indices.begin() + point * neighbors.k;
  return {begin, begin + neighbors.k};
}

TEST(Neighbors, FewPointsAreSearchedExactly) {
  for (const std::int64_t n_points : {3, 50, 1000}) {
    for (const std::int64_t n_dims : {1, 7, 128}) {
      const DenseMatrix points = clouds(n_points, n_dims, 3, 5);
      const int k = static_cast<int>(std::min<std::int64_t>(15, n_points - 1));
      const Neighbors found = find_neighbors(points.view(), k, Context(2));
      ASSERT_EQ(found.n_points, n_points);
      for (std::int64_t p = 0; p < n_points; ++p) {
        ASSERT_EQ(row(found, p), nearest(points.view(), p, k)) << "point " << p;
      }
    }
  }
}

TEST(Neighbors, DistancesAreThoseOfTheRowsAndAscend) {
  const DenseMatrix points = clouds(300, 20, 2, 4);
  const Neighbors found = find_neighbors(points.view(), 10, Context(1));
  for (std::int64_t p = 0; p < 300; ++p) {
    for (int i = 0; i < 10; ++i) {
      const auto at = as_size(p * 10 + i);
      const double expected = distance_of(points.view(), p, found.indices[at]);
      EXPECT_NEAR(static_cast<double>(found.distances[at]), expected, 1e-6 * expected);
      if (i > 0) {
        EXPECT_GE(found.distances[at], found.distances[at - 1]);
      }
    }
  }
}

TEST(Neighbors, SmallDifferencesFarFromTheOriginAreSeen) {
  DenseMatrix points = clouds(200, 8, 1, 0);
  for (std::int64_t p = 0; p < 200; ++p) {
    for (std::int64_t d = 0; d < 8; ++d) points(p, d) += 4096.0F;
  }
  const Neighbors found = find_neighbors(points.view(), 5, Context(1));
  for (std::int64_t p = 0; p < 200; ++p) {
    EXPECT_EQ(row(found, p), nearest(points.view(), p, 5));
  }
}

TEST(Neighbors, EqualPointsAreNeighboursByIndex) {
  const DenseMatrix points(40, 3);
  const Neighbors found = find_neighbors(points.view(), 4, Context(1));
  for (std::int64_t p = 0; p < 40; ++p) {
    const auto indices = row(found, p);
    EXPECT_EQ(std::set<std::int32_t>(indices.begin(), indices.end()).size(), 4U);
    EXPECT_EQ(std::count(indices.begin(), indices.end(), static_cast<std::int32_t>(p)), 0);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(found.distances[as_size(p * 4 + i)], 0.0F);
  }
}

/// The share of the true 15 neighbours that is found, on every fiftieth of 20 000 points.
double recall(std::int64_t n_dims) {
  const DenseMatrix points = clouds(20000, n_dims, 5, 4);
  const Neighbors found = find_neighbors(points.view(), 15, Context(2));
  EXPECT_EQ(found.indices, find_neighbors(points.view(), 15, Context(1)).indices);
  std::int64_t n_found = 0;
  std::int64_t n_expected = 0;
  for (std::int64_t p = 0; p < 20000; p += 50) {
    const auto expected = nearest(points.view(), p, 15);
    for (const std::int32_t index : row(found, p)) {
      EXPECT_NE(index, p);
      n_found += std::count(expected.begin(), expected.end(), index);
    }
    n_expected += 15;
  }
  return static_cast<double>(n_found) / static_cast<double>(n_expected);
}

TEST(Neighbors, OfManyPointsAlmostAllAreFoundAndTheSameForAnyThreads) {
  EXPECT_GT(recall(6), 0.98);
  EXPECT_GT(recall(16), 0.90);  // noise in 16 dimensions: the hardest case, and no picture of it
}

TEST(Neighbors, WhatCannotBeFoundIsAnError) {
  const DenseMatrix points = clouds(5, 2, 1, 0);
  EXPECT_SAITHE_ERROR(find_neighbors(points.view(), 5, Context(1)), ErrorKind::InvalidArgument,
                      "5 neighbours");
  EXPECT_SAITHE_ERROR(find_neighbors(points.view(), 0, Context(1)), ErrorKind::InvalidArgument,
                      "0 neighbours");
  for (const float wrong :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 1e30F}) {
    DenseMatrix damaged = clouds(5, 2, 1, 0);
    damaged(3, 1) = wrong;
    EXPECT_SAITHE_ERROR(find_neighbors(damaged.view(), 2, Context(1)), ErrorKind::Numerical,
                        "point 3");
  }
}

}  // namespace
}  // namespace saithe
