#include <gtest/gtest.h>

#include "saithe/io/formats.h"
#include "saithe/io/hdf5_file.h"
#include "saithe/io/hdf5_writer.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using io::CompressedRows;
using io::Hdf5Group;
using io::Hdf5Target;
using testing::FolderForTest;

const Context kContext(2);

/// The three arrays of a matrix in a file of their own.
struct Arrays {
  std::vector<double> data = {1, 2, 3, 4};
  std::vector<double> indices = {0, 2, 1, 0};
  std::vector<double> indptr = {0, 2, 2, 4};
};

Hdf5Group file_of(const std::filesystem::path& path, const Arrays& arrays) {
  Hdf5Target root = Hdf5Target::create_file(path, "a");
  root.write_array("data", arrays.data, NumberColumn::Kind::Float64);
  root.write_array("indices", arrays.indices, NumberColumn::Kind::Integer);
  root.write_array("indptr", arrays.indptr, NumberColumn::Kind::Integer);
  root.flush();
  root.close();
  return Hdf5Group::open_file(path);
}

TEST(CompressedRows, BlocksAreTheRowsOfTheWhole) {
  const FolderForTest folder;
  const CompressedRows rows(file_of(folder / "a.h5", {}), 3, 3, kContext);
  EXPECT_EQ(rows.n_rows(), 3);
  const CsrMatrix whole = rows.read(0, 3, kContext);
  EXPECT_EQ(whole.columns, (std::vector<GeneIndex>{0, 2, 0, 1}));  // sorted within a row
  EXPECT_EQ(whole.values, (std::vector<float>{1, 2, 4, 3}));
  const CsrMatrix last = rows.read(2, 3, kContext);
  EXPECT_EQ(last.row_start, (std::vector<RowPointer>{0, 2}));
  EXPECT_EQ(last.values, (std::vector<float>{4, 3}));
  EXPECT_EQ(rows.read(1, 2, kContext).n_stored(), 0);
  EXPECT_EQ(rows.read(3, 3, kContext).n_rows, 0);
}

TEST(CompressedRows, EntriesOfOneColumnAreAdded) {
  const FolderForTest folder;
  Arrays twice;
  twice.indices = {2, 2, 1, 0};
  const CompressedRows rows(file_of(folder / "a.h5", twice), 3, 3, kContext);
  const CsrMatrix first = rows.read(0, 1, kContext);
  EXPECT_EQ(first.columns, (std::vector<GeneIndex>{2}));
  EXPECT_EQ(first.values, (std::vector<float>{3}));
}

TEST(CompressedRows, EntriesBehindTheLastRowAreNotRead) {
  const FolderForTest folder;
  std::vector<std::string> warnings;
  Context listening(1);
  listening.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  const Arrays spare{{1, 2, 3, 4, 9, 9}, {0, 2, 1, 0, 7, 7}, {0, 2, 2, 4}};
  const CompressedRows rows(file_of(folder / "a.h5", spare), 3, 3, listening);
  EXPECT_EQ(rows.read(0, 3, kContext).values, (std::vector<float>{1, 2, 4, 3}));
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(testing::contains(warnings[0], "indptr ends at 4; the 2 entries behind it"));
}

TEST(CompressedRows, WhatDoesNotAgreeIsNamed) {
  const FolderForTest folder;
  const auto expect_error = [&](const Arrays& arrays, std::int64_t n_rows, const char* part) {
    EXPECT_SAITHE_ERROR(
        CompressedRows(file_of(folder / "a.h5", arrays), n_rows, 3, kContext).read(0, 3, kContext),
        ErrorKind::BadFormat, part);
  };
  expect_error({}, 4, "expected 5 for 4 rows");
  expect_error({{1, 2, 3}, {0, 2, 1, 0}, {0, 2, 2, 4}}, 3, "indices has 4 entries but data has 3");
  expect_error({{1, 2, 3, 4}, {0, 2, 1, 0}, {1, 2, 2, 4}}, 3, "begins with 1");
  expect_error({{1, 2, 3, 4}, {0, 2, 1, 0}, {0, 3, 2, 4}}, 3, "falls from 3 to 2 at entry 2");
  expect_error({{1, 2, 3, 4}, {0, 2, 1, 0}, {0, 2, 2, 5}}, 3, "ends at 5");
  expect_error({{1, 2, 3, 4}, {0, 3, 1, 0}, {0, 2, 2, 4}}, 3, "entry 1 is 3; expected 0 to 2");
  expect_error({{1, 2, 3, 4}, {0, -1, 1, 0}, {0, 2, 2, 4}}, 3, "entry 1 is -1");
}

}  // namespace
}  // namespace saithe
