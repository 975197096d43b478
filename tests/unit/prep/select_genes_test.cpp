// Variable genes of cells made by hand. Against NumPy and Scanpy: variable_genes_parity_test.cpp.

#include "saithe/prep/select_genes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "support/random_cells.h"

namespace saithe {
namespace {

/// Most genes follow their mean (a Poisson's variance); genes 3 and 17 come and go with the type.
CsrMatrix cells_with_two_markers() {
  CsrMatrix cells;
  cells.n_rows = 300;
  cells.n_cols = 60;
  const Random random(9, 2);
  std::uint64_t index = 0;
  for (CellIndex c = 0; c < cells.n_rows; ++c) {
    for (GeneIndex g = 0; g < cells.n_cols; ++g) {
      double mean = 0.1 + 0.1 * static_cast<double>(g);
      if (g == 3 || g == 17) mean *= c % 4 == 0 ? 3.7 : 0.1;
      double count = 0;  // Poisson by the number of exponential waits in one unit of time
      for (double time = 0;;) {
        time -= std::log(1 - random.uniform(index++));
        if (time > mean) break;
        ++count;
      }
      if (count == 0) continue;
      cells.columns.push_back(g);
      cells.values.push_back(static_cast<float>(count));
    }
    cells.row_start.push_back(static_cast<RowPointer>(cells.columns.size()));
  }
  return cells;
}

TEST(SelectVariableGenes, FindsTheGenesThatVaryMoreThanTheirMeanExplains) {
  const CsrMatrix cells = cells_with_two_markers();
  EXPECT_EQ(select_variable_genes(cells.view(), 2, 0, Context(1)), (std::vector<GeneIndex>{3, 17}));
  const auto variance = standardized_variance(cells.view(), Context(1));
  for (std::size_t g = 0; g < variance.size(); ++g) {
    if (g == 3 || g == 17) continue;
    EXPECT_NEAR(variance[g], 1.0, 0.5) << g;
  }
  EXPECT_GT(variance[3], 1.5);
  EXPECT_GT(variance[17], 1.5);
}

TEST(SelectVariableGenes, TheBitsDoNotDependOnThreads) {
  const CsrMatrix cells = testing::random_cells(100, 700, 0.2, 8);
  const auto one = standardized_variance(cells.view(), Context(1));
  EXPECT_EQ(standardized_variance(cells.view(), Context(2)), one);
  EXPECT_EQ(standardized_variance(cells.view(), Context(5)), one);
}

TEST(SelectVariableGenes, TakesWhatThereIs) {
  CsrMatrix cells = testing::random_cells(40, 10, 0.5, 9);
  for (std::size_t i = 0; i < cells.columns.size(); ++i) {
    if (cells.columns[i] == 4) cells.values[i] = 0;
  }
  std::vector<GeneIndex> all(10);
  std::iota(all.begin(), all.end(), GeneIndex{0});
  EXPECT_EQ(select_variable_genes(cells.view(), 10, 0, Context(1)), all);
  EXPECT_EQ(select_variable_genes(cells.view(), 100, 0, Context(1)), all);
  all.erase(all.begin() + 4);  // expressed by none
  EXPECT_EQ(select_variable_genes(cells.view(), 100, 1, Context(1)), all);
  EXPECT_EQ(standardized_variance(cells.view(), Context(1))[4], 0);
  const auto nine = select_variable_genes(cells.view(), 9, 0, Context(1));
  EXPECT_EQ(nine, all);  // the gene that does not vary goes first
}

TEST(SelectVariableGenes, TooFewGenesForATrendAreChosenNevertheless) {
  // One mean only: no line, let alone a quadratic, goes through it.
  const CsrMatrix cells{3, 2, {0, 2, 3, 4}, {0, 1, 0, 1}, {2.0F, 1.0F, 1.0F, 2.0F}};
  for (const double value : standardized_variance(cells.view(), Context(1))) {
    EXPECT_TRUE(std::isfinite(value));
  }
  EXPECT_EQ(select_variable_genes(cells.view(), 1, 0, Context(1)), (std::vector<GeneIndex>{0}));
}

}  // namespace
}  // namespace saithe
