#include "saithe/io/sparse_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace saithe {
namespace {

using io::SparseStretches;

const Context kContext(2);

/// Every fifth value in the mean is an entry; of any number, some whole groups have none.
std::vector<float> dense_values(std::size_t n, std::size_t seed) {
  std::vector<float> values(n);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t mixed = (i + 1) * 2654435761U + seed * 40503U;
    if (mixed / 7 % 5 == 0 && i / 64 % 3 != 1) values[i] = static_cast<float>(mixed % 1000) - 500;
  }
  return values;
}

void expect_entries(const SparseStretches& rows, std::size_t stretch,
                    const std::vector<float>& dense, GeneIndex first) {
  std::vector<GeneIndex> columns;
  std::vector<float> values;
  for (std::size_t i = 0; i < dense.size(); ++i) {
    if (dense[i] == 0) continue;
    columns.push_back(first + static_cast<GeneIndex>(i));
    values.push_back(dense[i]);
  }
  EXPECT_TRUE(std::ranges::equal(rows.columns(stretch), columns));
  EXPECT_TRUE(std::ranges::equal(rows.values(stretch), values));
}

TEST(SparseRows, StretchesOfAnyLengthHaveTheirEntries) {
  SparseStretches rows;
  const std::vector<std::size_t> lengths = {0, 1, 63, 64, 65, 127, 128, 640, 1000};
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    rows.add(dense_values(lengths[i], i), static_cast<std::int64_t>(10 * i));
  }
  ASSERT_EQ(rows.n_stretches(), lengths.size());
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    expect_entries(rows, i, dense_values(lengths[i], i), static_cast<GeneIndex>(10 * i));
  }
}

TEST(SparseRows, EveryPlaceOfAGroupIsFound) {
  for (std::size_t place = 0; place < 64; ++place) {
    std::vector<float> dense(64);
    dense[place] = 1;
    SparseStretches rows;
    rows.add(dense, 0);
    expect_entries(rows, 0, dense, 0);
  }
  SparseStretches full;
  full.add(std::vector<float>(64, 3), 0);
  EXPECT_EQ(full.columns(0).size(), 64U);
}

TEST(SparseRows, NaNIsAnEntryAndMinusZeroIsNone) {
  std::vector<float> dense(70, -0.0F);
  dense[3] = std::numeric_limits<float>::quiet_NaN();
  dense[69] = dense[3];
  dense[5] = std::numeric_limits<float>::denorm_min();
  SparseStretches rows;
  rows.add(dense, 0);
  EXPECT_TRUE(std::ranges::equal(rows.columns(0), std::vector<GeneIndex>{3, 5, 69}));
  EXPECT_TRUE(std::isnan(rows.values(0).front()));
}

TEST(SparseRows, TilesAreJoinedRowByRow) {
  // Two rows of tiles, of two rows and of one; two beside one another.
  std::vector<SparseStretches> tiles(4);
  tiles[0].add(std::vector<float>{0, 1}, 0);
  tiles[0].add(std::vector<float>{2, 3}, 0);
  tiles[1].add(std::vector<float>{4}, 2);
  tiles[1].add(std::vector<float>{0}, 2);
  tiles[2].add(std::vector<float>{0, 0}, 0);
  tiles[3].add(std::vector<float>{5}, 2);
  const CsrMatrix rows = io::join_tiles(tiles, 2, 3, kContext);
  EXPECT_EQ(rows.n_rows, 3);
  EXPECT_EQ(rows.n_cols, 3);
  EXPECT_EQ(rows.row_start, (std::vector<RowPointer>{0, 2, 4, 5}));
  EXPECT_EQ(rows.columns, (std::vector<GeneIndex>{1, 2, 0, 1, 2}));
  EXPECT_EQ(rows.values, (std::vector<float>{1, 4, 2, 3, 5}));
  EXPECT_EQ(io::join_tiles({}, 1, 3, kContext).n_rows, 0);
}

}  // namespace
}  // namespace saithe
