#include "saithe/io/dense_columns.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "saithe/io/hdf5_writer.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using io::DenseColumns;
using io::Hdf5Group;
using io::Hdf5Target;
using testing::FolderForTest;

const Context kContext(1);
constexpr GeneIndex kGenes = 30;
constexpr CellIndex kCells = 50;

/// Gene g of cell c; two of three are zero.
float value_of(GeneIndex g, CellIndex c) {
  return (g * 7 + c) % 3 == 0 ? static_cast<float>(g * 100 + c + 1) : 0.0F;
}

/// The matrix in chunks of that many genes and cells; {0, 0}: contiguous.
Hdf5Group file_of(const std::filesystem::path& path, std::array<hsize_t, 2> chunk) {
  std::vector<float> values;
  for (GeneIndex g = 0; g < kGenes; ++g) {
    for (CellIndex c = 0; c < kCells; ++c) values.push_back(value_of(g, c));
  }
  Hdf5Target root = Hdf5Target::create_file(path, path.string());
  const std::array<hsize_t, 2> shape = {kGenes, kCells};
  const io::Hdf5Id space(H5Screate_simple(2, shape.data(), nullptr));
  const io::Hdf5Id creation(H5Pcreate(H5P_DATASET_CREATE));
  if (chunk[0] > 0) {
    H5Pset_chunk(creation.get(), 2, chunk.data());
    H5Pset_deflate(creation.get(), 2);
  }
  {
    const io::Hdf5Id dataset(H5Dcreate2(root.id(), "matrix", H5T_IEEE_F64BE, space.get(),
                                        H5P_DEFAULT, creation.get(), H5P_DEFAULT));
    H5Dwrite(dataset.get(), H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  }
  root.flush();
  root.close();
  return Hdf5Group::open_file(path);
}

void expect_cells(const CsrMatrix& cells, CellIndex begin, CellIndex end) {
  ASSERT_EQ(cells.n_rows, end - begin);
  ASSERT_EQ(cells.n_cols, kGenes);
  validate(cells.view(), "test");
  for (CellIndex cell = begin; cell < end; ++cell) {
    std::vector<float> dense(kGenes, 0.0F);
    const auto columns = cells.view().row_columns(cell - begin);
    const auto values = cells.view().row_values(cell - begin);
    for (std::size_t i = 0; i < columns.size(); ++i) dense[as_size(columns[i])] = values[i];
    for (GeneIndex gene = 0; gene < kGenes; ++gene) {
      ASSERT_EQ(dense[as_size(gene)], value_of(gene, cell)) << gene << " " << cell;
    }
  }
}

TEST(DenseColumns, AnyChunksAndAnyBlocks) {
  const FolderForTest folder;
  int i = 0;
  for (const std::array<hsize_t, 2> chunk :
       {std::array<hsize_t, 2>{0, 0}, {8, 8}, {30, 1}, {1, 50}, {30, 50}}) {
    SCOPED_TRACE(i);
    const Hdf5Group root = file_of(folder / (std::to_string(i++) + ".h5"), chunk);
    DenseColumns columns(root.dataset("matrix"), kGenes, kCells, kContext);
    EXPECT_EQ(columns.slab_cells() % std::max<CellIndex>(1, static_cast<CellIndex>(chunk[1])), 0);
    expect_cells(columns.read(0, kCells, kContext), 0, kCells);
    expect_cells(columns.read(13, 29, kContext), 13, 29);
    expect_cells(columns.read(49, 50, kContext), 49, 50);
    expect_cells(columns.read(0, 1, kContext), 0, 1);
    EXPECT_EQ(columns.read(7, 7, kContext).n_rows, 0);
  }
}

TEST(DenseColumns, LongChunksAreTurnedRoundInLittleMemory) {
  const FolderForTest folder;
  const Hdf5Group root = file_of(folder / "a.h5", {4, 50});
  Context little(2);
  little.max_memory = 16384;
  DenseColumns columns(root.dataset("matrix"), kGenes, kCells, little);
  expect_cells(columns.read(20, 50, little), 20, 50);
  expect_cells(columns.read(0, kCells, little), 0, kCells);
  const Hdf5Group one_chunk = file_of(folder / "b.h5", {30, 50});
  DenseColumns too_large(one_chunk.dataset("matrix"), kGenes, kCells, little);
  EXPECT_SAITHE_ERROR(too_large.read(0, 1, little), ErrorKind::BadFormat,
                      "one of its chunks has 1500 values");
}

TEST(DenseColumns, WhatWasGivenBackIsReadAgain) {
  const FolderForTest folder;
  const Hdf5Group root = file_of(folder / "a.h5", {4, 50});
  Context little(2);
  little.max_memory = 16384;
  for (const Context* context : {&kContext, static_cast<const Context*>(&little)}) {
    DenseColumns columns(root.dataset("matrix"), kGenes, kCells, *context);
    expect_cells(columns.read(20, 30, *context), 20, 30);
    columns.let_go();
    expect_cells(columns.read(10, 40, *context), 10, 40);
  }
}

TEST(DenseColumns, AnotherShapeIsNamed) {
  const FolderForTest folder;
  const Hdf5Group root = file_of(folder / "a.h5", {8, 8});
  EXPECT_SAITHE_ERROR(DenseColumns(root.dataset("matrix"), kGenes, kCells + 1, kContext),
                      ErrorKind::BadFormat, "is not a matrix of 30 genes x 51 cells");
}

}  // namespace
}  // namespace saithe
