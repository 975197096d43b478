#include "saithe/io/hdf5_column.h"

#include <gtest/gtest.h>

#include "saithe/io/hdf5_writer.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using io::Hdf5Group;
using io::Hdf5Target;
using testing::FolderForTest;

Hdf5Group file_of(const std::filesystem::path& path) {
  Hdf5Target root = Hdf5Target::create_file(path, path.string());
  root.write_texts("text", {"a", "b"});
  root.write_array("whole", std::vector<double>{3, 4}, NumberColumn::Kind::Integer);
  root.write_array("flag", std::vector<double>{0, 1}, NumberColumn::Kind::Boolean);
  root.write_array("small", std::vector<double>{0.5, 1}, NumberColumn::Kind::Float32);
  root.write_array("long", std::vector<double>{1, 2, 3}, NumberColumn::Kind::Float64);
  const std::vector<float> values = {1, 2, 3, 4};
  const std::vector<std::int64_t> column = {2, 1};
  const std::vector<std::int64_t> square = {2, 2};
  root.write_array("column", std::span(values).first(2), column);
  root.write_array("square", values, square);
  root.flush();
  root.close();
  return Hdf5Group::open_file(path);
}

TEST(Hdf5Column, KindsOfArrays) {
  const FolderForTest folder;
  const Hdf5Group root = file_of(folder / "a.h5");
  const auto read = [&](const char* name) { return io::read_array_column(root.dataset(name)); };
  EXPECT_EQ(std::get<TextColumn>(*read("text")).values, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(std::get<NumberColumn>(*read("whole")).kind, NumberColumn::Kind::Integer);
  EXPECT_EQ(std::get<NumberColumn>(*read("whole")).values, (std::vector<double>{3, 4}));
  EXPECT_EQ(std::get<NumberColumn>(*read("flag")).kind, NumberColumn::Kind::Boolean);
  EXPECT_EQ(std::get<NumberColumn>(*read("small")).kind, NumberColumn::Kind::Float32);
  EXPECT_EQ(std::get<NumberColumn>(*read("long")).kind, NumberColumn::Kind::Float64);
  EXPECT_EQ(column_size(*read("long")), 3U);
  EXPECT_EQ(column_size(*read("column")), 2U);
  EXPECT_FALSE(read("square").has_value());
}

TEST(Hdf5Column, WhatIsNoColumnIsLeftOutWithAWarning) {
  const FolderForTest folder;
  std::vector<std::string> warnings;
  Context listening(1);
  listening.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  Table table(std::vector<std::string>{"r1", "r2"});
  io::add_array_columns(table, file_of(folder / "a.h5"), {"text"}, listening);
  EXPECT_EQ(table.column_names(), "column, flag, small, whole");
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_TRUE(testing::contains(warnings[0], "/long"));
  EXPECT_TRUE(testing::contains(warnings[1], "/square"));
}

}  // namespace
}  // namespace saithe
