// count_shares(): plain shares of complete cells, and shares of greatest likelihood where files
// lack genes.

#include "saithe/prep/count_shares.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace saithe {
namespace {

CsrMatrix dense_rows(const std::vector<std::vector<float>>& rows) {
  CsrMatrix matrix;
  matrix.n_rows = static_cast<CellIndex>(rows.size());
  matrix.n_cols = static_cast<GeneIndex>(rows.front().size());
  for (const auto& row : rows) {
    for (std::size_t g = 0; g < row.size(); ++g) {
      if (row[g] == 0) continue;
      matrix.columns.push_back(static_cast<GeneIndex>(g));
      matrix.values.push_back(row[g]);
    }
    matrix.row_start.push_back(static_cast<RowPointer>(matrix.columns.size()));
  }
  return matrix;
}

TEST(CountShares, OfCompleteCellsAreSumsOverTheTotal) {
  const CsrMatrix counts = dense_rows({{1, 0, 3}, {2, 2, 0}});
  const auto shares = count_shares(counts.view(), ExpressionKind::Counts, {}, Context(2));
  EXPECT_EQ(shares, (std::vector<double>{3.0 / 8, 2.0 / 8, 3.0 / 8}));
  EXPECT_EQ(source_shares(shares, {}), (std::vector<double>{1}));
}

TEST(CountShares, OfLogarithmsTakeThemBack) {
  const CsrMatrix logs = dense_rows({{std::log1p(1.0F), std::log1p(3.0F)}});
  const auto shares = count_shares(logs.view(), ExpressionKind::LogNormalized, {}, Context(2));
  EXPECT_NEAR(shares[0], 1e-4, 1e-9);  // 1 of a cell's 10 000; the others are on no gene here
  EXPECT_NEAR(shares[1], 3e-4, 1e-9);
  // Whole cells but for rounding, and an empty one.
  const CsrMatrix whole =
      dense_rows({{std::log1p(2490.0F), std::log1p(7480.0F)}, {0, 0}, {std::log1p(1e4F), 0}});
  const auto all = count_shares(whole.view(), ExpressionKind::LogNormalized, {}, Context(2));
  EXPECT_NEAR(all[0] + all[1], 1, 1e-12);
  EXPECT_NEAR(all[0], 12490.0 / 19970, 1e-6);
}

TEST(CountShares, OfLogarithmsOfFilesWithDifferentGenes) {
  // Half of each cell's 10 000 is in no gene here; the files see the shares 0.05, 0.15, 0.3.
  const auto logs = [](std::vector<float> counts) {
    for (float& count : counts) count = std::log1p(count);
    return counts;
  };
  const CsrMatrix cells = dense_rows({logs({500, 1500, 0}), logs({0, 1500, 3000})});
  const MeasuredGenes measured{{0, 1}, {{true, true, false}, {false, true, true}}};
  const auto shares =
      count_shares(cells.view(), ExpressionKind::LogNormalized, measured, Context(2));
  EXPECT_NEAR(shares[0], 0.05, 1e-6);
  EXPECT_NEAR(shares[1], 0.15, 1e-6);
  EXPECT_NEAR(shares[2], 0.3, 1e-6);
}

TEST(CountShares, AMissingGeneTakesNothingFromTheOthers) {
  // Both files are draws of the shares 0.1, 0.2, 0.3, 0.4, as each sees them.
  const CsrMatrix counts = dense_rows({{100, 200, 300, 0}, {0, 40, 60, 80}});
  const MeasuredGenes measured{{0, 1}, {{true, true, true, false}, {false, true, true, true}}};
  const auto shares = count_shares(counts.view(), ExpressionKind::Counts, measured, Context(2));
  for (std::size_t g = 0; g < 4; ++g) {
    EXPECT_NEAR(shares[g], 0.1 * static_cast<double>(g + 1), 1e-8);
  }
  const auto of_sources = source_shares(shares, measured);
  EXPECT_NEAR(of_sources[0], 0.6, 1e-8);
  EXPECT_NEAR(of_sources[1], 0.9, 1e-8);
}

TEST(CountShares, HaveTheGreatestLikelihood) {
  // No shares fit both files; any small step from the answer is less likely.
  const CsrMatrix counts = dense_rows({{10, 30, 7, 0}, {0, 5, 9, 20}});
  const MeasuredGenes measured{{0, 1}, {{true, true, true, false}, {false, true, true, true}}};
  const auto shares = count_shares(counts.view(), ExpressionKind::Counts, measured, Context(2));
  EXPECT_NEAR(std::accumulate(shares.begin(), shares.end(), 0.0), 1, 1e-12);
  const auto log_likelihood = [&](const std::vector<double>& p) {
    const auto on = source_shares(p, measured);
    double sum = 0;
    for (CellIndex cell = 0; cell < 2; ++cell) {
      for (std::size_t i = 0; i < 3; ++i) {
        const auto gene = as_size(counts.view().row_columns(cell)[i]);
        sum += static_cast<double>(counts.view().row_values(cell)[i]) *
               std::log(p[gene] / on[as_size(cell)]);
      }
    }
    return sum;
  };
  const double best = log_likelihood(shares);
  for (std::size_t gene = 0; gene < 4; ++gene) {
    for (const double factor : {0.98, 1.02}) {
      auto other = shares;
      other[gene] *= factor;
      EXPECT_LT(log_likelihood(other), best);
    }
  }
}

TEST(CountShares, WithoutCountsAreZero) {
  const CsrMatrix empty = dense_rows({{0, 0}});
  EXPECT_EQ(count_shares(empty.view(), ExpressionKind::Counts, {}, Context(2)),
            (std::vector<double>{0, 0}));
}

}  // namespace
}  // namespace saithe
