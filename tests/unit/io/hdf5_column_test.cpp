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
  root.write_texts("text", {"a&b", "b"});
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
  const auto read = [&](const char* name) { return io::reader_of(root.dataset(name))(); };
  EXPECT_EQ(std::get<TextColumn>(read("text")).values, (std::vector<std::string>{"a&b", "b"}));
  EXPECT_EQ(std::get<NumberColumn>(read("whole")).kind, NumberColumn::Kind::Integer);
  EXPECT_EQ(std::get<NumberColumn>(read("whole")).values, (std::vector<double>{3, 4}));
  EXPECT_EQ(std::get<NumberColumn>(read("flag")).kind, NumberColumn::Kind::Boolean);
  EXPECT_EQ(std::get<NumberColumn>(read("small")).kind, NumberColumn::Kind::Float32);
  EXPECT_EQ(std::get<NumberColumn>(read("long")).kind, NumberColumn::Kind::Float64);
  EXPECT_EQ(column_size(read("long")), 3U);
  EXPECT_EQ(column_size(read("column")), 2U);
  EXPECT_FALSE(io::reader_of(root.dataset("square")));
}

TEST(Hdf5Column, NamesOfRowsAreTextsOrWholeNumbers) {
  const FolderForTest folder;
  const Hdf5Group root = file_of(folder / "a.h5");
  const auto names = [&](const char* name) {
    const io::Hdf5Dataset dataset = root.dataset(name);
    return io::table_named_later(dataset, io::reader_of_names(dataset), "x").names(0, 2);
  };
  EXPECT_EQ(names("text"), (std::vector<std::string>{"a&b", "b"}));
  EXPECT_EQ(names("whole"), (std::vector<std::string>{"3", "4"}));
  EXPECT_FALSE(io::reader_of_names(root.dataset("small")));
  EXPECT_FALSE(io::reader_of_names(root.dataset("square")));
  EXPECT_EQ(io::table_named_by_texts(root.dataset("text")).name_of(1), "b");
  EXPECT_SAITHE_ERROR(io::table_named_by_texts(root.dataset("whole")), ErrorKind::BadFormat,
                      "/whole");
}

TEST(Hdf5Column, WhatIsNoColumnIsLeftOutWithAWarning) {
  const FolderForTest folder;
  std::vector<std::string> warnings;
  Context listening(1);
  listening.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  Table table(std::vector<std::string>{"r1", "r2"});
  io::add_array_columns(table, file_of(folder / "a.h5"), {"text"}, nullptr, listening);
  EXPECT_EQ(table.column_names(), "column, flag, small, whole");
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_TRUE(testing::contains(warnings[0], "/long"));
  EXPECT_TRUE(testing::contains(warnings[1], "/square"));
}

TEST(Hdf5Column, TextsAreTidiedAsTheyAreRead) {
  const FolderForTest folder;
  const Hdf5Group root = file_of(folder / "a.h5");
  const io::TidyText tidy = [](std::string& text) { text = text.substr(0, 1); };
  Table table(std::vector<std::string>{"r1", "r2"});
  io::add_array_columns(table, root, {"long", "square"}, tidy, Context(1));
  EXPECT_EQ(table.as_text("text"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(table.as_text("whole"), (std::vector<std::string>{"3", "4"}));
  const ReadNames names = io::tidied(io::reader_of_names(root.dataset("text")), tidy);
  EXPECT_EQ(names(0, 2), (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace saithe
