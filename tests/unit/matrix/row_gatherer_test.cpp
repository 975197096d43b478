// Whatever the order of the entries and the memory given, the rows have the same bits.

#include "saithe/matrix/row_gatherer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "support/random_cells.h"

namespace saithe {
namespace {

struct Entry {
  CellIndex row;
  GeneIndex column;
  float value;
};

const Context kContext(2);

CsrMatrix whole(const PackedRows& rows) {
  std::vector<CellIndex> numbers(as_size(rows.n_rows()));
  std::iota(numbers.begin(), numbers.end(), CellIndex{0});
  return rows.read(numbers, kContext);
}

CsrMatrix gather(const std::vector<Entry>& entries, CellIndex n_rows, GeneIndex n_cols,
                 std::int64_t max_memory) {
  RowGatherer gatherer(n_cols, max_memory);
  for (const Entry& entry : entries) gatherer.add(entry.row, entry.column, entry.value, kContext);
  const auto rows = gatherer.finish(n_rows, kContext);
  EXPECT_LE(rows->bytes_in_memory(), max_memory / 4);
  return whole(*rows);
}

void expect_equal(const CsrMatrix& got, const CsrMatrix& expected) {
  EXPECT_EQ(got.n_rows, expected.n_rows);
  EXPECT_EQ(got.n_cols, expected.n_cols);
  EXPECT_EQ(got.row_start, expected.row_start);
  EXPECT_EQ(got.columns, expected.columns);
  EXPECT_EQ(got.values, expected.values);
}

std::vector<Entry> entries_of(const CsrMatrix& rows) {
  std::vector<Entry> entries;
  for (CellIndex row = 0; row < rows.n_rows; ++row) {
    const auto columns = rows.view().row_columns(row);
    const auto values = rows.view().row_values(row);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      entries.push_back({row, columns[i], values[i]});
    }
  }
  return entries;
}

// From one entry at a time (hundreds of runs, merged many times) to all at once.
constexpr std::int64_t kMemories[] = {1, 1000, 20000, std::int64_t{1} << 30};

TEST(RowGatherer, AnyOrderWithAnyMemoryGivesTheSameRows) {
  const CsrMatrix rows = testing::random_cells(300, 40, 0.1, 3);
  const std::vector<Entry> in_order = entries_of(rows);
  std::vector<Entry> by_column = in_order;
  std::stable_sort(by_column.begin(), by_column.end(),
                   [](const Entry& a, const Entry& b) { return a.column < b.column; });
  std::vector<Entry> backwards(in_order.rbegin(), in_order.rend());
  std::vector<Entry> in_parts = in_order;  // rows 0 to 99 come last
  std::rotate(in_parts.begin(), in_parts.begin() + rows.row_start[100], in_parts.end());
  for (const std::int64_t memory : kMemories) {
    for (const auto& entries : {in_order, by_column, backwards, in_parts}) {
      expect_equal(gather(entries, 300, 40, memory), rows);
    }
  }
}

TEST(RowGatherer, RowsWithoutEntriesAreEmpty) {
  for (const std::int64_t memory : kMemories) {
    expect_equal(gather({}, 3, 2, memory), {3, 2, {0, 0, 0, 0}, {}, {}});
    expect_equal(gather({{2, 1, 5}}, 4, 2, memory), {4, 2, {0, 0, 0, 1, 1}, {1}, {5}});
    expect_equal(gather({{3, 0, 5}, {1, 1, 6}}, 5, 2, memory),
                 {5, 2, {0, 0, 1, 1, 2, 2}, {1, 0}, {6, 5}});
  }
}

TEST(RowGatherer, EntriesOfOnePlaceAreAddedInTheirOrder) {
  // In single precision the order tells: 1e8 + 1 - 1e8 is 0, 1e8 - 1e8 + 1 is 1.
  const std::vector<Entry> entries = {{0, 1, 1e8F}, {1, 0, 3},     {0, 1, 1},
                                      {0, 0, 2},    {0, 1, -1e8F}, {1, 0, 4}};
  for (const std::int64_t memory : kMemories) {
    expect_equal(gather(entries, 2, 2, memory), {2, 2, {0, 2, 3}, {0, 1, 0}, {2, 0, 7}});
  }
}

TEST(RowGatherer, TransposeIsTransposeOfTheWhole) {
  const CsrMatrix rows = testing::random_cells(1300, 37, 0.2, 4);
  PackedRows packed(37, 0);
  packed.append(rows.view(), kContext);
  for (const std::int64_t memory : {std::int64_t{4000}, std::int64_t{1} << 30}) {
    expect_equal(whole(*transpose(packed, memory, kContext)), transpose(rows.view()));
  }
}

TEST(RowGatherer, CanBeStopped) {
  const CsrMatrix rows = testing::random_cells(50, 10, 0.5, 4);
  PackedRows packed(10, 0);
  packed.append(rows.view(), kContext);
  const std::atomic<bool> cancelled = true;
  Context stopped(1);
  stopped.cancelled = &cancelled;
  EXPECT_THROW(static_cast<void>(transpose(packed, 1000, stopped)), Error);
}

}  // namespace
}  // namespace saithe
