#include "saithe/io/chunked_array.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "saithe/core/random.h"
#include "saithe/io/growing_array.h"
#include "saithe/io/hdf5_writer.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using io::ChunkedArray;
using io::Hdf5Group;
using io::Hdf5Target;
using testing::FolderForTest;

const Context kContext(2);

TEST(ChunkedArray, ChunksOfAnyKindAreReadAsHdf5ReadsThem) {
  const FolderForTest folder;
  std::vector<std::int32_t> values(1000);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<std::int32_t>(i * i % 977);
  const std::vector<std::function<void(hid_t)>> filters = {
      [](hid_t) {},
      [](hid_t list) { H5Pset_deflate(list, 4); },
      [](hid_t list) { H5Pset_shuffle(list), H5Pset_deflate(list, 4); },
      [](hid_t list) { H5Pset_fletcher32(list); },
      [](hid_t list) { H5Pset_shuffle(list), H5Pset_deflate(list, 9), H5Pset_fletcher32(list); },
      [](hid_t list) { H5Pset_fletcher32(list), H5Pset_shuffle(list), H5Pset_deflate(list, 1); },
  };
  for (std::size_t f = 0; f < filters.size(); ++f) {
    for (const hid_t type : {H5T_STD_I32LE, H5T_STD_U16LE, H5T_STD_I64LE, H5T_STD_I32BE,
                             H5T_STD_U16BE, H5T_STD_U64BE}) {
      Hdf5Target root = Hdf5Target::create_file(folder / "a.h5", "a");
      const hsize_t n = 1500;  // the last 500 values are never written: they have the fill value
      const hsize_t chunk = 128;
      const hsize_t n_written = values.size();
      const std::int32_t fill = 42;
      const io::Hdf5Id space(H5Screate_simple(1, &n, nullptr));
      const io::Hdf5Id creation(H5Pcreate(H5P_DATASET_CREATE));
      H5Pset_chunk(creation.get(), 1, &chunk);
      H5Pset_fill_value(creation.get(), H5T_NATIVE_INT32, &fill);
      filters[f](creation.get());
      {
        const io::Hdf5Id data(H5Dcreate2(root.id(), "v", type, space.get(), H5P_DEFAULT,
                                         creation.get(), H5P_DEFAULT));
        const hsize_t start = 0;
        H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, &start, nullptr, &n_written, nullptr);
        const io::Hdf5Id memory(H5Screate_simple(1, &n_written, nullptr));
        ASSERT_GE(H5Dwrite(data.get(), H5T_NATIVE_INT32, memory.get(), space.get(), H5P_DEFAULT,
                           values.data()),
                  0);
      }
      root.flush();
      root.close();
      const io::Hdf5Group group = io::Hdf5Group::open_file(folder / "a.h5");
      const io::ChunkedArray array(group.dataset("v"));
      std::vector<std::int32_t> read(1400);
      array.read(37, std::span<std::int32_t>(read), kContext);
      for (std::size_t i = 0; i < read.size(); ++i) {
        ASSERT_EQ(read[i], i + 37 < values.size() ? values[i + 37] : fill) << f << " at " << i;
      }
    }
  }
}

