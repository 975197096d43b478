// Row-major matrices and their aligned storage.

#include "saithe/matrix/dense_matrix.h"

#include <gtest/gtest.h>

#include <vector>

#include "support/folder_for_test.h"

namespace saithe {
namespace {

TEST(DenseMatrix, StartsAtZeroAndIsAligned) {
  for (const std::int64_t n : {1, 17, 300000}) {
    const DenseMatrix matrix(n, 3);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(matrix.data()) % 64, 0U);
    for (std::int64_t i = 0; i < 3 * n; ++i) ASSERT_EQ(matrix.data()[i], 0.0F);
  }
}

TEST(DenseMatrix, RowsLieOneAfterTheOther) {
  DenseMatrix matrix(2, 3);
  matrix(1, 2) = 5;
  EXPECT_EQ(matrix.data()[5], 5.0F);
  EXPECT_EQ(matrix.row(1)[2], 5.0F);
  EXPECT_EQ(matrix.view()(1, 2), 5.0F);
  const DenseMatrix selected = select_rows(matrix.view(), std::vector<CellIndex>{1, 0, 1});
  EXPECT_EQ(selected(0, 2), 5.0F);
  EXPECT_EQ(selected(1, 2), 0.0F);
  EXPECT_EQ(selected(2, 2), 5.0F);
}

TEST(DenseMatrix, ASizeBeyond64BitsIsRefused) {
  EXPECT_SAITHE_ERROR(DenseMatrix(std::int64_t{1} << 40, std::int64_t{1} << 40),
                      ErrorKind::BadFormat, "does not fit 64 bits");
}

}  // namespace
}  // namespace saithe
