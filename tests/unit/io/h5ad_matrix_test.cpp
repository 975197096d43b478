#include "saithe/io/h5ad_matrix.h"

#include <gtest/gtest.h>

#include "saithe/io/hdf5_writer.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using io::H5adMatrix;
using io::Hdf5Group;
using io::Hdf5Id;
using io::Hdf5Target;
using testing::FolderForTest;

const Context kContext(2);

/// An array of fill values, of which the file holds no chunk.
void write_unwritten(hid_t group, const char* name, hid_t type, hsize_t n, std::int32_t fill) {
  const hsize_t chunk = 1 << 16;
  const Hdf5Id space(H5Screate_simple(1, &n, nullptr));
  const Hdf5Id creation(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_chunk(creation.get(), 1, &chunk);
  H5Pset_fill_value(creation.get(), H5T_NATIVE_INT32, &fill);
  const Hdf5Id data(
      H5Dcreate2(group, name, type, space.get(), H5P_DEFAULT, creation.get(), H5P_DEFAULT));
  ASSERT_TRUE(data.is_valid());
}

void write_packed(hid_t group, const char* name, const std::vector<std::int64_t>& values) {
  const hsize_t n = values.size();
  const hsize_t chunk = std::min<hsize_t>(n, 1 << 16);
  const Hdf5Id space(H5Screate_simple(1, &n, nullptr));
  const Hdf5Id creation(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_chunk(creation.get(), 1, &chunk);
  H5Pset_shuffle(creation.get());
  H5Pset_deflate(creation.get(), 9);
  const Hdf5Id data(H5Dcreate2(group, name, H5T_STD_I64LE, space.get(), H5P_DEFAULT, creation.get(),
                               H5P_DEFAULT));
  ASSERT_GE(H5Dwrite(data.get(), H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
            0);
}

/// Rows of `row` values 1 at column 0 each, stored by rows or by columns.
void write_huge(const std::filesystem::path& path, const char* encoding, std::int64_t n_rows,
                std::int64_t row, const std::vector<std::int64_t>& shape) {
  Hdf5Target root = Hdf5Target::create_file(path, "a");
  const Hdf5Target x = root.create_group("X", encoding);
  const auto n = static_cast<hsize_t>(n_rows * row);
  write_unwritten(x.id(), "data", H5T_IEEE_F32LE, n, 1);
  write_unwritten(x.id(), "indices", H5T_STD_I32LE, n, 0);
  std::vector<std::int64_t> starts;
  for (std::int64_t i = 0; i <= n_rows; ++i) starts.push_back(i * row);
  write_packed(x.id(), "indptr", starts);
  x.set_attribute("shape", shape);
  root.flush();
  root.close();
}

TEST(H5adMatrix, MoreValuesThan31BitsAreReadInBlocks) {
  const FolderForTest folder;
  constexpr std::int64_t kRows = 1 << 17;
  constexpr std::int64_t kRow = 1 << 20;  // 2^37 values: 1 TiB in memory
  write_huge(folder / "a.h5", "csr_matrix", kRows, kRow, {kRows, 5});
  EXPECT_LT(std::filesystem::file_size(folder / "a.h5"), std::uintmax_t{1} << 17);
  const Hdf5Group root = Hdf5Group::open_file(folder / "a.h5");
  H5adMatrix matrix(root, "X", kRows, 5, kContext);
  for (const CellIndex begin : {CellIndex{0}, CellIndex{2047}, kRows - 1}) {
    const CsrMatrix block = matrix.read(begin, begin + 1, kContext);
    EXPECT_EQ(block.columns, (std::vector<GeneIndex>{0}));
    EXPECT_EQ(block.values, (std::vector<float>{static_cast<float>(kRow)}));
  }
  EXPECT_SAITHE_ERROR(matrix.read(0, kRows, kContext), ErrorKind::BadFormat, "in memory at once");
}

TEST(H5adMatrix, ACellThatPassesMemoryIsRefusedWithTheMemoryThatItTakes) {
  const FolderForTest folder;
  write_huge(folder / "a.h5", "csr_matrix", 3, std::int64_t{1} << 22, {3, 5});  // 32 MiB a cell
  const Hdf5Group root = Hdf5Group::open_file(folder / "a.h5");
  H5adMatrix matrix(root, "X", 3, 5, kContext);
  EXPECT_EQ(matrix.most_stored(1, 3), std::int64_t{1} << 23);
  Context little(2);
  little.max_memory = std::int64_t{1} << 24;
  EXPECT_SAITHE_ERROR(matrix.read(1, 2, little), ErrorKind::BadFormat,
                      "claim 4194304 values at once, which take 32M, more than --memory (16M); "
                      "those of a cell must fit it. If the file is not damaged, "
                      "give it more with --memory 32M.");
  little.max_memory = std::int64_t{1} << 25;
  EXPECT_EQ(matrix.read(1, 2, little).n_stored(), 1);
  // Values that were never written: no more of them at once than memory is given.
  EXPECT_SAITHE_ERROR(matrix.read(0, 3, little), ErrorKind::BadFormat, "--memory 96M");
}

TEST(H5adMatrix, WhatIsNoMatrixIsNamed) {
  const FolderForTest folder;
  Hdf5Target root = Hdf5Target::create_file(folder / "a.h5", "a");
  const std::vector<float> values = {1, 2, 3, 4};
  const std::vector<std::int64_t> shape = {2, 2};
  root.write_array("dense", values, shape);
  static_cast<void>(root.create_group("other", "awkward-array"));
  {
    const Hdf5Id null(H5Screate(H5S_NULL));
    const Hdf5Id data(H5Dcreate2(root.id(), "null", H5T_IEEE_F32LE, null.get(), H5P_DEFAULT,
                                 H5P_DEFAULT, H5P_DEFAULT));
  }
  root.flush();
  root.close();
  const Hdf5Group file = Hdf5Group::open_file(folder / "a.h5");
  EXPECT_TRUE(H5adMatrix::is_there(file, "dense"));
  EXPECT_FALSE(H5adMatrix::is_there(file, "null"));
  EXPECT_FALSE(H5adMatrix::is_there(file, "none"));
  EXPECT_SAITHE_ERROR(H5adMatrix(file, "dense", 2, 3, kContext), ErrorKind::BadFormat,
                      "has the shape 2 x 2, but obs has 2 cells and var 3 genes");
  EXPECT_SAITHE_ERROR(H5adMatrix(file, "other", 2, 3, kContext), ErrorKind::BadFormat,
                      "awkward-array");
  H5adMatrix dense(file, "dense", 2, 2, kContext);
  EXPECT_EQ(dense.read(1, 2, kContext).values, (std::vector<float>{3, 4}));
}

}  // namespace
}  // namespace saithe
