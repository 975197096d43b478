// Regions around centres.

#include "saithe/embed/partition_points.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "saithe/kernels/cpu/simd.h"
#include "support/random_points.h"

namespace saithe::embed {
namespace {

using saithe::testing::clouds;

TEST(SquaredDistance, AnyLength) {
  std::vector<float> a;
  std::vector<float> b;
  double expected = 0;
  for (int n = 0; n < 40; ++n) {
    EXPECT_DOUBLE_EQ(kernels::cpu::squared_distance(a, b), expected);
    a.push_back(static_cast<float>(n));
    b.push_back(2.5F);
    expected += (n - 2.5) * (n - 2.5);
  }
}

TEST(PartitionPoints, EveryPointIsInTheRegionOfItsNearestCentre) {
  const DenseMatrix points = clouds(1000, 6, 4, 6);
  const Partition partition = partition_points(points.view(), Context(2));
  ASSERT_EQ(partition.members.size(), as_size(partition.centres.n_rows()));
  std::vector<int> seen(1000);
  for (std::size_t region = 0; region < partition.members.size(); ++region) {
    EXPECT_TRUE(std::is_sorted(partition.members[region].begin(), partition.members[region].end()));
    for (const std::int32_t point : partition.members[region]) {
      ++seen[as_size(point)];
      const double mine = kernels::cpu::squared_distance(
          points.row(point), partition.centres.row(static_cast<std::int64_t>(region)));
      for (std::int64_t other = 0; other < partition.centres.n_rows(); ++other) {
        EXPECT_GE(kernels::cpu::squared_distance(points.row(point), partition.centres.row(other)),
                  mine - 1e-3);
      }
    }
  }
  EXPECT_EQ(seen, std::vector<int>(1000, 1));
}

TEST(PartitionPoints, DoesNotDependOnTheThreads) {
  const DenseMatrix points = clouds(3000, 5, 3, 4);
  EXPECT_EQ(partition_points(points.view(), Context(1)).members,
            partition_points(points.view(), Context(4)).members);
}

TEST(MembersNear, OwnRegionFirstAndMoreUntilThereAreEnough) {
  const DenseMatrix points = clouds(400, 4, 2, 8);
  const Partition partition = partition_points(points.view(), Context(1));
  const auto& own = partition.members[3];
  const auto near = members_near(partition, 3, 1, 0);
  EXPECT_EQ(near, own);
  EXPECT_GE(members_near(partition, 3, 1, 100).size(), 100U);
  auto all = members_near(partition, 3, 1000, 0);
  std::sort(all.begin(), all.end());
  ASSERT_EQ(all.size(), 400U);
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], static_cast<std::int32_t>(i));
}

}  // namespace
}  // namespace saithe::embed
