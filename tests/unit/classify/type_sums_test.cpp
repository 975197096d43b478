// Sums of features over the cells of a type that have them.

#include "saithe/classify/type_sums.h"

#include <gtest/gtest.h>

#include "support/random_cells.h"

namespace saithe {
namespace {

TEST(TypeSums, AreOfTheCellsInWhichAFeatureWasMeasured) {
  // Rows of two features; the second is missing in the last two cells, where it stands at 5.
  CsrMatrix features;
  features.n_rows = 5;
  features.n_cols = 2;
  features.row_start = {0, 2, 3, 4, 6, 7};
  features.columns = {0, 1, 0, 1, 0, 1, 1};
  features.values = {1, 2, 3, 4, 7, 5, 5};
  const std::vector<LabelIndex> labels = {0, 0, 1, 0, 1};
  const std::vector<CellsWithInputs> groups = {{{2, 0, 1}, {}}, {{3, 4}, {true, false}}};
  const auto sums = sum_features(MatrixRows(features.view()), groups, labels, 3, Context(1));
  ASSERT_EQ(sums.types.size(), 3U);
  EXPECT_EQ(sums.types[0].n_cells, (std::vector<double>{3, 2}));
  EXPECT_EQ(sums.types[0].values, (std::vector<double>{11, 2}));
  EXPECT_EQ(sums.types[1].n_cells, (std::vector<double>{2, 1}));
  EXPECT_EQ(sums.types[1].values, (std::vector<double>{0, 4}));
  EXPECT_EQ(sums.types[2].n_cells, (std::vector<double>{0, 0}));
  EXPECT_EQ(sums.squares, (std::vector<double>{59, 20}));
  const auto variance = sums.variance_within_types();
  // Of {1, 3, 7} and {0, 0}; of {2, 0} and {4}.
  EXPECT_NEAR(variance[0], (59 - 121.0 / 3) / 5, 1e-12);
  EXPECT_NEAR(variance[1], 2.0 / 3, 1e-12);
}

TEST(TypeSums, RowsThatNoGroupNamesDoNotCount) {
  const CsrMatrix features = testing::random_cells(50, 20, 0.3, 1);
  const std::vector<LabelIndex> labels(50, 0);
  const auto sums = sum_features(MatrixRows(features.view()), {}, labels, 1, Context(1));
  EXPECT_EQ(sums.squares, std::vector<double>(20, 0));
  EXPECT_EQ(sums.variance_within_types(), std::vector<double>(20, 0));
}

}  // namespace
}  // namespace saithe
