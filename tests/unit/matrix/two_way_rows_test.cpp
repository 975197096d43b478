// Rows by rows and by columns are the same rows, in memory and from the temporary file.

#include "saithe/matrix/two_way_rows.h"

#include <gtest/gtest.h>

#include "support/random_cells.h"

namespace saithe {
namespace {

using saithe::testing::random_cells;

/// All blocks joined are `cells`, and each block's columns are its rows turned.
void expect_rows(TwoWayRows& rows, const CsrMatrix& cells) {
  CellIndex next = 0;
  for (std::size_t i = 0; i < rows.n_blocks(); ++i) {
    SCOPED_TRACE(i);
    const TwoWayBlock& block = rows.block(i);
    ASSERT_EQ(block.begin, next);
    ASSERT_GT(block.end, block.begin);
    std::vector<CellIndex> own;
    for (; next < block.end; ++next) own.push_back(next);
    const CsrMatrix expected = select_rows(cells.view(), own);
    const CsrMatrix turned = transpose(expected.view());
    for (const auto& [found, wanted] :
         {std::pair(&block.by_row, &expected), std::pair(&block.by_column, &turned)}) {
      EXPECT_EQ(found->n_rows, wanted->n_rows);
      EXPECT_EQ(found->n_cols, wanted->n_cols);
      EXPECT_EQ(found->row_start, wanted->row_start);
      EXPECT_EQ(found->columns, wanted->columns);
      EXPECT_EQ(found->values, wanted->values);
    }
  }
  EXPECT_EQ(next, cells.n_rows);
}

TEST(TwoWayRows, AreTheSameInMemoryAndInTheFile) {
  const CsrMatrix cells = random_cells(9000, 40, 0.2, 5);  // three blocks
  const std::int64_t n_values = cells.n_stored();
  TwoWayRows in_memory(cells.view(), std::int64_t{1} << 40, Context(2));
  expect_rows(in_memory, cells);
  EXPECT_EQ(in_memory.n_blocks(), 3U);
  EXPECT_EQ(in_memory.bytes_in_file(), 0);
  EXPECT_GE(in_memory.bytes_in_memory(), 16 * n_values);
  TwoWayRows in_file(cells.view(), 0, Context(2));
  expect_rows(in_file, cells);
  EXPECT_EQ(in_file.bytes_in_memory(), 0);
  EXPECT_EQ(in_file.bytes_in_file(), in_memory.bytes_in_memory());
  expect_rows(in_file, cells);  // a second pass
  TwoWayRows both(cells.view(), in_memory.bytes_in_memory() / 2, Context(1));
  expect_rows(both, cells);
  EXPECT_GT(both.bytes_in_memory(), 0);
  EXPECT_LE(both.bytes_in_memory(), in_memory.bytes_in_memory() / 2);
  EXPECT_EQ(both.bytes_in_memory() + both.bytes_in_file(), in_memory.bytes_in_memory());
}

TEST(TwoWayRows, BlocksEndWhereTheyHaveManyValues) {
  const CsrMatrix cells = random_cells(1500, 1000, 1.0, 6);  // every fifth row is empty
  TwoWayRows rows(cells.view(), 0, Context(1));
  ASSERT_EQ(rows.n_blocks(), 2U);
  EXPECT_EQ(rows.block(0).end, 1310);
  expect_rows(rows, cells);
}

TEST(TwoWayRows, AreThoseOfASelection) {
  const CsrMatrix cells = random_cells(50, 20, 0.3, 7);
  const std::vector<CellIndex> some = {40, 3, 3, 17};
  const MatrixRows source(cells.view());
  TwoWayRows rows(RowSelection(source, some), 1 << 20, Context(1));
  EXPECT_EQ(rows.n_rows(), 4);
  EXPECT_EQ(rows.n_cols(), 20);
  expect_rows(rows, select_rows(cells.view(), some));
}

}  // namespace
}  // namespace saithe
