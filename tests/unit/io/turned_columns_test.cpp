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

constexpr CellIndex kCells = 697;  // of three parts
constexpr GeneIndex kGenes = 31;

TEST(TurnedColumns, AnyBlockWithAnyMemoryIsTheBlockOfTheWhole) {
  const FolderForTest folder;
  const CsrMatrix cells = testing::random_cells(kCells, kGenes, 0.3, 5);
  const Hdf5Group group = file_by_gene(folder / "a.h5", cells);
  // From less than a cell to more than all: the same cells, from memory or a temporary file.
  for (const std::int64_t bytes : {1, 1000, 30000, 1 << 20}) {
    TurnedColumns turned(CompressedRows(group, kGenes, kCells, kContext), kCells, bytes, kContext);
    EXPECT_EQ(turned.n_stored(0, kCells), cells.n_stored());
    EXPECT_EQ(turned.n_stored(300, 310), cells.row_start[310] - cells.row_start[300]);
    for (const CellIndex block : {1, 10, 64, 256, 300, 697}) {
      for (CellIndex begin = 0; begin < kCells; begin += block) {
        const CellIndex end = std::min(kCells, begin + block);
        expect_rows(turned.read(begin, end, kContext), cells, begin, end);
      }
    }
    expect_rows(turned.read(50, 60, kContext), cells, 50, 60);  // and backwards
    expect_rows(turned.read(3, 3, kContext), cells, 3, 3);
    turned.let_go();
    expect_rows(turned.read(0, kCells, kContext), cells, 0, kCells);
    expect_rows(turned.read(0, 0, kContext), cells, 0, 0);
    expect_rows(turned.read(kCells, kCells, kContext), cells, kCells, kCells);
  }
}

TEST(TurnedColumns, PartsOfWhichMostEntriesAreGrow) {
  const FolderForTest folder;
  // The cells of one part have nearly all: more than parts have in the mean.
  CsrMatrix cells = testing::random_cells(kCells, 2000, 0.5, 5);
  CsrMatrix few = testing::random_cells(kCells, 2000, 0.01, 6);
  CsrMatrix uneven;
  uneven.n_cols = 2000;
  const auto rows_of = [](const CsrMatrix& matrix, CellIndex begin, CellIndex end) {
    std::vector<CellIndex> rows;
    for (CellIndex cell = begin; cell < end; ++cell) rows.push_back(cell);
    return select_rows(matrix.view(), rows);
  };
  append_rows(uneven, rows_of(few, 0, 256).view());
  append_rows(uneven, rows_of(cells, 256, 512).view());
  append_rows(uneven, rows_of(few, 512, kCells).view());
  const Hdf5Group group = file_by_gene(folder / "a.h5", uneven);
  TurnedColumns turned(CompressedRows(group, 2000, kCells, kContext), kCells, 1 << 30, kContext);
  expect_rows(turned.read(0, kCells, kContext), uneven, 0, kCells);
}

TEST(TurnedColumns, TheFileIsDealtOnceHoweverOftenCellsAreRead) {
  const FolderForTest folder;
  const CsrMatrix cells = testing::random_cells(kCells, kGenes, 0.3, 5);
  std::filesystem::path path = folder / "a.h5";
  std::optional<TurnedColumns> turned;
  {
    const Hdf5Group group = file_by_gene(path, cells);
    turned.emplace(CompressedRows(group, kGenes, kCells, kContext), kCells, 1000, kContext);
  }
  // Nothing is read from the file any more: what it holds now would be an error, or other values.
  std::vector<char> zeros(std::filesystem::file_size(path));
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary)
      .write(zeros.data(), std::ssize(zeros));
  for (int pass = 0; pass < 3; ++pass) {
    for (CellIndex begin = 0; begin < kCells; begin += 20) {
      const CellIndex end = std::min(kCells, begin + 20);
      expect_rows(turned->read(begin, end, kContext), cells, begin, end);
    }
    turned->let_go();
  }
}

TEST(TurnedColumns, ThereMayBeNoCellsAndNoGenes) {
  const FolderForTest folder;
  const Hdf5Group no_cells = file_by_gene(folder / "a.h5", CsrMatrix{0, 5, {0}, {}, {}});
  TurnedColumns cells(CompressedRows(no_cells, 5, 0, kContext), 0, 1000, kContext);
  EXPECT_EQ(cells.read(0, 0, kContext).n_cols, 5);
  const Hdf5Group no_genes = file_by_gene(folder / "b.h5", CsrMatrix{3, 0, {0, 0, 0, 0}, {}, {}});
  TurnedColumns genes(CompressedRows(no_genes, 0, 3, kContext), 3, 1000, kContext);
  EXPECT_EQ(genes.read(1, 3, kContext).row_start, (std::vector<RowPointer>{0, 0, 0}));
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
  EXPECT_EQ(turned.n_stored(0, 2), 4);
  expect_rows(turned.read(0, 2, kContext), CsrMatrix{2, 2, {0, 2, 4}, {0, 1, 0, 1}, {2, 16, 5, 8}},
              0, 2);
}

}  // namespace
}  // namespace saithe
