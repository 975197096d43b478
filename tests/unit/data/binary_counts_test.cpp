#include "saithe/data/binary_counts.h"

#include <gtest/gtest.h>

namespace saithe {
namespace {

constexpr CellIndex kCells = 150;

class Booleans final : public Dataset {
 public:
  using Dataset::Dataset;
  bool holds_booleans() const override { return true; }
};

/// Of each cell one value of 1 and a stored 0; the last cell has `last` in place of its 1.
template <typename Source = Dataset>
std::unique_ptr<CellSource> cells_of_ones(CellIndex n_cells = kCells, float last = 1) {
  CsrMatrix counts;
  counts.n_rows = n_cells;
  counts.n_cols = 2;
  counts.row_start = {0};
  std::vector<std::string> names;
  for (CellIndex cell = 0; cell < n_cells; ++cell) {
    counts.columns.insert(counts.columns.end(), {0, 1});
    counts.values.insert(counts.values.end(), {1, 0});
    counts.row_start.push_back(2 * (cell + 1));
    names.push_back("c" + std::to_string(cell));
  }
  counts.values[counts.values.size() - 2] = last;
  return warn_of_binary_counts(
      std::make_unique<Source>("x.loom", counts, Table(names), Table({"A", "B"})));
}

std::vector<std::string> warnings_of(CellSource& cells, CellIndex block) {
  std::vector<std::string> warnings;
  Context context(2);
  context.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  const CellIndex n = cells.n_cells();
  // Who reads looks at the first cells before.
  EXPECT_EQ(cells.read_cells(0, 7, context).n_rows, 7);
  for (int pass = 0; pass < 2; ++pass) {
    for (CellIndex begin = 0; begin < n; begin += block) {
      const CellIndex end = std::min(begin + block, n);
      EXPECT_EQ(cells.read_cells(begin, end, context).n_rows, end - begin);
    }
  }
  return warnings;
}

TEST(BinaryCounts, AreSaidOnceWhateverTheBlocks) {
  for (const CellIndex block : {1, 10, 64, 150}) {
    const auto warnings = warnings_of(*cells_of_ones(), block);
    ASSERT_EQ(warnings.size(), 1U) << block;
    EXPECT_EQ(warnings[0],
              "x.loom: holds no count above 1: such counts say which genes a cell expresses, not "
              "how much");
  }
}

TEST(BinaryCounts, AnyOtherValueEvenTheLastIsEnough) {
  for (const float last : {2.0F, 0.5F, -1.0F}) {
    EXPECT_TRUE(warnings_of(*cells_of_ones(kCells, last), 64).empty()) << last;
  }
  EXPECT_EQ(warnings_of(*cells_of_ones(kCells, 0), 64).size(), 1U);
}

TEST(BinaryCounts, AFewOnesMayBeChanceAndOfBooleansTheReaderSaysIt) {
  EXPECT_TRUE(warnings_of(*cells_of_ones(99), 64).empty());
  EXPECT_EQ(warnings_of(*cells_of_ones(100), 64).size(), 1U);
  EXPECT_TRUE(warnings_of(*cells_of_ones<Booleans>(), 64).empty());
  EXPECT_TRUE(cells_of_ones<Booleans>()->holds_booleans());
}

TEST(BinaryCounts, CellsThatAreLeftOutAreNotJudged) {
  std::vector<std::string> warnings;
  Context context(1);
  context.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  const auto cells = cells_of_ones();
  EXPECT_EQ(cells->read_cells(0, 50, context).n_rows, 50);
  EXPECT_EQ(cells->read_cells(60, kCells, context).n_rows, 90);
  EXPECT_TRUE(warnings.empty());
  EXPECT_EQ(cells->read_cells(40, kCells, context).values[0], 1);
  EXPECT_EQ(warnings.size(), 1U);
}

}  // namespace
}  // namespace saithe
