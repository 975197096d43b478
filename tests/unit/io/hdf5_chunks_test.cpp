// Every filter and number is read through chunked_array_test.cpp; this is about booleans and room.

#include "saithe/io/hdf5_chunks.h"

#include <gtest/gtest.h>

#include "saithe/io/hdf5_writer.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using io::Hdf5Chunks;
using io::Hdf5Dataset;
using io::Hdf5Group;
using io::Hdf5Id;
using io::Hdf5Target;

/// Booleans as h5py writes them: an enumeration of FALSE and TRUE, of one byte.
Hdf5Id boolean_type() {
  Hdf5Id type(H5Tenum_create(H5T_STD_I8LE));
  const std::int8_t no = 0;
  const std::int8_t yes = 1;
  H5Tenum_insert(type.get(), "FALSE", &no);
  H5Tenum_insert(type.get(), "TRUE", &yes);
  return type;
}

TEST(Hdf5Chunks, BooleansAreZeroAndOne) {
  const testing::FolderForTest folder;
  Hdf5Target root = Hdf5Target::create_file(folder / "a.h5", "a");
  {
    const hsize_t n = 5;
    const hsize_t chunk = 3;
    const std::int8_t values[] = {1, 0, 1, 1, 0};
    const Hdf5Id space(H5Screate_simple(1, &n, nullptr));
    const Hdf5Id creation(H5Pcreate(H5P_DATASET_CREATE));
    H5Pset_chunk(creation.get(), 1, &chunk);
    H5Pset_deflate(creation.get(), 4);
    const Hdf5Id type = boolean_type();
    const Hdf5Id data(H5Dcreate2(root.id(), "flags", type.get(), space.get(), H5P_DEFAULT,
                                 creation.get(), H5P_DEFAULT));
    ASSERT_GE(H5Dwrite(data.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
  }
  root.write_texts("names", {"a"});
  root.flush();
  root.close();
  const Hdf5Group group = Hdf5Group::open_file(folder / "a.h5");
  const Hdf5Chunks chunks(group.dataset("flags"));
  ASSERT_TRUE(chunks.are_own());
  EXPECT_EQ(chunks.shape(), std::vector<std::int64_t>{3});
  EXPECT_EQ(chunks.n_bytes(), 3);
  io::UnpackedChunk unpacked;
  {
    const io::StoredChunks fetched = chunks.dataset().fetch_chunks(1, 1);
    ASSERT_TRUE(fetched.chunks.front().is_stored);
    chunks.unpack(fetched.chunks.front(), 1, unpacked);
  }
  std::vector<float> values(2);
  chunks.convert(unpacked.bytes, 0, std::span<float>(values));
  EXPECT_EQ(values, (std::vector<float>{1, 0}));
  const Hdf5Dataset names = group.dataset("names");
  EXPECT_SAITHE_ERROR(Hdf5Chunks{names}, ErrorKind::BadFormat, "expected numbers");
}

TEST(Hdf5Chunks, RoomIsAskedForWithItsSize) {
  Context context(1);
  context.max_memory = 3 << 20;
  EXPECT_NO_THROW(io::require_room_for_chunk("x", 1000, 3 << 20, context));
  EXPECT_SAITHE_ERROR(io::require_room_for_chunk("f.h5: /X", 1000, (3 << 20) + 1, context),
                      ErrorKind::BadFormat, "f.h5: /X: one of its chunks has 1000 values");
  EXPECT_SAITHE_ERROR(io::require_room_for_chunk("x", 1000, (3 << 20) + 1, context),
                      ErrorKind::BadFormat, "--memory 4M");
}

}  // namespace
}  // namespace saithe
