#include "saithe/nn/minibatches.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "saithe/core/error.h"

namespace saithe {
namespace {

std::vector<CellIndex> cells(std::size_t n) {
  std::vector<CellIndex> all(n);
  std::iota(all.begin(), all.end(), CellIndex{10});
  return all;
}

TEST(Minibatches, InOrderKeepsTheOrderAndTheLastOneIsShort) {
  const auto minibatches = Minibatches::in_order(cells(10), 4);
  ASSERT_EQ(minibatches.n_minibatches(), 3);
  EXPECT_EQ(minibatches.at(0).size(), 4U);
  EXPECT_EQ(minibatches.at(2).size(), 2U);
  EXPECT_EQ(minibatches.at(2)[1], 19);
  EXPECT_TRUE(minibatches.at(3).empty());
}

TEST(Minibatches, ShuffledVisitsEveryCellOnceInAnOrderOfSeedAndEpoch) {
  const auto flatten = [](const Minibatches& minibatches) {
    std::vector<CellIndex> order;
    for (std::int64_t i = 0; i < minibatches.n_minibatches(); ++i) {
      order.insert(order.end(), minibatches.at(i).begin(), minibatches.at(i).end());
    }
    return order;
  };
  const auto first = flatten(Minibatches::shuffled(cells(100), 64, 7, 0));
  EXPECT_EQ(first, flatten(Minibatches::shuffled(cells(100), 64, 7, 0)));
  EXPECT_NE(first, flatten(Minibatches::shuffled(cells(100), 64, 7, 1)));
  EXPECT_NE(first, flatten(Minibatches::shuffled(cells(100), 64, 8, 0)));
  EXPECT_NE(first, cells(100));
  auto sorted = first;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sorted, cells(100));
}

TEST(Minibatches, NoCellsMakeNoMinibatch) {
  EXPECT_EQ(Minibatches::in_order({}, 64).n_minibatches(), 0);
}

TEST(Minibatches, ASizeBelowOneIsRefused) {
  EXPECT_THROW(Minibatches::in_order(cells(3), 0), Error);
}

}  // namespace
}  // namespace saithe
