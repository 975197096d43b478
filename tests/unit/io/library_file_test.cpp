// What hdf5_file_test.cpp does not show of it: chunks as they lie in the file.

#include "saithe/io/library_file.h"

#include <gtest/gtest.h>

#include <array>

#include "saithe/io/hdf5_writer.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using io::Hdf5Id;
using io::Hdf5Target;
using io::LibraryDataset;
using io::LibraryGroup;
using io::LinkKind;
using io::MemberKind;
using testing::FolderForTest;

/// 10 integers in chunks of 4, of which the last is not written, and an array in one piece.
LibraryGroup some_file(const std::filesystem::path& path) {
  Hdf5Target root = Hdf5Target::create_file(path, "a");
  {
    const hsize_t n = 10;
    const hsize_t chunk = 4;
    const hsize_t start = 0;
    const hsize_t n_written = 8;
    const std::array<std::int32_t, 8> values = {0, 1, 2, 3, 4, 5, 6, 7};
    const std::int32_t fill = 9;
    const Hdf5Id space(H5Screate_simple(1, &n, nullptr));
    const Hdf5Id memory(H5Screate_simple(1, &n_written, nullptr));
    const Hdf5Id creation(H5Pcreate(H5P_DATASET_CREATE));
    H5Pset_chunk(creation.get(), 1, &chunk);
    H5Pset_fill_value(creation.get(), H5T_NATIVE_INT32, &fill);
    const Hdf5Id data(H5Dcreate2(root.id(), "chunked", H5T_STD_I32LE, space.get(), H5P_DEFAULT,
                                 creation.get(), H5P_DEFAULT));
    H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, &start, nullptr, &n_written, nullptr);
    EXPECT_GE(H5Dwrite(data.get(), H5T_NATIVE_INT32, memory.get(), space.get(), H5P_DEFAULT,
                       values.data()),
              0);
  }
  root.write_array("plain", std::vector<double>{1, 2, 3}, NumberColumn::Kind::Float64);
  static_cast<void>(root.create_group("group", "dict"));
  root.flush();
  root.close();
  return LibraryGroup::open_file(path);
}

TEST(LibraryFile, ChunksAsTheyLie) {
  const FolderForTest folder;
  const LibraryDataset dataset = some_file(folder / "a.h5").dataset("chunked");
  EXPECT_EQ(dataset.description().chunk_shape, std::vector<std::int64_t>{4});
  EXPECT_EQ(dataset.description().fill_value, (std::vector<unsigned char>{9, 0, 0, 0}));
  OwnMessage message;
  dataset.fetch_chunk(1, message);
  dataset.fetch_chunk(2, message);
  MessageReader reader(message.bytes(), "a");
  ASSERT_EQ(reader.take_integer(), 16);
  std::array<std::int32_t, 4> values{};
  reader.take_into(std::span<std::int32_t>(values));
  EXPECT_EQ(values, (std::array<std::int32_t, 4>{4, 5, 6, 7}));
  EXPECT_EQ(reader.take_integer(), 0);   // no filter was skipped
  EXPECT_EQ(reader.take_integer(), -1);  // never written
}

