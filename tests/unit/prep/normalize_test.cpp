#include "saithe/prep/normalize.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/random_cells.h"

namespace saithe {
namespace {

TEST(NormalizeTotal, EveryCellWithCountsSumsToTheTarget) {
  CsrMatrix cells = testing::random_cells(1500, 80, 0.2, 1);
  normalize_total(cells, 10000, Context(2, 0));
  const auto totals = total_counts(cells.view(), Context(2, 0));
  for (std::size_t cell = 0; cell < totals.size(); ++cell) {
    if (cells.view().row_size(static_cast<CellIndex>(cell)) == 0) {
      EXPECT_EQ(totals[cell], 0);
    } else {
      EXPECT_NEAR(totals[cell], 10000, 0.01);
    }
  }
}

TEST(Log1p, IsTheNaturalLogarithm) {
  CsrMatrix cells{1, 2, {0, 2}, {0, 1}, {static_cast<float>(std::exp(1.0) - 1), 0.0F}};
  log1p_in_place(cells, Context(1, 0));
  EXPECT_FLOAT_EQ(cells.values[0], 1.0F);
  EXPECT_EQ(cells.values[1], 0.0F);
}

TEST(GeneStatistics, EqualADenseTwoPassReference) {
  const CsrMatrix cells = testing::random_cells(700, 60, 0.15, 2);
  const GeneStatistics statistics = gene_statistics(cells.view(), Context(2, 0));
  std::vector<std::vector<double>> dense(60, std::vector<double>(700));
  for (CellIndex cell = 0; cell < 700; ++cell) {
    const auto genes = cells.view().row_columns(cell);
    for (std::size_t i = 0; i < genes.size(); ++i) {
      dense[as_size(genes[i])][as_size(cell)] =
          static_cast<double>(cells.view().row_values(cell)[i]);
    }
  }
  for (std::size_t gene = 0; gene < 60; ++gene) {
    double mean = 0;
    for (const double x : dense[gene]) mean += x / 700;
    double squares = 0;
    for (const double x : dense[gene]) squares += (x - mean) * (x - mean);
    EXPECT_NEAR(statistics.mean[gene], mean, 1e-12);
    EXPECT_NEAR(statistics.sd[gene], std::sqrt(squares / 699), 1e-12);
  }
}

TEST(GeneStatistics, BitsDoNotDependOnThreads) {
  const CsrMatrix cells = testing::random_cells(3000, 2500, 0.02, 3);
  const GeneStatistics one = gene_statistics(cells.view(), Context(1, 0));
  const GeneStatistics three = gene_statistics(cells.view(), Context(3, 0));
  EXPECT_EQ(one.mean, three.mean);
  EXPECT_EQ(one.sd, three.sd);
}

TEST(GeneStatistics, DoNotDependOnMemory) {
  // Blocks of 727 cells where memory is little: the sums of 1 024 cells go on through them.
  const CsrMatrix cells = testing::random_cells(4500, 2000, 0.9, 3);
  Context little(2, 0);
  little.max_memory = 1;
  Context much(2, 0);
  much.max_memory = std::int64_t{1} << 40;
  const RowSelection rows(cells.view());
  ASSERT_LT(rows.block_end(0, 4096, little), 800);
  ASSERT_EQ(rows.block_end(0, 4096, much), 4096);
  const GeneStatistics one = gene_statistics(cells.view(), little);
  const GeneStatistics other = gene_statistics(cells.view(), much);
  EXPECT_EQ(one.mean, other.mean);
  EXPECT_EQ(one.sd, other.sd);
}

TEST(GeneStatistics, OneCellAndUnseenGenesHaveNoSpread) {
  const CsrMatrix one{1, 2, {0, 1}, {0}, {3.0F}};
  const GeneStatistics statistics = gene_statistics(one.view(), Context(1, 0));
  EXPECT_EQ(statistics.mean, (std::vector<double>{3, 0}));
  EXPECT_EQ(statistics.sd, (std::vector<double>{0, 0}));
}

}  // namespace
}  // namespace saithe
