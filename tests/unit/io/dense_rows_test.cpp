#include "saithe/io/dense_rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "saithe/core/error.h"

namespace saithe {
namespace {

using io::DenseRows;
using io::DenseTiles;
using io::Rectangle;

constexpr std::int64_t kCells = 60;
constexpr std::int64_t kGenes = 40;

float value_of(std::int64_t cell, std::int64_t gene) {
  if (cell == 17 && gene == 3) return std::numeric_limits<float>::quiet_NaN();
  return (cell * 3 + gene * 5) % 4 == 0 ? static_cast<float>(cell * 100 + gene + 1) : 0.0F;
}

/// Tiles in memory, which count how often each of them is read.
class TilesForTest final : public DenseTiles {
 public:
  TilesForTest(std::int64_t rows, std::int64_t columns) : rows_(rows), columns_(columns) {}
  const std::string& where() const override { return where_; }
  std::int64_t n_rows() const override { return kCells; }
  std::int64_t n_columns() const override { return kGenes; }
  std::int64_t tile_rows() const override { return rows_; }
  std::int64_t tile_columns() const override { return columns_; }
  std::int64_t tile_bytes() const override { return rows_ * columns_ * 4; }
  void read(const Rectangle& wanted, std::span<float> values, const Context&) const override {
    n_values += wanted.n_values();
    for (std::int64_t i = 0; i < wanted.n_values(); ++i) {
      values[as_size(i)] = value_of(wanted.first_row + i / wanted.n_columns,
                                    wanted.first_column + i % wanted.n_columns);
    }
  }
  mutable std::int64_t n_values = 0;

 private:
  std::string where_ = "tiles";
  std::int64_t rows_;
  std::int64_t columns_;
};

void expect_cells(const CsrMatrix& cells, CellIndex begin, CellIndex end) {
  ASSERT_EQ(cells.n_rows, end - begin);
  ASSERT_EQ(cells.n_cols, kGenes);
  std::size_t at = 0;
  for (CellIndex cell = begin; cell < end; ++cell) {
    for (GeneIndex gene = 0; gene < kGenes; ++gene) {
      const float value = value_of(cell, gene);
      if (value == 0.0F) continue;
      ASSERT_LT(at, cells.values.size());
      ASSERT_EQ(cells.columns[at], gene);
      if (std::isnan(value)) {
        ASSERT_TRUE(std::isnan(cells.values[at]));
      } else {
        ASSERT_EQ(cells.values[at], value);
      }
      ++at;
    }
    ASSERT_EQ(cells.row_start[as_size(cell - begin) + 1], static_cast<RowPointer>(at));
  }
}

TEST(DenseRows, SlabsOfAnyTilesAreReadOnce) {
  Context context(2);
  for (const auto& [rows, columns] : {std::pair<int, int>{1, 40}, {7, 13}, {60, 40}, {1, 1}}) {
    auto tiles = std::make_unique<TilesForTest>(rows, columns);
    const TilesForTest& counted = *tiles;
    DenseRows matrix(std::move(tiles), context);
    EXPECT_FALSE(matrix.is_gathered());
    EXPECT_EQ(matrix.slab_cells() % rows, 0);
    for (CellIndex begin = 0; begin < kCells; begin += 9) {
      const CellIndex end = std::min(begin + 9, kCells);
      expect_cells(matrix.read(begin, end, context), begin, end);
    }
    EXPECT_EQ(counted.n_values, kCells * kGenes);
    matrix.let_go();
    expect_cells(matrix.read(0, kCells, context), 0, kCells);
    EXPECT_EQ(matrix.read(5, 5, context).n_rows, 0);
  }
}

TEST(DenseRows, WhoJumpsReadsWholeTilesOfWhatIsAskedFor) {
  Context context(2);
  auto tiles = std::make_unique<TilesForTest>(7, 13);
  const TilesForTest& counted = *tiles;
  DenseRows matrix(std::move(tiles), context);
  expect_cells(matrix.read(0, 5, context), 0, 5);
  EXPECT_EQ(counted.n_values, 7 * kGenes);
  expect_cells(matrix.read(30, 36, context), 30, 36);
  EXPECT_EQ(counted.n_values, (7 + 14) * kGenes);
  expect_cells(matrix.read(58, 60, context), 58, 60);
  EXPECT_EQ(counted.n_values, (7 + 14 + 4) * kGenes);
  expect_cells(matrix.read(3, 4, context), 3, 4);
  EXPECT_EQ(counted.n_values, (7 + 14 + 4 + 7) * kGenes);
  // Who goes on reads all that is left, which is less than a slab.
  expect_cells(matrix.read(4, 9, context), 4, 9);
  EXPECT_EQ(counted.n_values, (7 + 14 + 4 + 60) * kGenes);
  expect_cells(matrix.read(9, 60, context), 9, 60);
  EXPECT_EQ(counted.n_values, (7 + 14 + 4 + 60) * kGenes);
}

TEST(DenseRows, TallTilesAreGatheredInLittleMemory) {
  Context context(2);
  context.max_memory = 4 * 8 * kGenes * 19;
  EXPECT_FALSE(DenseRows(std::make_unique<TilesForTest>(19, 8), context).is_gathered());
  auto tiles = std::make_unique<TilesForTest>(20, 8);
  const TilesForTest& counted = *tiles;
  DenseRows matrix(std::move(tiles), context);
  EXPECT_TRUE(matrix.is_gathered());
  expect_cells(matrix.read(33, 51, context), 33, 51);
  matrix.let_go();
  expect_cells(matrix.read(0, kCells, context), 0, kCells);
  EXPECT_EQ(counted.n_values, kCells * kGenes);
}

constexpr std::int64_t kWidth = 7 << 20;

/// Rows of more values than are dense at once come in several groups of tiles.
class Wide final : public DenseTiles {
 public:
  const std::string& where() const override { return where_; }
  std::int64_t n_rows() const override { return 3; }
  std::int64_t n_columns() const override { return kWidth; }
  std::int64_t tile_rows() const override { return 3; }
  std::int64_t tile_columns() const override { return 1 << 20; }
  std::int64_t tile_bytes() const override { return 12 << 20; }
  void read(const Rectangle& wanted, std::span<float> values, const Context&) const override {
    ++n_reads;
    std::fill(values.begin(), values.end(), 0.0F);
    values.front() = static_cast<float>(wanted.first_column + 1);
  }
  mutable int n_reads = 0;

 private:
  std::string where_ = "wide";
};

TEST(DenseRows, WideSlabsAreReadInParts) {
  Context context(2);
  auto tiles = std::make_unique<Wide>();
  const Wide& counted = *tiles;
  DenseRows matrix(std::move(tiles), context);
  const CsrMatrix cells = matrix.read(0, 3, context);
  EXPECT_EQ(counted.n_reads, 2);
  EXPECT_EQ(cells.row_start, (std::vector<RowPointer>{0, 2, 2, 2}));
  EXPECT_EQ(cells.columns, (std::vector<GeneIndex>{0, 5 << 20}));
  EXPECT_EQ(cells.values, (std::vector<float>{1, (5 << 20) + 1}));
  EXPECT_EQ(cells.n_cols, kWidth);
}

}  // namespace
}  // namespace saithe
