// The whole of UMAP: neighbours stay together, clouds stay apart, the same bits for any threads.

#include "saithe/embed/umap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/folder_for_test.h"
#include "support/random_points.h"

namespace saithe {
namespace {

using testing::clouds;
using testing::distance_of;

TEST(Umap, CloudsAreKeptApart) {
  const DenseMatrix points = clouds(600, 10, 3, 12);
  const DenseMatrix layout = umap(points.view(), UmapOptions{}, Context(2));
  ASSERT_EQ(layout.n_rows(), 600);
  ASSERT_EQ(layout.n_cols(), 2);
  const Neighbors neighbors = find_neighbors(layout.view(), 10, Context(1));
  std::int64_t n_own = 0;
  for (std::int64_t p = 0; p < 600; ++p) {
    for (int i = 0; i < 10; ++i)
      n_own += neighbors.indices[as_size(p * 10 + i)] % 3 == p % 3 ? 1 : 0;
  }
  EXPECT_GT(n_own, 5990);
}

// A long line of points is one piece: its neighbours are not torn apart. (Pulling each point twice
// at its own turn, before its neighbours answer, tears 8 % of them.)
TEST(Umap, NeighborsAreNotTornApart) {
  const Random random(3, 1);
  DenseMatrix points(1500, 3);
  for (std::int64_t i = 0; i < 1500; ++i) {
    const auto at = static_cast<std::uint64_t>(3 * i);
    points(i, 0) = static_cast<float>(30 * random.uniform(at));
    points(i, 1) = static_cast<float>(0.3 * random.normal(at + 1));
    points(i, 2) = static_cast<float>(0.3 * random.normal(at + 2));
  }
  const DenseMatrix layout = umap(points.view(), UmapOptions{}, Context(2));
  const Neighbors neighbors = find_neighbors(points.view(), 15, Context(1));
  std::int64_t n_torn = 0;
  for (std::int64_t i = 0; i < 1500; ++i) {
    for (int k = 0; k < 15; ++k) {
      const std::int64_t other = neighbors.indices[as_size(i * 15 + k)];
      n_torn += distance_of(layout.view(), i, other) > 3 ? 1 : 0;
    }
  }
  EXPECT_LT(static_cast<double>(n_torn) / (1500 * 15), 0.04);
}

TEST(Umap, SameBitsForAnyThreads) {
  const DenseMatrix points = clouds(1001, 12, 4, 3);
  UmapOptions options;
  options.n_epochs = 40;
  const DenseMatrix one = umap(points.view(), options, Context(1, 5));
  const DenseMatrix three = umap(points.view(), options, Context(3, 5));
  EXPECT_TRUE(std::equal(one.data(), one.data() + 2002, three.data()));
  const DenseMatrix other = umap(points.view(), options, Context(1, 6));
  EXPECT_FALSE(std::equal(one.data(), one.data() + 2002, other.data()));
}

TEST(Umap, FewAndEqualPoints) {
  for (const std::int64_t n : {2, 3, 5, 16}) {
    const DenseMatrix layout = umap(clouds(n, 4, 1, 0).view(), UmapOptions{}, Context(1));
    for (std::int64_t i = 0; i < 2 * n; ++i) ASSERT_TRUE(std::isfinite(layout.data()[i])) << n;
  }
  const DenseMatrix layout = umap(DenseMatrix(50, 4).view(), UmapOptions{}, Context(1));
  for (std::int64_t i = 0; i < 100; ++i) ASSERT_TRUE(std::isfinite(layout.data()[i]));
}

TEST(Umap, WrongInputIsNamed) {
  EXPECT_SAITHE_ERROR(umap(clouds(1, 4, 1, 0).view(), UmapOptions{}, Context(1)),
                      ErrorKind::BadFormat, "2 points or more; there are 1");
  const DenseMatrix points = clouds(50, 4, 1, 0);
  const auto with = [&](auto change) {
    UmapOptions options;
    change(options);
    umap(points.view(), options, Context(1));
  };
  using Options = UmapOptions;
  EXPECT_SAITHE_ERROR(with([](Options& o) { o.n_neighbors = 1; }), ErrorKind::InvalidArgument,
                      "--umap-neighbors: 1");
  EXPECT_SAITHE_ERROR(with([](Options& o) { o.min_dist = 2; }), ErrorKind::InvalidArgument,
                      "--umap-min-dist: 2");
  EXPECT_SAITHE_ERROR(with([](Options& o) { o.spread = 0; }), ErrorKind::InvalidArgument,
                      "--umap-spread");
  EXPECT_SAITHE_ERROR(with([](Options& o) { o.n_epochs = -1; }), ErrorKind::InvalidArgument,
                      "--umap-epochs");
  EXPECT_SAITHE_ERROR(with([](Options& o) { o.negative_sample_rate = -1; }),
                      ErrorKind::InvalidArgument, "--umap-negative-samples");
  EXPECT_SAITHE_ERROR(with([](Options& o) { o.learning_rate = 0; }), ErrorKind::InvalidArgument,
                      "--umap-learning-rate");
}

}  // namespace
}  // namespace saithe
