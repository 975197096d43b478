// Packed rows give back every bit, in any order, from memory and from the file.

#include "saithe/matrix/packed_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "support/random_cells.h"

namespace saithe {
namespace {

using testing::random_cells;

void expect_same_bits(const CsrView& a, const CsrView& b) {
  ASSERT_EQ(a.n_rows, b.n_rows);
  ASSERT_EQ(a.n_cols, b.n_cols);
  ASSERT_TRUE(std::ranges::equal(a.row_start, b.row_start));
  ASSERT_TRUE(std::ranges::equal(a.columns, b.columns));
  ASSERT_EQ(a.values.size(), b.values.size());
  EXPECT_EQ(std::memcmp(a.values.data(), b.values.data(), a.values.size_bytes()), 0);
}

std::vector<CellIndex> all_rows(CellIndex n) {
  std::vector<CellIndex> rows(as_size(n));
  std::iota(rows.begin(), rows.end(), CellIndex{0});
  return rows;
}

PackedRows packed(const CsrView& matrix, std::int64_t max_memory, int n_threads) {
  PackedRows rows(matrix.n_cols, max_memory);
  const Context context(n_threads);
  // In unequal blocks.
  for (CellIndex begin = 0, size = 1; begin < matrix.n_rows; begin += size, size = size * 3 + 1) {
    std::vector<CellIndex> block;
    for (CellIndex row = begin; row < std::min(matrix.n_rows, begin + size); ++row) {
      block.push_back(row);
    }
    rows.append(select_rows(matrix, block).view(), context);
  }
  return rows;
}

TEST(PackedRows, GiveBackTheSameBitsFromMemoryAndFile) {
  const CsrMatrix cells = random_cells(5000, 300, 0.1, 7);
  std::vector<CellIndex> order = all_rows(5000);
  std::reverse(order.begin(), order.end());
  order.push_back(17);
  order.push_back(17);
  for (const std::int64_t limit : {PackedRows::kNoLimit, std::int64_t{100000}, std::int64_t{0}}) {
    for (const int n_threads : {1, 3}) {
      const PackedRows rows = packed(cells.view(), limit, n_threads);
      EXPECT_EQ(rows.n_stored(), cells.n_stored());
      EXPECT_LE(rows.bytes_in_memory(), limit);
      EXPECT_EQ(rows.bytes_in_file() == 0, limit == PackedRows::kNoLimit);
      const Context context(n_threads);
      expect_same_bits(rows.read(all_rows(5000), context).view(), cells.view());
      expect_same_bits(rows.read(order, context).view(), select_rows(cells.view(), order).view());
    }
  }
}

TEST(PackedRows, ValuesThatAreNoSmallCountsAndFarColumns) {
  CsrMatrix odd;
  odd.n_rows = 3;
  odd.n_cols = std::numeric_limits<GeneIndex>::max();
  odd.row_start = {0, 9, 9, 13};
  odd.columns = {0,         1,          127, 255, 16384, 2097152, 268435456,
                 300000000, 2147483646, 0,   128, 129,   130};
  odd.values = {255, 256, 0.5F, 0, -1, 1.0F, 1e30F, -0.0F, std::nanf(""), 254.5F, 1, 2, 16777216};
  const PackedRows rows = packed(odd.view(), PackedRows::kNoLimit, 1);
  expect_same_bits(rows.read(all_rows(3), Context(1)).view(), odd.view());
}

TEST(PackedRows, SmallCountsTakeTwoBytes) {
  const CsrMatrix cells = random_cells(2000, 120, 0.2, 3);
  CsrMatrix ones = cells;
  std::ranges::fill(ones.values, 3.0F);
  const PackedRows rows = packed(ones.view(), PackedRows::kNoLimit, 2);
  EXPECT_EQ(rows.bytes_in_memory(), 2 * ones.n_stored());
}

TEST(PackedRows, NoRowsAtAll) {
  const PackedRows rows(5);
  EXPECT_EQ(rows.n_rows(), 0);
  EXPECT_EQ(rows.read({}, Context(1)).n_stored(), 0);
}

}  // namespace
}  // namespace saithe
