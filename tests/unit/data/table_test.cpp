// Columns beside cells and genes.

#include "saithe/data/table.h"

#include <gtest/gtest.h>

#include <cmath>

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

}  // namespace
}  // namespace saithe
