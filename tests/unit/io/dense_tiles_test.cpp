#include "saithe/io/dense_tiles.h"

#include <gtest/gtest.h>

#include <functional>

#include "saithe/io/hdf5_writer.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using io::Hdf5Group;
using io::Hdf5Id;
using io::Hdf5Target;
using testing::FolderForTest;

const Context kContext(2);
constexpr hsize_t kRows = 37;
constexpr hsize_t kColumns = 23;

float value_of(std::int64_t row, std::int64_t column) {
  return static_cast<float>((row * 31 + column * 7) % 11);
}

Hdf5Group write(const std::filesystem::path& path, hid_t type, std::array<hsize_t, 2> chunk,
                const std::function<void(hid_t)>& filters) {
  std::vector<float> values;
  for (hsize_t row = 0; row < kRows; ++row) {
    for (hsize_t column = 0; column < kColumns; ++column) {
      values.push_back(value_of(static_cast<std::int64_t>(row), static_cast<std::int64_t>(column)));
    }
  }
  Hdf5Target root = Hdf5Target::create_file(path, "a");
  const std::array<hsize_t, 2> shape = {kRows, kColumns};
  const Hdf5Id space(H5Screate_simple(2, shape.data(), nullptr));
  const Hdf5Id creation(H5Pcreate(H5P_DATASET_CREATE));
  if (chunk[0] > 0) H5Pset_chunk(creation.get(), 2, chunk.data());
  filters(creation.get());
  {
    const Hdf5Id data(
        H5Dcreate2(root.id(), "X", type, space.get(), H5P_DEFAULT, creation.get(), H5P_DEFAULT));
    H5Dwrite(data.get(), H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  }
  root.flush();
  root.close();
  return Hdf5Group::open_file(path);
}

void expect_rectangles(const io::DenseTiles& tiles) {
  for (const io::Rectangle& wanted : {io::Rectangle{0, 37, 0, 23}, io::Rectangle{5, 20, 3, 11},
                                      io::Rectangle{36, 1, 22, 1}, io::Rectangle{8, 0, 0, 23}}) {
    std::vector<float> values(as_size(wanted.n_values()), -1.0F);
    tiles.read(wanted, values, kContext);
    for (std::int64_t row = 0; row < wanted.n_rows; ++row) {
      for (std::int64_t column = 0; column < wanted.n_columns; ++column) {
        ASSERT_EQ(values[as_size(row * wanted.n_columns + column)],
                  value_of(wanted.first_row + row, wanted.first_column + column));
      }
    }
  }
  for (const auto& [begin, end] : {std::pair{0, 37}, {5, 25}, {36, 37}, {8, 8}}) {
    const CsrMatrix rows = tiles.read_rows(begin, end, kContext);
    ASSERT_EQ(rows.n_rows, end - begin);
    ASSERT_EQ(rows.n_cols, 23);
    std::size_t at = 0;
    for (std::int64_t row = begin; row < end; ++row) {
      for (std::int64_t column = 0; column < 23; ++column) {
        if (value_of(row, column) == 0) continue;
        ASSERT_LT(at, rows.columns.size());
        ASSERT_EQ(rows.columns[at], column);
        ASSERT_EQ(rows.values[at], value_of(row, column));
        ++at;
      }
      ASSERT_EQ(rows.row_start[as_size(row - begin) + 1], static_cast<RowPointer>(at));
    }
  }
}

TEST(DenseTiles, AnyRectangleOfAnyForm) {
  const FolderForTest folder;
  const std::vector<std::function<void(hid_t)>> filters = {
      [](hid_t) {}, [](hid_t list) { H5Pset_deflate(list, 4); },
      [](hid_t list) { H5Pset_shuffle(list), H5Pset_deflate(list, 1); },
      [](hid_t list) { H5Pset_nbit(list); },  // which saithe leaves to HDF5
  };
  for (const auto& filter : filters) {
    for (const hid_t type : {H5T_IEEE_F32LE, H5T_IEEE_F64BE, H5T_STD_U8LE, H5T_STD_I64BE}) {
      for (const std::array<hsize_t, 2> chunk :
           {std::array<hsize_t, 2>{8, 5}, {1, 23}, {37, 1}, {37, 23}, {50, 7}}) {
        if (chunk[0] > kRows && chunk[1] > kColumns) continue;
        const Hdf5Group root =
            write(folder / "a.h5", type, {std::min(chunk[0], kRows), chunk[1]}, filter);
        expect_rectangles(*io::open_dense_tiles(root.dataset("X")));
      }
    }
  }
  const Hdf5Group root = write(folder / "b.h5", H5T_IEEE_F32LE, {0, 0}, filters[0]);
  const auto tiles = io::open_dense_tiles(root.dataset("X"));
  EXPECT_EQ(tiles->tile_rows(), 1);
  EXPECT_EQ(tiles->tile_bytes(), 0);
  expect_rectangles(*tiles);
}

TEST(DenseTiles, ATileThatPassesMemoryIsRefused) {
  const FolderForTest folder;
  const Hdf5Group root =
      write(folder / "a.h5", H5T_IEEE_F32LE, {37, 23}, [](hid_t list) { H5Pset_deflate(list, 4); });
  const auto tiles = io::open_dense_tiles(root.dataset("X"));
  Context little(1);
  little.max_memory = 5000;
  std::vector<float> row(23);
  EXPECT_SAITHE_ERROR(tiles->read({0, 1, 0, 23}, row, little), ErrorKind::BadFormat,
                      "one of its chunks has 851 values");
  EXPECT_SAITHE_ERROR(tiles->read({0, 1, 0, 23}, row, little), ErrorKind::BadFormat,
                      "Give it more with --memory 1M");
}

TEST(NextSlab, IsOfWholeTilesAndLongWhereItGoesOn) {
  const auto slab = [](CellIndex begin, CellIndex end, CellIndex last_end) {
    const io::SlabOfCells next = io::next_slab(begin, end, last_end, 10, 40, 95);
    return std::pair(next.begin, next.end);
  };
  using Range = std::pair<CellIndex, CellIndex>;
  EXPECT_EQ(slab(0, 5, -1), Range(0, 10));  // nothing was read before
  EXPECT_EQ(slab(12, 31, -1), Range(10, 40));
  EXPECT_EQ(slab(12, 90, -1), Range(10, 50));  // no more than a slab
  EXPECT_EQ(slab(10, 12, 10), Range(10, 50));
  EXPECT_EQ(slab(93, 95, 0), Range(90, 95));
  EXPECT_EQ(slab(80, 82, 80), Range(80, 95));
}

TEST(DenseTiles, OnlyMatricesOfNumbers) {
  const FolderForTest folder;
  Hdf5Target target = Hdf5Target::create_file(folder / "a.h5", "a");
  target.write_texts("names", {"a", "b"});
  target.write_array("row", std::vector<double>{1, 2}, NumberColumn::Kind::Float32);
  target.flush();
  target.close();
  const Hdf5Group root = Hdf5Group::open_file(folder / "a.h5");
  EXPECT_SAITHE_ERROR(io::open_dense_tiles(root.dataset("names")), ErrorKind::BadFormat,
                      "expected numbers");
  EXPECT_SAITHE_ERROR(io::open_dense_tiles(root.dataset("row")), ErrorKind::BadFormat,
                      "has 1 axes; expected two");
}

}  // namespace
}  // namespace saithe
