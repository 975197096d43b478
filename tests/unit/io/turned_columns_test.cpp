#include "saithe/io/turned_columns.h"

#include <gtest/gtest.h>

#include <fstream>
#include <optional>

#include "saithe/io/hdf5_file.h"
#include "saithe/io/hdf5_writer.h"
#include "support/folder_for_test.h"
#include "support/random_cells.h"

namespace saithe {
namespace {

using io::CompressedRows;
using io::Hdf5Group;
using io::Hdf5Target;
using io::TurnedColumns;
using testing::FolderForTest;

const Context kContext(2);

/// The compressed columns of `cells`, in a file of their own.
Hdf5Group file_by_gene(const std::filesystem::path& path, const CsrMatrix& cells) {
  const CsrMatrix genes = transpose(cells.view());
  Hdf5Target root = Hdf5Target::create_file(path, "a");
  using Doubles = std::vector<double>;
  root.write_array("data", Doubles{genes.values.begin(), genes.values.end()},
                   NumberColumn::Kind::Float32);
  root.write_array("indices", Doubles{genes.columns.begin(), genes.columns.end()},
                   NumberColumn::Kind::Integer);
  root.write_array("indptr", Doubles{genes.row_start.begin(), genes.row_start.end()},
                   NumberColumn::Kind::Integer);
  root.flush();
  root.close();
  return Hdf5Group::open_file(path);
}

void expect_rows(const CsrMatrix& got, const CsrMatrix& cells, CellIndex begin, CellIndex end) {
  std::vector<CellIndex> rows;
  for (CellIndex cell = begin; cell < end; ++cell) rows.push_back(cell);
  const CsrMatrix expected = select_rows(cells.view(), rows);
  EXPECT_EQ(got.n_rows, expected.n_rows);
  EXPECT_EQ(got.n_cols, expected.n_cols);
  EXPECT_EQ(got.row_start, expected.row_start);
  EXPECT_EQ(got.columns, expected.columns);
  EXPECT_EQ(got.values, expected.values);
}

TEST(TurnedColumns, AnyBlockWithAnyMemoryIsTheBlockOfTheWhole) {
  const FolderForTest folder;
  const CsrMatrix cells = testing::random_cells(97, 31, 0.3, 5);
  const Hdf5Group group = file_by_gene(folder / "a.h5", cells);
  // From less than a cell to more than all: the same cells, in more passes or fewer.
  for (const std::int64_t bytes : {1, 100, 1000, 3000, 1 << 20}) {
    TurnedColumns turned(CompressedRows(group, 31, 97, kContext), 97, bytes, kContext);
    for (const CellIndex block : {1, 10, 64, 97}) {
      for (CellIndex begin = 0; begin < 97; begin += block) {
        const CellIndex end = std::min<CellIndex>(97, begin + block);
        expect_rows(turned.read(begin, end, kContext), cells, begin, end);
      }
    }
    expect_rows(turned.read(50, 60, kContext), cells, 50, 60);  // and backwards
    expect_rows(turned.read(3, 3, kContext), cells, 3, 3);
    turned.let_go();
    expect_rows(turned.read(0, 97, kContext), cells, 0, 97);
    expect_rows(turned.read(0, 0, kContext), cells, 0, 0);
  }
}

TEST(TurnedColumns, TheFirstPartIsAsManyCellsAsFit) {
  const FolderForTest folder;
  const CsrMatrix cells{4, 2, {0, 2, 4, 5, 6}, {0, 1, 0, 1, 1, 0}, {1, 2, 3, 4, 5, 6}};
  const Hdf5Group group = file_by_gene(folder / "a.h5", cells);
  const auto first_part_end = [&](std::int64_t n_entries) {
    return TurnedColumns(CompressedRows(group, 2, 4, kContext), 4, 8 * n_entries, kContext)
        .first_part_end();
  };
  EXPECT_EQ(first_part_end(6), 4);
  EXPECT_EQ(first_part_end(5), 3);
  EXPECT_EQ(first_part_end(4), 2);
  EXPECT_EQ(first_part_end(1), 1);  // a cell at least
}

TEST(TurnedColumns, TheFileIsDealtOnceHoweverOftenCellsAreRead) {
  const FolderForTest folder;
  const CsrMatrix cells = testing::random_cells(97, 31, 0.3, 5);
  std::filesystem::path path = folder / "a.h5";
  std::optional<TurnedColumns> turned;
  {
    const Hdf5Group group = file_by_gene(path, cells);
    turned.emplace(CompressedRows(group, 31, 97, kContext), 97, 1000, kContext);
    ASSERT_LT(turned->first_part_end(), 30);
    expect_rows(turned->read(60, 97, kContext), cells, 60, 97);
  }
  // Nothing is read from the file any more: what it holds now would be an error, or other values.
  std::vector<char> zeros(std::filesystem::file_size(path));
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary)
      .write(zeros.data(), std::ssize(zeros));
  for (int pass = 0; pass < 3; ++pass) {
    for (CellIndex begin = 0; begin < 97; begin += 20) {
      const CellIndex end = std::min<CellIndex>(97, begin + 20);
      expect_rows(turned->read(begin, end, kContext), cells, begin, end);
    }
    turned->let_go();
  }
}

TEST(TurnedColumns, EntriesThatStandTwiceAreAdded) {
  const FolderForTest folder;
  Hdf5Target root = Hdf5Target::create_file(folder / "a.h5", "a");
  root.write_array("data", std::vector<double>{1, 2, 4, 8, 16}, NumberColumn::Kind::Float32);
  root.write_array("indices", std::vector<double>{1, 0, 1, 1, 0}, NumberColumn::Kind::Integer);
  root.write_array("indptr", std::vector<double>{0, 3, 5}, NumberColumn::Kind::Integer);
  root.flush();
  root.close();
  TurnedColumns turned(CompressedRows(Hdf5Group::open_file(folder / "a.h5"), 2, 2, kContext), 2,
                       1000, kContext);
  expect_rows(turned.read(0, 2, kContext), CsrMatrix{2, 2, {0, 2, 4}, {0, 1, 0, 1}, {2, 16, 5, 8}},
              0, 2);
}

}  // namespace
}  // namespace saithe
