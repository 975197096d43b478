// Columns beside cells and genes.

#include "saithe/data/table.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/folder_for_test.h"

namespace saithe {
namespace {

Table sample() {
  Table table(std::vector<std::string>{"c0", "c1", "c2"});
  table.index_name = "barcode";
  table.set("type", CategoryColumn{{1, -1, 0}, {"B", "T"}, true});
  table.set("note", TextColumn{{"x", "y", "z"}, {false, true, false}});
  table.set("n_genes", NumberColumn{{200, 1e15, std::nan("")}, NumberColumn::Kind::Integer});
  table.set("share", NumberColumn{{0.1F, 2, -0.5}, NumberColumn::Kind::Float32});
  table.set("is_doublet", NumberColumn{{0, 1, std::nan("")}, NumberColumn::Kind::Boolean});
  return table;
}

TEST(Table, EntriesAsText) {
  using Texts = std::vector<std::string>;
  const Table table = sample();
  EXPECT_EQ(table.as_text("type"), (Texts{"T", "", "B"}));
  EXPECT_EQ(table.as_text("note"), (Texts{"x", "", "z"}));
  EXPECT_EQ(table.as_text("n_genes"), (Texts{"200", "1000000000000000", ""}));
  EXPECT_EQ(table.as_text("share"), (Texts{"0.1", "2", "-0.5"}));
  EXPECT_EQ(table.as_text("is_doublet"), (Texts{"False", "True", ""}));
}

TEST(Table, SelectedRowsKeepLevelsOrderAndKinds) {
  const Table selected = sample().select_rows(std::vector<CellIndex>{2, 0, 2});
  EXPECT_EQ(selected.index(), (std::vector<std::string>{"c2", "c0", "c2"}));
  EXPECT_EQ(selected.index_name, "barcode");
  const auto& type = std::get<CategoryColumn>(*selected.find("type"));
  EXPECT_EQ(type.codes, (std::vector<std::int32_t>{0, 1, 0}));
  EXPECT_EQ(type.levels, (std::vector<std::string>{"B", "T"}));
  EXPECT_TRUE(type.is_ordered);
  EXPECT_EQ(std::get<NumberColumn>(*selected.find("is_doublet")).kind, NumberColumn::Kind::Boolean);
  EXPECT_EQ(std::get<TextColumn>(*selected.find("note")).is_missing,
            (std::vector<bool>{false, false, false}));
}

TEST(Table, WhatIsReadLaterIsReadOnce) {
  int n_columns_read = 0;
  int n_names_read = 0;
  const std::vector<std::string> names = {"a", "b", "c"};
  Table table(3, [&](std::int64_t begin, std::int64_t end) {
    ++n_names_read;
    return std::vector<std::string>(names.begin() + begin, names.begin() + end);
  });
  table.set_later("n", [&]() -> Column {
    ++n_columns_read;
    return NumberColumn{{1, 2, 3}};
  });
  EXPECT_EQ(table.most_bytes_of_entry(), kBytesOfTextEntry);  // where nothing is said
  EXPECT_EQ(table.n_rows(), 3);
  EXPECT_TRUE(table.has("n"));
  EXPECT_FALSE(table.has("m"));
  EXPECT_FALSE(table.has_read_index());
  EXPECT_EQ(table.names(1, 3), (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(table.name_of(2), "c");
  EXPECT_FALSE(table.has_read_index());
  EXPECT_EQ(n_names_read, 2);
  EXPECT_EQ(table.index(), names);
  EXPECT_EQ(table.index(), table.names(0, 3));
  EXPECT_EQ(n_names_read, 3);
  // Selected rows read it themselves.
  const Table selected = table.select_rows(std::vector<CellIndex>{2, 0});
  EXPECT_EQ(n_columns_read, 0);
  int n_in_memory = 0;
  table.visit_read_columns([&](const std::string&, const Column&) { ++n_in_memory; });
  EXPECT_EQ(n_in_memory, 0);
  // Visited, it is not kept.
  std::string visited;
  selected.visit_columns([&](const std::string& name, const Column& column) {
    visited += fmt::format("{} {}", name, std::get<NumberColumn>(column).values[0]);
  });
  EXPECT_EQ(visited, "n 3");
  selected.visit_read_columns([&](const std::string&, const Column&) { ++n_in_memory; });
  EXPECT_EQ(n_in_memory, 0);
  EXPECT_EQ(n_columns_read, 1);
  EXPECT_EQ(selected.as_text("n"), (std::vector<std::string>{"3", "1"}));
  EXPECT_EQ(table.as_text("n"), (std::vector<std::string>{"1", "2", "3"}));
  EXPECT_EQ(n_columns_read, 3);
  EXPECT_EQ(table.columns().size(), 1U);
  EXPECT_EQ(n_columns_read, 3);
}

TEST(Table, SelectedRowsReadTheirNamesLater) {
  std::vector<std::string> names;
  for (int i = 0; i < 40000; ++i) names.push_back(std::to_string(i));
  std::int64_t n_read = 0;
  const Table table(40000, [&](std::int64_t begin, std::int64_t end) {
    n_read += end - begin;
    return std::vector<std::string>(names.begin() + begin, names.begin() + end);
  });
  const Table selected = table.select_rows(std::vector<CellIndex>{0, 3, 16383, 16384, 39999});
  EXPECT_EQ(n_read, 0);
  EXPECT_EQ(selected.names(1, 3), (std::vector<std::string>{"3", "16383"}));
  EXPECT_EQ(n_read, 16381);
  EXPECT_EQ(selected.index(), (std::vector<std::string>{"0", "3", "16383", "16384", "39999"}));
  EXPECT_EQ(table.select_rows(std::vector<CellIndex>{7, 2}).index(),
            (std::vector<std::string>{"7", "2"}));
}

TEST(Table, MissingTextsAsCategories) {
  const CategoryColumn column = to_categories({{"b", "", "a", ""}, {false, false, false, true}});
  EXPECT_EQ(column.levels, (std::vector<std::string>{"", "a", "b"}));
  EXPECT_EQ(column.codes, (std::vector<std::int32_t>{2, 0, 1, -1}));
}

TEST(Table, SettingAColumnReplacesTheOneOfThatName) {
  Table table = sample();
  table.set("type", TextColumn{{"a", "b", "c"}, {}});
  EXPECT_EQ(table.columns().size(), 5U);
  EXPECT_EQ(table.columns()[0].first, "type");
  EXPECT_EQ(table.as_text("type"), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(table.column_names(), "type, note, n_genes, share, is_doublet");
  EXPECT_EQ(table.find("none"), nullptr);
}

TEST(Table, AColumnOfWrongLengthIsRefused) {
  Table table = sample();
  EXPECT_SAITHE_ERROR(table.set("x", TextColumn{{"a"}, {}}), ErrorKind::Internal, "assertion");
}

TEST(MakeCategoryColumn, LevelsAreSortedAndEmptyNamesMissing) {
  const auto column = make_category_column(std::vector<std::string>{"T", "", "B", "T"});
  EXPECT_EQ(column.levels, (std::vector<std::string>{"B", "T"}));
  EXPECT_EQ(column.codes, (std::vector<std::int32_t>{1, -1, 0, 1}));
}

TEST(MakeCategoryColumn, CodesOfAFileMustHaveALevel) {
  const std::vector<std::int64_t> codes = {1, -1, 0};
  const auto column = make_category_column(codes, {"T", "B"}, "a.h5ad: /obs/type");
  EXPECT_EQ(column.levels, (std::vector<std::string>{"T", "B"}));
  EXPECT_EQ(column.codes, (std::vector<std::int32_t>{1, -1, 0}));
  for (const std::int64_t wrong : {std::int64_t{2}, std::int64_t{-2}}) {
    const std::vector<std::int64_t> bad = {0, wrong};
    EXPECT_SAITHE_ERROR(make_category_column(bad, {"T", "B"}, "a.h5ad: /obs/type"),
                        ErrorKind::BadFormat, "/obs/type");
  }
}

TEST(LevelNames, AreTheTextsOfNumbersAndBooleans) {
  EXPECT_EQ(level_names({{0, 2}, NumberColumn::Kind::Integer}),
            (std::vector<std::string>{"0", "2"}));
  Table as_column(std::vector<std::string>(2));
  as_column.set("x", NumberColumn{{0, 1}, NumberColumn::Kind::Boolean});
  EXPECT_EQ(level_names({{0, 1}, NumberColumn::Kind::Boolean}), as_column.as_text("x"));
}

constexpr std::int64_t kLarge = (std::int64_t{1} << 53) + 1;

TEST(Table, WholeNumbersBeyondTwoTo53AreExact) {
  const double rounded = static_cast<double>(kLarge);
  EXPECT_TRUE(need_exact_integers(std::vector<double>{1, rounded}));
  EXPECT_TRUE(need_exact_integers(std::vector<double>{-0x1p63, std::nan("")}));
  EXPECT_FALSE(need_exact_integers(std::vector<double>{1, 0x1p53 - 1}));
  EXPECT_TRUE(need_exact_integers(std::vector<double>{rounded, 0x1p63}));  // 2^63 - 1, rounded
  EXPECT_FALSE(need_exact_integers(std::vector<double>{rounded, 0x1p64}));
  Table table(std::vector<std::string>{"c0", "c1", "c2"});
  table.set("id",
            NumberColumn{{rounded, std::nan(""), 5}, NumberColumn::Kind::Integer, {kLarge, 0, 5}});
  EXPECT_EQ(table.as_text("id"), (std::vector<std::string>{"9007199254740993", "", "5"}));
  const Table selected = table.select_rows(std::vector<CellIndex>{2, 0});
  EXPECT_EQ(std::get<NumberColumn>(*selected.find("id")).exact,
            (std::vector<std::int64_t>{5, kLarge}));
  EXPECT_EQ(selected.as_text("id"), (std::vector<std::string>{"5", "9007199254740993"}));
}

TEST(Table, WholeNumbersPast64BitsAreSaid) {
  std::vector<std::string> warnings;
  Context context(1);
  context.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  warn_of_inexact_integers(NumberColumn{{1, 0x1p62}, NumberColumn::Kind::Integer}, "a", context);
  warn_of_inexact_integers(NumberColumn{{1, 0x1p70}, NumberColumn::Kind::Float64}, "b", context);
  warn_of_inexact_integers(TextColumn{{"x"}, {}}, "c", context);
  EXPECT_TRUE(warnings.empty());
  CategoryColumn levels{{0}, level_names({{1, 0x1p62}, NumberColumn::Kind::Integer})};
  levels.level_kind = NumberColumn::Kind::Integer;
  warn_of_inexact_integers(levels, "d", context);
  levels.levels = {"1", "18446744073709551615"};
  warn_of_inexact_integers(levels, "e", context);
  EXPECT_TRUE(warnings.empty());
  const NumberColumn large{{1, 0x1p63}, NumberColumn::Kind::Integer};
  warn_of_inexact_integers(large, "obs/id", context);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(warnings[0].starts_with("obs/id: has whole numbers of 2^63 or more"));
  Table table(std::vector<std::string>{"c0", "c1"});
  table.set("id", large);
  EXPECT_EQ(table.as_text("id"), (std::vector<std::string>{"1", "9223372036854775808"}));
}

TEST(Table, TheLargestOf64BitsIsNotPastThem) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_TRUE(fit_signed_integers(std::vector<double>{-0x1p63, 0x1p62}, {}));
  EXPECT_FALSE(fit_signed_integers(std::vector<double>{1, 0x1p63}, {}));
  EXPECT_TRUE(fit_signed_integers(std::vector<double>{0x1p63}, std::vector<std::int64_t>{kMost}));
  Context context(1);
  context.on_warning = [](const std::string& text) { ADD_FAILURE() << text; };
  const NumberColumn most{{0x1p63, std::nan("")}, NumberColumn::Kind::Integer, {kMost, 0}};
  warn_of_inexact_integers(most, "obs/id", context);
  const auto levels =
      level_numbers({{}, {"-1", "9223372036854775807"}, false, NumberColumn::Kind::Integer});
  ASSERT_TRUE(levels.has_value());
  EXPECT_EQ(levels->exact, (std::vector<std::int64_t>{-1, kMost}));
}

TEST(LevelNumbers, OfUnsignedLevelsAreKept) {
  using Kind = NumberColumn::Kind;
  const std::vector<std::uint64_t> levels = {7, 0x8000000000000000, 0x8000000000000001};
  const std::vector<std::string> names = level_names(levels);
  EXPECT_EQ(names, (std::vector<std::string>{"7", "9223372036854775808", "9223372036854775809"}));
  EXPECT_EQ(unsigned_levels({{}, names, false, Kind::Integer}), levels);
  EXPECT_FALSE(unsigned_levels({{}, names, false}).has_value());  // they are texts
  EXPECT_FALSE(unsigned_levels({{}, {"1", "2"}, false, Kind::Integer}).has_value());
  EXPECT_FALSE(unsigned_levels({{}, {"-1", names[1]}, false, Kind::Integer}).has_value());
  EXPECT_FALSE(unsigned_levels({{}, {"18446744073709551616"}, false, Kind::Integer}).has_value());
  // As doubles they are 2^63.
  EXPECT_TRUE(unsigned_levels({{}, {"9223372036854775807"}, false, Kind::Integer}).has_value());
  EXPECT_TRUE(need_unsigned_integers(std::vector<double>{1, 0x1p63}));
  EXPECT_FALSE(need_unsigned_integers(std::vector<double>{1, 0x1p62}));
  EXPECT_FALSE(need_unsigned_integers(std::vector<double>{-1, 0x1p63}));
}

TEST(LevelNumbers, GiveBackWhatLevelNamesNamed) {
  using Kind = NumberColumn::Kind;
  for (const NumberColumn& levels :
       {NumberColumn{{0, 1}, Kind::Boolean}, NumberColumn{{-3, 7}, Kind::Integer},
        NumberColumn{{static_cast<double>(kLarge), 4}, Kind::Integer, {kLarge, 4}},
        NumberColumn{{0.1, 1e300}, Kind::Float64}, NumberColumn{{0.5, 2}, Kind::Float32}}) {
    const CategoryColumn column{{0, 1}, level_names(levels), false, levels.kind};
    const auto numbers = level_numbers(column);
    ASSERT_TRUE(numbers.has_value());
    EXPECT_EQ(numbers->values, levels.values);
    EXPECT_EQ(numbers->exact, levels.exact);
    EXPECT_EQ(numbers->kind, levels.kind);
  }
  EXPECT_FALSE(level_numbers({{0}, {"1"}, false}).has_value());
  EXPECT_FALSE(level_numbers({{0}, {"one"}, false, Kind::Integer}).has_value());
}

}  // namespace
}  // namespace saithe
