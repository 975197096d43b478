#include "saithe/data/large_counts.h"

#include <gtest/gtest.h>

namespace saithe {
namespace {

/// Three cells x two genes; `value` is cell c1's of gene B.
std::unique_ptr<CellSource> cells_with(float value) {
  CsrMatrix counts;
  counts.n_rows = 3;
  counts.n_cols = 2;
  counts.row_start = {0, 1, 3, 4};
  counts.columns = {0, 0, 1, 1};
  counts.values = {5, 16777215.0F, value, value};
  return warn_of_large_counts(
      std::make_unique<Dataset>("x.h5ad", counts, Table({"c0", "c1", "c2"}), Table({"A", "B"})));
}

std::vector<std::string> warnings_of(float value, CellIndex block) {
  std::vector<std::string> warnings;
  Context context(2);
  context.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  const auto cells = cells_with(value);
  for (int pass = 0; pass < 2; ++pass) {
    for (CellIndex begin = 0; begin < 3; begin += block) {
      const CellIndex end = std::min<CellIndex>(begin + block, 3);
      EXPECT_EQ(cells->read_cells(begin, end, context).n_rows, end - begin);
    }
  }
  return warnings;
}

TEST(LargeCounts, AreNamedOnceWithCellGeneAndValue) {
  for (const CellIndex block : {1, 2, 3}) {
    const auto warnings = warnings_of(16777216.0F, block);
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_EQ(warnings[0],
              "x.h5ad: cell 'c1' (row 1) has about 16777216 for gene 'B': values are held as "
              "float32, in which whole numbers above 2^24 = 16777216 are rounded");
  }
  EXPECT_TRUE(warnings_of(16777215.0F, 2).empty());
}

TEST(LargeCounts, CellsAreTheSame) {
  const auto cells = cells_with(3);
  EXPECT_EQ(cells->name(), "x.h5ad");
  EXPECT_EQ(cells->obs().index()[2], "c2");
  EXPECT_EQ(cells->var().index()[1], "B");
  EXPECT_EQ(cells->read_cells(1, 2, Context(1)).values, (std::vector<float>{16777215.0F, 3}));
}

}  // namespace
}  // namespace saithe
