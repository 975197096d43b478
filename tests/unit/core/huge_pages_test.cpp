#include "saithe/core/huge_pages.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace saithe {
namespace {

TEST(HugePages, WhatTheMemoryHoldsStays) {
  std::vector<int> values(5'000'000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int>(i);
  const std::vector<int> before = values;
  ask_for_huge_pages(values.data(), values.size() * sizeof(int));
  EXPECT_EQ(values, before);
}

TEST(HugePages, ZerosOfAnySize) {
  std::vector<float> values = {1, 2, 3};
  for (const std::size_t n : {0UL, 2UL, 1UL << 20, (1UL << 21) + 5, 3UL}) {
    std::fill(values.begin(), values.end(), 7.0F);
    assign_zeros(values, n);
    EXPECT_EQ(values.size(), n);
    EXPECT_TRUE(std::all_of(values.begin(), values.end(), [](float v) { return v == 0; }));
  }
}

}  // namespace
}  // namespace saithe
