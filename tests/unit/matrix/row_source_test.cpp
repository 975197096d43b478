// Blocks of rows end where their values would be too many for the memory given.

#include "saithe/matrix/row_source.h"

#include <gtest/gtest.h>

#include "saithe/matrix/packed_rows.h"
#include "support/random_cells.h"

namespace saithe {
namespace {

constexpr std::int64_t kLeast = std::int64_t{1} << 20;

Context with_memory(std::int64_t bytes) {
  Context context(1);
  context.max_memory = bytes;
  return context;
}

TEST(BlocksOfRows, TakeASixteenthOfMemoryAndNotLessThanAMillionValues) {
  EXPECT_EQ(most_block_values(with_memory(std::int64_t{1} << 31)), std::int64_t{1} << 24);
  EXPECT_EQ(most_block_values(with_memory(1)), kLeast);
}

TEST(BlocksOfRows, EndWhereTheNextRowWouldBeTooMuch) {
  const Context context = with_memory(1);
  const auto each = [](std::int64_t n) {
    return [n](CellIndex begin, CellIndex end) { return (end - begin) * n; };
  };
  EXPECT_EQ(find_block_end(100, 4196, context, each(10)), 4196);
  EXPECT_EQ(find_block_end(100, 4196, context, each(kLeast / 1000)), 1100);
  EXPECT_EQ(find_block_end(100, 4196, context, each(kLeast / 2)), 102);
  EXPECT_EQ(find_block_end(100, 4196, context, each(kLeast * 9)), 101);  // one row at least
  EXPECT_EQ(find_block_end(100, 100, context, each(1)), 100);
}

TEST(BlocksOfRows, AreTheSameOfAMatrixAndOfPackedRows) {
  const CsrMatrix matrix = testing::random_cells(1200, 3000, 0.9, 5);
  PackedRows packed(3000);
  packed.append(matrix.view(), Context(1));
  const MatrixRows rows(matrix.view());
  const Context context = with_memory(1);
  std::vector<CellIndex> chosen;
  for (CellIndex row = 1198; row >= 0; row -= 2) chosen.push_back(row);
  const RowSelection of_matrix(rows, chosen);
  const RowSelection of_packed(packed, chosen);
  CellIndex n_blocks = 0;
  for (CellIndex begin = 0, end = 0; begin < of_matrix.n_rows(); begin = end, ++n_blocks) {
    end = of_packed.block_end(begin, 4096, context);
    EXPECT_EQ(of_matrix.block_end(begin, 4096, context), end);
    const CsrMatrix block = of_packed.read(begin, end, context);
    EXPECT_LE(block.n_stored(), kLeast);
    if (end == of_matrix.n_rows()) break;
    EXPECT_GT(of_packed.read(begin, end + 1, context).n_stored(), kLeast);
  }
  EXPECT_GE(n_blocks, 1);
  EXPECT_EQ(of_packed.block_end(7, 20, context), 27);
  EXPECT_EQ(of_packed.block_end(590, 20, context), 600);
}

}  // namespace
}  // namespace saithe
