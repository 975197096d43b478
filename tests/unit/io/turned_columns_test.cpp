#include "saithe/io/turned_columns.h"

#include <gtest/gtest.h>

#include <fstream>
#include <numeric>
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

using Positions = std::vector<double>;

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
    EXPECT_EQ(turned.most_stored(0, kCells), cells.n_stored());
    EXPECT_EQ(turned.most_stored(300, 310), cells.row_start[310] - cells.row_start[300]);
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
  EXPECT_EQ(turned.most_stored(0, 2), 4);
  expect_rows(turned.read(0, 2, kContext), CsrMatrix{2, 2, {0, 2, 4}, {0, 1, 0, 1}, {2, 16, 5, 8}},
              0, 2);
}

/// A gene that all of many cells have, more than pass by at once, and one that a few have.
struct ManyCells {
  static constexpr CellIndex kMany = 1200000;
  Positions indices;
  std::vector<double> values;
  ManyCells() : indices(as_size(kMany)), values(as_size(kMany)) {
    std::iota(indices.begin(), indices.end(), 0);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i % 100 + 1);
  }
  TurnedColumns write_and_open(const std::filesystem::path& path) {
    const auto n = static_cast<double>(indices.size());
    indices.insert(indices.end(), {7, 1000000});
    values.insert(values.end(), {0.5, 300});
    Hdf5Target root = Hdf5Target::create_file(path, "a");
    root.write_array("data", values, NumberColumn::Kind::Float32);
    root.write_array("indices", indices, NumberColumn::Kind::Integer);
    root.write_array("indptr", Positions{0, n, n + 2}, NumberColumn::Kind::Integer);
    root.flush();
    root.close();
    return {CompressedRows(Hdf5Group::open_file(path), 2, kMany, kContext), kMany, 100000,
            kContext};
  }
};

TEST(TurnedColumns, AGeneOfMoreEntriesThanPassByAtOnce) {
  const FolderForTest folder;
  TurnedColumns turned = ManyCells().write_and_open(folder / "a.h5");
  const CsrMatrix first = turned.read(0, 300, kContext);
  EXPECT_EQ(first.n_stored(), 301);
  EXPECT_EQ(first.view().row_values(7)[0], 8);
  EXPECT_EQ(first.view().row_values(7)[1], 0.5);
  const CsrMatrix later = turned.read(1000000, 1000002, kContext);
  EXPECT_EQ(later.columns, (std::vector<GeneIndex>{0, 1, 0}));
  EXPECT_EQ(later.values, (std::vector<float>{1, 300, 2}));
  EXPECT_EQ(turned.read(ManyCells::kMany - 1, ManyCells::kMany, kContext).values,
            std::vector<float>{100});
}

TEST(TurnedColumns, EntriesOfSuchAGeneThatStandTwiceAreAdded) {
  const FolderForTest folder;
  ManyCells cells;
  cells.indices[3] = 4;          // twice in a piece
  cells.indices[1100000] = 100;  // and in two
  TurnedColumns turned = cells.write_and_open(folder / "a.h5");
  const CsrMatrix first = turned.read(0, 101, kContext);
  EXPECT_EQ(first.n_stored(), 101);
  EXPECT_TRUE(first.view().row_values(3).empty());
  EXPECT_EQ(first.view().row_values(4)[0], 4 + 5);
  EXPECT_EQ(first.view().row_values(100)[0], 1 + 1);
  EXPECT_TRUE(turned.read(1100000, 1100001, kContext).columns.empty());
}

TEST(TurnedColumns, SoManyCellsThatTheirNumbersPassMemoryAreRefused) {
  const FolderForTest folder;
  const Hdf5Group group = file_by_gene(folder / "a.h5", CsrMatrix{0, 1, {0}, {}, {}});
  Context little = kContext;
  little.max_memory = 16 << 20;
  constexpr CellIndex kCellsOfAll = 20000000;
  EXPECT_SAITHE_ERROR(
      TurnedColumns(CompressedRows(group, 1, kCellsOfAll, little), kCellsOfAll, 1000, little),
      ErrorKind::InvalidArgument, "takes 7 bytes for each of 20000000 cells");
}

}  // namespace
}  // namespace saithe