TEST(ChunkedArray, ChunksAtTheEdgeMayHaveNoFilters) {
  const FolderForTest folder;
  std::vector<std::int32_t> values(1000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int32_t>(i % 7);
  Hdf5Target root = Hdf5Target::create_file(folder / "a.h5", "a");
  {
    const hsize_t n = values.size();
    const hsize_t chunk = 128;
    const io::Hdf5Id space(H5Screate_simple(1, &n, nullptr));
    const io::Hdf5Id creation(H5Pcreate(H5P_DATASET_CREATE));
    H5Pset_chunk(creation.get(), 1, &chunk);
    H5Pset_chunk_opts(creation.get(), H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS);
    H5Pset_deflate(creation.get(), 4);
    const io::Hdf5Id data(H5Dcreate2(root.id(), "v", H5T_STD_I32LE, space.get(), H5P_DEFAULT,
                                     creation.get(), H5P_DEFAULT));
    ASSERT_GE(H5Dwrite(data.get(), H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
              0);
    root.flush();
    const hsize_t last = 896;
    hsize_t n_bytes = 0;
    ASSERT_GE(H5Dget_chunk_storage_size(data.get(), &last, &n_bytes), 0);
    ASSERT_EQ(n_bytes, chunk * sizeof(std::int32_t));
  }
  root.close();
  const ChunkedArray array(Hdf5Group::open_file(folder / "a.h5").dataset("v"));
  std::vector<std::int32_t> read(values.size());
  array.read(0, std::span<std::int32_t>(read), kContext);
  EXPECT_EQ(read, values);
}

/// A file with the integers `values` as "v".
Hdf5Group file_with(const std::filesystem::path& path, const std::vector<double>& values,
                    NumberColumn::Kind kind) {
  Hdf5Target root = Hdf5Target::create_file(path, "a");
  root.write_array("v", values, kind);
  root.flush();
  root.close();
  return Hdf5Group::open_file(path);
}

TEST(ChunkedArray, AnyRangeIsTheRangeOfTheWhole) {
  const FolderForTest folder;
  std::vector<double> values(70'000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i % 1013);
  const Hdf5Group group = file_with(folder / "a.h5", values, NumberColumn::Kind::Integer);
  const ChunkedArray array(group.dataset("v"));
  ASSERT_EQ(array.size(), 70'000);
  const Random random(1, 0);
  for (std::uint64_t round = 0; round < 60; ++round) {
    const auto begin = static_cast<std::int64_t>(random.below(2 * round, 70'001));
    const auto n = random.below(2 * round + 1, static_cast<std::uint64_t>(70'001 - begin));
    std::vector<float> read(n);
    array.read(begin, std::span<float>(read), kContext);
    for (std::size_t i = 0; i < n; ++i) {
      ASSERT_EQ(static_cast<double>(read[i]), values[as_size(begin) + i]);
    }
  }
}

TEST(ChunkedArray, AnArrayInOnePieceIsReadAsOneInChunks) {
  const FolderForTest folder;
  std::vector<std::int32_t> values(200'000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int32_t>(i % 10'007);
  for (const hid_t type : {H5T_STD_I32LE, H5T_STD_U16BE, H5T_STD_I64LE}) {
    for (const hsize_t n : {hsize_t{1}, hsize_t{65'536}, hsize_t{65'537}, hsize_t{200'000}}) {
      Hdf5Target root = Hdf5Target::create_file(folder / "a.h5", "a");
      {
        const io::Hdf5Id space(H5Screate_simple(1, &n, nullptr));
        const io::Hdf5Id data(
            H5Dcreate2(root.id(), "v", type, space.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
        ASSERT_GE(
            H5Dwrite(data.get(), H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
            0);
      }
      root.flush();
      root.close();
      const ChunkedArray array(Hdf5Group::open_file(folder / "a.h5").dataset("v"));
      const auto size = static_cast<std::int64_t>(n);
      for (const std::int64_t begin : {std::int64_t{0}, size / 3, size - 1}) {
        std::vector<std::int32_t> read(as_size(size - begin));
        array.read(begin, std::span<std::int32_t>(read), kContext);
        ASSERT_TRUE(std::equal(read.begin(), read.end(), values.begin() + begin))
            << n << " " << begin;
      }
    }
  }
}

TEST(ChunkedArray, AnArrayInOnePieceBehindAUserBlockIsFound) {
  const FolderForTest folder;
  const std::filesystem::path path = folder / "a.h5";
  const hsize_t n = 1000;
  std::vector<float> values(n);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) / 4;
  {
    const io::Hdf5Id creation(H5Pcreate(H5P_FILE_CREATE));
    H5Pset_userblock(creation.get(), 1024);
    const io::Hdf5Id file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), H5P_DEFAULT));
    const io::Hdf5Id space(H5Screate_simple(1, &n, nullptr));
    const io::Hdf5Id data(H5Dcreate2(file.get(), "v", H5T_IEEE_F32LE, space.get(), H5P_DEFAULT,
                                     H5P_DEFAULT, H5P_DEFAULT));
    ASSERT_GE(H5Dwrite(data.get(), H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
              0);
  }
  const ChunkedArray array(Hdf5Group::open_file(path).dataset("v"));
  ASSERT_GT(array.dataset().description().first_byte, 1024);
  std::vector<float> read(values.size());
  array.read(0, std::span<float>(read), kContext);
  EXPECT_EQ(read, values);
}

TEST(ChunkedArray, AnArrayInOnePieceThatWasNeverWrittenHasItsFillValue) {
  const FolderForTest folder;
  Hdf5Target root = Hdf5Target::create_file(folder / "a.h5", "a");
  {
    const hsize_t n = 1000;
    const std::int32_t fill = 42;
    const io::Hdf5Id space(H5Screate_simple(1, &n, nullptr));
    const io::Hdf5Id creation(H5Pcreate(H5P_DATASET_CREATE));
    H5Pset_fill_value(creation.get(), H5T_NATIVE_INT32, &fill);
    const io::Hdf5Id data(H5Dcreate2(root.id(), "v", H5T_STD_I32LE, space.get(), H5P_DEFAULT,
                                     creation.get(), H5P_DEFAULT));
  }
  root.flush();
  root.close();
  const ChunkedArray array(Hdf5Group::open_file(folder / "a.h5").dataset("v"));
  std::vector<std::int32_t> read(1000);
  array.read(0, std::span<std::int32_t>(read), kContext);
  EXPECT_EQ(read, std::vector<std::int32_t>(1000, 42));
}

TEST(ChunkedArray, AnArrayInOnePieceThatIsCutOffIsAnError) {
  const FolderForTest folder;
  const std::filesystem::path path = folder / "a.h5";
  const Hdf5Group group =
      file_with(path, std::vector<double>(100'000, 7), NumberColumn::Kind::Integer);
  const ChunkedArray array(group.dataset("v"));
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  std::vector<std::int32_t> read(100'000);
  EXPECT_SAITHE_ERROR(array.read(0, std::span<std::int32_t>(read), kContext), ErrorKind::BadFormat,
                      "/v: cannot be read: the file is damaged or cut off. Copy it again.");
}

TEST(ChunkedArray, AChunkThatBlocksShareIsUnpackedOnce) {
  const FolderForTest folder;
  std::vector<double> values(1 << 20);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i % 1013);
  Hdf5Target root = Hdf5Target::create_file(folder / "a.h5", "a");
  {
    io::GrowingArray growing(root, "v", H5T_IEEE_F64LE);  // 16 chunks
    growing.append({reinterpret_cast<const unsigned char*>(values.data()), 8 * values.size()},
                   kContext);
    growing.finish(kContext);
  }
  root.flush();
  root.close();
  const Hdf5Group group = Hdf5Group::open_file(folder / "a.h5");
  const ChunkedArray array(group.dataset("v"));
  std::vector<float> read(10'000);
  const auto read_all = [&] {
    for (std::size_t begin = 0; begin < values.size(); begin += read.size()) {
      const std::span<float> part(read.data(), std::min(read.size(), values.size() - begin));
      array.read(static_cast<std::int64_t>(begin), part, kContext);
      for (std::size_t i = 0; i < part.size(); ++i) {
        ASSERT_EQ(static_cast<double>(part[i]), values[begin + i]);
      }
    }
  };
  // A sample first, as of the places that may hold counts: every second chunk.
  for (std::int64_t chunk = 0; chunk < 16; chunk += 2) {
    array.read(chunk * (1 << 16) + 5, std::span<float>(read).first(100), kContext);
  }
  EXPECT_EQ(group.cache().n_unpacked(), 8);
  read_all();
  EXPECT_EQ(group.cache().n_unpacked(), 16);

  // With room for no chunk but the one that was used last, only the sample's are unpacked again.
  Context little(2);
  little.max_memory = 1;
  const Hdf5Group other = Hdf5Group::open_file(folder / "a.h5");
  const ChunkedArray alone(other.dataset("v"));
  for (std::size_t begin = 0; begin < values.size(); begin += read.size()) {
    const std::span<float> part(read.data(), std::min(read.size(), values.size() - begin));
    alone.read(static_cast<std::int64_t>(begin), part, little);
  }
  EXPECT_EQ(other.cache().n_unpacked(), 16);
  EXPECT_EQ(other.cache().bytes_kept(), 0);
}

// R writes one chunk as large as the array: any blocks of it, in any order, and what was not
// written.
TEST(ChunkedArray, LargeChunksGiveTheSameBlocks) {
  const FolderForTest folder;
  constexpr std::int64_t kChunk = (1 << 21) + 3;  // values of 4 bytes
  std::vector<std::int32_t> values(as_size(kChunk + 1000));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int32_t>(i % 4099);
  Hdf5Target root = Hdf5Target::create_file(folder / "a.h5", "a");
  {
    const hsize_t n = 3 * kChunk;
    const hsize_t chunk = kChunk;
    const hsize_t n_written = values.size();
    const hsize_t start = 0;
    const std::int32_t fill = 7;
    const io::Hdf5Id space(H5Screate_simple(1, &n, nullptr));
    const io::Hdf5Id memory(H5Screate_simple(1, &n_written, nullptr));
    const io::Hdf5Id creation(H5Pcreate(H5P_DATASET_CREATE));
    H5Pset_chunk(creation.get(), 1, &chunk);
    H5Pset_deflate(creation.get(), 1);
    H5Pset_fill_value(creation.get(), H5T_NATIVE_INT32, &fill);
    const io::Hdf5Id data(H5Dcreate2(root.id(), "v", H5T_STD_I32LE, space.get(), H5P_DEFAULT,
                                     creation.get(), H5P_DEFAULT));
    H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, &start, nullptr, &n_written, nullptr);
    ASSERT_GE(H5Dwrite(data.get(), H5T_NATIVE_INT32, memory.get(), space.get(), H5P_DEFAULT,
                       values.data()),
              0);
  }
  values.resize(as_size(2 * kChunk), 7);
  std::fill(values.begin() + kChunk + 1000, values.end(), 7);
  values.resize(as_size(3 * kChunk), 7);
  root.flush();
  root.close();
  const Hdf5Group group = Hdf5Group::open_file(folder / "a.h5");
  const ChunkedArray array(group.dataset("v"));
  for (const std::int64_t begin :
       {std::int64_t{0}, kChunk - 5, 2 * kChunk - 1, std::int64_t{17}, 3 * kChunk - 100}) {
    std::vector<std::int32_t> block(100);
    if (begin + 100 > 3 * kChunk) block.resize(as_size(3 * kChunk - begin));
    array.read(begin, std::span<std::int32_t>(block), kContext);
    EXPECT_TRUE(std::equal(block.begin(), block.end(), values.begin() + begin)) << begin;
  }
}

TEST(ChunkedArray, IntegersThatDoNotFitAreErrors) {
  const FolderForTest folder;
  const Hdf5Group group = file_with(folder / "a.h5", {1, 3e9, 2}, NumberColumn::Kind::Integer);
  const ChunkedArray array(group.dataset("v"));
  std::vector<std::int32_t> narrow(3);
  EXPECT_SAITHE_ERROR(array.read(0, std::span<std::int32_t>(narrow), kContext),
                      ErrorKind::BadFormat, "/v");
  std::vector<std::int64_t> wide(3);
  array.read(0, std::span<std::int64_t>(wide), kContext);
  EXPECT_EQ(wide, (std::vector<std::int64_t>{1, 3'000'000'000, 2}));
}

TEST(ChunkedArray, OnlyRowsOfNumbers) {
  const FolderForTest folder;
  Hdf5Target root = Hdf5Target::create_file(folder / "a.h5", "a");
  const std::vector<float> values = {1, 2, 3, 4};
  const std::vector<std::int64_t> shape = {2, 2};
  root.write_array("matrix", values, shape);
  root.write_texts("texts", {"a", "b"});
  root.flush();
  root.close();
  const Hdf5Group group = Hdf5Group::open_file(folder / "a.h5");
  EXPECT_SAITHE_ERROR(ChunkedArray(group.dataset("matrix")), ErrorKind::BadFormat, "matrix");
  EXPECT_SAITHE_ERROR(ChunkedArray(group.dataset("texts")), ErrorKind::BadFormat, "texts");
}

}  // namespace
}  // namespace saithe