TEST(LibraryFile, ChunksOfTwoAxesAreNumberedAlongTheLast) {
  const FolderForTest folder;
  Hdf5Target root = Hdf5Target::create_file(folder / "a.h5", "a");
  {
    const std::array<hsize_t, 2> shape = {3, 5};
    const std::array<hsize_t, 2> chunk = {2, 2};
    const Hdf5Id space(H5Screate_simple(2, shape.data(), nullptr));
    const Hdf5Id creation(H5Pcreate(H5P_DATASET_CREATE));
    H5Pset_chunk(creation.get(), 2, chunk.data());
    const Hdf5Id data(H5Dcreate2(root.id(), "v", H5T_STD_I8LE, space.get(), H5P_DEFAULT,
                                 creation.get(), H5P_DEFAULT));
    std::array<std::int8_t, 15> values{};
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int8_t>(i);
    EXPECT_GE(H5Dwrite(data.get(), H5T_NATIVE_INT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
              0);
  }
  root.flush();
  root.close();
  const LibraryDataset dataset = LibraryGroup::open_file(folder / "a.h5").dataset("v");
  const std::array<std::int8_t, 6> corners = {0, 2, 4, 10, 12, 14};
  for (std::size_t number = 0; number < corners.size(); ++number) {
    OwnMessage message;
    dataset.fetch_chunk(static_cast<std::int64_t>(number), message);
    MessageReader reader(message.bytes(), "a");
    ASSERT_EQ(reader.take_integer(), 4);
    std::array<std::int8_t, 4> values{};
    reader.take_into(std::span<std::int8_t>(values));
    EXPECT_EQ(values[0], corners[number]);
  }
  OwnMessage message;
  EXPECT_SAITHE_ERROR(dataset.fetch_chunk(6, message), ErrorKind::BadFormat, "chunk 6");
}

TEST(LibraryFile, KindsOfMembersAndWhatIsNoChunk) {
  const FolderForTest folder;
  const LibraryGroup root = some_file(folder / "a.h5");
  EXPECT_EQ(root.kind_of("group"), MemberKind::Group);
  EXPECT_EQ(root.kind_of("plain"), MemberKind::Dataset);
  EXPECT_EQ(root.kind_of("none"), MemberKind::Nothing);
  EXPECT_EQ(root.group("group").where("a"), (folder / "a.h5").string() + ": /group/a");
  OwnMessage message;
  EXPECT_SAITHE_ERROR(root.dataset("plain").fetch_chunk(0, message), ErrorKind::BadFormat,
                      "/plain: chunk 0");
  for (const char* name : {"plain", "chunked"}) root.dataset(name).walk_chunks();
}

TEST(LibraryFile, AnArrayInOnePieceIsToldByItsPlace) {
  const FolderForTest folder;
  const std::array<std::int16_t, 4> values = {1, -2, 300, 4};
  Hdf5Target root = Hdf5Target::create_file(folder / "a.h5", "a");
  for (const bool is_written : {true, false}) {
    const hsize_t n = values.size();
    const Hdf5Id space(H5Screate_simple(1, &n, nullptr));
    const Hdf5Id data(H5Dcreate2(root.id(), is_written ? "written" : "empty", H5T_STD_I16BE,
                                 space.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    if (!is_written) continue;
    EXPECT_GE(H5Dwrite(data.get(), H5T_NATIVE_INT16, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
              0);
  }
  root.flush();
  root.close();
  const LibraryGroup opened = LibraryGroup::open_file(folder / "a.h5");
  const std::int64_t first = opened.dataset("written").description().first_byte;
  ASSERT_GT(first, 0);
  const std::string bytes = testing::read_bytes(folder / "a.h5");
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto high = static_cast<unsigned char>(bytes[as_size(first) + 2 * i]);
    const auto low = static_cast<unsigned char>(bytes[as_size(first) + 2 * i + 1]);
    EXPECT_EQ(static_cast<std::int16_t>(high << 8 | low), values[i]);
  }
  EXPECT_EQ(opened.dataset("empty").description().first_byte, -1);  // nothing was written
}

TEST(LibraryFile, LinksAreToldFromObjects) {
  const FolderForTest folder;
  static_cast<void>(some_file(folder / "a.h5"));
  {
    const Hdf5Target root = Hdf5Target::open_file(folder / "a.h5", "a");
    H5Lcreate_soft("/group", root.id(), "soft", H5P_DEFAULT, H5P_DEFAULT);
    root.flush();
  }
  const LibraryGroup root = LibraryGroup::open_file(folder / "a.h5");
  EXPECT_EQ(root.link_of("group"), LinkKind::Hard);
  EXPECT_EQ(root.link_of("soft"), LinkKind::Soft);
  EXPECT_EQ(root.kind_of("soft"), MemberKind::Group);
  EXPECT_SAITHE_ERROR(root.link_of("none"), ErrorKind::BadFormat, "/none");
}

/// An enumeration of FALSE and TRUE, as AnnData's booleans are, with numbers as wide as `base`.
Hdf5Id booleans_of(hid_t base) {
  Hdf5Id type(H5Tenum_create(base));
  for (const auto& [name, number] : {std::pair("FALSE", 0), std::pair("TRUE", 1)}) {
    std::int64_t value = number;
    H5Tconvert(H5T_NATIVE_INT64, base, 1, &value, nullptr, H5P_DEFAULT);
    H5Tenum_insert(type.get(), name, &value);
  }
  return type;
}

TEST(LibraryFile, BooleansOfAnyWidth) {
  const FolderForTest folder;
  const std::vector<std::int64_t> expected = {1, 0, 1};
  for (const hid_t base :
       {H5T_STD_I8LE, H5T_STD_U8LE, H5T_STD_I16BE, H5T_STD_I32LE, H5T_STD_U64BE, H5T_STD_I64LE}) {
    Hdf5Target root = Hdf5Target::create_file(folder / "a.h5", "a");
    {
      const Hdf5Id type = booleans_of(base);
      const Hdf5Id native = booleans_of(H5T_NATIVE_INT8);
      const Hdf5Id record(H5Tcreate(H5T_COMPOUND, 1 + H5Tget_size(type.get())));
      H5Tinsert(record.get(), "flag", 1, type.get());  // a field of AnnData 0.6
      const Hdf5Id in_memory(H5Tcreate(H5T_COMPOUND, 1));
      H5Tinsert(in_memory.get(), "flag", 0, native.get());
      const hsize_t n = 3;
      const std::array<std::int8_t, 3> values = {1, 0, 1};
      const Hdf5Id space(H5Screate_simple(1, &n, nullptr));
      const auto write = [&](const char* name, hid_t stored, hid_t memory) {
        const Hdf5Id data(H5Dcreate2(root.id(), name, stored, space.get(), H5P_DEFAULT, H5P_DEFAULT,
                                     H5P_DEFAULT));
        EXPECT_GE(H5Dwrite(data.get(), memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), 0);
      };
      write("array", type.get(), native.get());
      write("records", record.get(), in_memory.get());
    }
    root.flush();
    root.close();
    const LibraryGroup opened = LibraryGroup::open_file(folder / "a.h5");
    for (const LibraryDataset& dataset :
         {opened.dataset("array"), opened.dataset("records").field("flag")}) {
      EXPECT_EQ(dataset.description().kind, io::StoredKind::Boolean);
      EXPECT_EQ(dataset.read_integers(), expected);
      EXPECT_EQ(dataset.read_numbers(), (std::vector<double>{1, 0, 1}));
    }
    std::filesystem::remove(folder / "a.h5");
  }
}

TEST(LibraryFile, ABlockByAxes) {
  const FolderForTest folder;
  const LibraryDataset dataset = some_file(folder / "a.h5").dataset("chunked");
  const std::array<hsize_t, 1> start = {6};
  const std::array<hsize_t, 1> count = {4};
  std::array<float, 4> values{};
  dataset.read_block(start, count, H5T_NATIVE_FLOAT, values.data());
  EXPECT_EQ(values, (std::array<float, 4>{6, 7, 9, 9}));
  const std::array<hsize_t, 2> two = {0, 0};
  EXPECT_SAITHE_ERROR(dataset.read_block(two, two, H5T_NATIVE_FLOAT, values.data()),
                      ErrorKind::BadFormat, "/chunked");
}

}  // namespace
}  // namespace saithe
