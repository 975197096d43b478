// Columns that stay in their file are checked when they are asked for, and read once.

#include "saithe/io/frame_columns.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/folder_for_test.h"

namespace saithe {
namespace {

using Texts = std::vector<std::string>;

const Texts kNames = {"a", "b", "c"};
const Context kContext(1);

Table three_rows() {
  return io::table_named_later(
      3, 1,
      [](std::int64_t begin, std::int64_t end) {
        return Texts(kNames.begin() + begin, kNames.begin() + end);
      },
      "f: obs");
}

TEST(FrameColumns, AreReadOnceAndNotBefore) {
  Table table = three_rows();
  int n_read = 0;
  const auto read = [&]() -> Column {
    ++n_read;
    return NumberColumn{{1, 2, 3}};
  };
  io::add_column_later(table, "x", read, "f: obs", "f: /obs/x", kContext);
  EXPECT_TRUE(table.has("x"));
  EXPECT_EQ(table.column_names(), "x");
  EXPECT_EQ(n_read, 0);
  EXPECT_EQ(table.as_text("x"), (Texts{"1", "2", "3"}));
  EXPECT_EQ(table.columns().size(), 1U);
  EXPECT_EQ(n_read, 1);
}

TEST(FrameColumns, NamesAreReadInWholeChunks) {
  constexpr std::int64_t kRows = 13000;
  constexpr std::int64_t kChunk = 2000;  // so that 6 000 are read together
  Texts all;
  for (std::int64_t i = 0; i < kRows; ++i) all.push_back(std::to_string(i));
  std::vector<std::pair<std::int64_t, std::int64_t>> asked;
  const auto read = [&](std::int64_t begin, std::int64_t end) {
    asked.emplace_back(begin, end);
    return Texts(all.begin() + begin, all.begin() + end);
  };
  const Table table = io::table_named_later(kRows, kChunk, read, "f: obs");
  for (std::int64_t row = 0; row < kRows; row += 500)
    EXPECT_EQ(table.name_of(row), all[as_size(row)]);
  EXPECT_EQ(asked, (std::vector<std::pair<std::int64_t, std::int64_t>>{
                       {0, 6000}, {6000, 12000}, {12000, 13000}}));
  for (std::int64_t begin = 0; begin <= kRows; begin += 1300) {
    for (std::int64_t end = begin; end <= kRows; end += 1300) {
      EXPECT_EQ(table.names(begin, end), Texts(all.begin() + begin, all.begin() + end));
    }
  }
}

TEST(FrameColumns, NamesThatChangedAreRefused) {
  Texts all(10000, "a");
  const auto read = [&](std::int64_t begin, std::int64_t end) {
    return Texts(all.begin() + begin, all.begin() + end);
  };
  const Table table = io::table_named_later(10000, 1, read, "f: obs");
  for (std::int64_t begin = 0; begin < 10000; begin += 1000) {
    static_cast<void>(table.names(begin, begin + 1000));
  }
  all[5000] = "";
  EXPECT_EQ(table.names(0, 4000), Texts(4000, "a"));
  EXPECT_SAITHE_ERROR(static_cast<void>(table.names(4000, 6000)), ErrorKind::BadFormat,
                      "f: obs: the index is no longer what it was");
  EXPECT_SAITHE_ERROR(static_cast<void>(table.index()), ErrorKind::BadFormat,
                      "another program changed the file meanwhile");
  std::swap(all[5000], all[5001]);
  EXPECT_SAITHE_ERROR(static_cast<void>(table.select_rows(std::vector<CellIndex>{5001}).index()),
                      ErrorKind::BadFormat, "f: obs");
}

TEST(FrameColumns, OfAnotherLengthAreRefusedWhenTheyAreAskedFor) {
  Table table = three_rows();
  io::add_column_later(
      table, "x",
      [] {
        return Column(NumberColumn{{1, 2}});
      },
      "f: obs", "f: /obs/x", kContext);
  EXPECT_SAITHE_ERROR(table.find("x"), ErrorKind::BadFormat,
                      "f: /obs/x: has 2 entries for 3 rows; the file is not whole");
}

TEST(FrameColumns, TextsThatAreNotUtf8AreRefused) {
  Table table = three_rows();
  io::add_column_later(
      table, "x",
      [] {
        return Column(TextColumn{{"a", "\xE9", "b"}, {}});
      },
      "f: obs", "f: /obs/x", kContext);
  EXPECT_SAITHE_ERROR(table.find("x"), ErrorKind::BadFormat,
                      "f: obs: the column 'x' holds a text that is not UTF-8 (entry 1");
  EXPECT_SAITHE_ERROR(io::add_column_later(table, "\xE9", nullptr, "f: obs", "", kContext),
                      ErrorKind::BadFormat, "a column's name");
  const Table names = io::table_named_later(
      3, 1,
      [](std::int64_t, std::int64_t) {
        return Texts{"a", "b", "\xE9"};
      },
      "f: obs");
  EXPECT_SAITHE_ERROR(static_cast<void>(names.names(2, 3)), ErrorKind::BadFormat,
                      "f: obs: the index holds a text that is not UTF-8 (entry 2");
}

TEST(FrameColumns, LevelsThatStandTwiceAreOne) {
  CategoryColumn column{{0, 1, -1, 2, 3, 1}, {"a", "b", "a", "b"}};
  Context context(1);
  Texts warnings;
  context.on_warning = [&](const std::string& warning) { warnings.push_back(warning); };
  io::tidy_levels(column, "f: /obs/x", context);
  EXPECT_EQ(column.levels, (Texts{"a", "b"}));
  EXPECT_EQ(column.codes, (std::vector<std::int32_t>{0, 1, -1, 0, 1, 1}));
  EXPECT_EQ(warnings, Texts{"f: /obs/x: levels that stand more than once are taken as one: 'a', "
                            "..."});
  io::tidy_levels(column, "f: /obs/x", context);  // nothing to do
  EXPECT_EQ(warnings.size(), 1U);
}

TEST(FrameColumns, WhatIsNoNumberAmongLevelsOfNumbersIsMissing) {
  CategoryColumn column{{0, 1, 2}, {"0.1", "", "7"}};
  io::tidy_levels(column, "f: /obs/x", kContext);
  EXPECT_EQ(column.levels.size(), 3U);  // an empty text is one
  column.level_kind = NumberColumn::Kind::Float64;
  io::tidy_levels(column, "f: /obs/x", kContext);
  EXPECT_EQ(column.levels, (Texts{"0.1", "7"}));
  EXPECT_EQ(column.codes, (std::vector<std::int32_t>{0, -1, 1}));
}

TEST(FrameColumns, NumbersNameRowsAsTexts) {
  EXPECT_EQ(io::table_named_by(NumberColumn{{7, 8}, NumberColumn::Kind::Integer}).index(),
            (Texts{"7", "8"}));
  EXPECT_EQ(io::table_named_by(TextColumn{kNames, {}}).index(), kNames);
}

// What anndata.read_h5ad(path).obs_names has of such an index.
TEST(FrameColumns, FloatsNameRowsAsAnnDataDoes) {
  const NumberColumn doubles{{0, 1.5, -1e5, 123456789, 1e15, 1e16, 1e-4, 1e-5, 1e22, 0.1, NAN},
                             NumberColumn::Kind::Float64};
  EXPECT_EQ(io::table_named_by(doubles).index(),
            (Texts{"0.0", "1.5", "-100000.0", "123456789.0", "1000000000000000.0", "1e+16",
                   "0.0001", "1e-05", "1e+22", "0.1", "nan"}));
  EXPECT_EQ(io::table_named_by(NumberColumn{{0, 0.1F}, NumberColumn::Kind::Float32}).index(),
            (Texts{"0.0", "0.1"}));
}

TEST(FrameColumns, WholeNumbersAreHeldExactly) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  constexpr std::uint64_t kPast = std::numeric_limits<std::uint64_t>::max();
  const NumberColumn column{{0x1p63, NAN, 5}, NumberColumn::Kind::Integer};
  NumberColumn whole = column;
  io::hold_exactly(whole, std::vector<std::int64_t>{kMost, 9, 5});
  EXPECT_EQ(whole.exact, (std::vector<std::int64_t>{kMost, 0, 5}));
  whole = column;
  io::hold_exactly(whole, std::vector<std::uint64_t>{kMost, kPast, 5});  // what is missing may be
  EXPECT_EQ(whole.exact, (std::vector<std::int64_t>{kMost, 0, 5}));
  whole = column;
  io::hold_exactly(whole, std::vector<std::uint64_t>{kPast, 0, 5});
  EXPECT_TRUE(whole.exact.empty());
}

TEST(FrameColumns, WhatNoDoubleHoldsIsWarnedOf) {
  Texts warnings;
  Context listening(1);
  listening.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  Table table = three_rows();
  io::add_column_later(
      table, "x",
      [] {
        return Column(NumberColumn{{1e19, 2, 3}, NumberColumn::Kind::Integer});
      },
      "f: obs", "f: /obs/x", listening);
  EXPECT_TRUE(warnings.empty());
  static_cast<void>(table.find("x"));
  io::warn_of_unread_column("f: /obs/y", listening);
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_TRUE(testing::contains(warnings[0], "f: /obs/x: has whole numbers of 2^63 or more"));
  EXPECT_TRUE(testing::contains(warnings[1], "f: /obs/y: the column is of a kind"));
}

}  // namespace
}  // namespace saithe
