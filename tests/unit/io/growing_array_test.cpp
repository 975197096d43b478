#include "saithe/io/growing_array.h"

#include <gtest/gtest.h>

#include "saithe/core/random.h"
#include "saithe/io/chunked_array.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using io::GrowingArray;
using io::Hdf5Group;
using io::Hdf5Target;
using testing::FolderForTest;

TEST(GrowingArray, PiecesOfAnySizeGiveTheSameBytes) {
  const FolderForTest folder;
  std::vector<std::int32_t> values(300'000);
  const Random random(6, 0);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<std::int32_t>(random.below(i, 40));
  }
  const auto bytes_of = [&](std::size_t begin, std::size_t end) {
    return std::span(reinterpret_cast<const unsigned char*>(values.data()) + 4 * begin,
                     4 * (end - begin));
  };
  const auto write = [&](const std::string& name, std::size_t piece, int n_threads) {
    const Context context(n_threads);
    Hdf5Target root = Hdf5Target::create_file(folder / name, name);
    GrowingArray array(root, "v", H5T_NATIVE_INT32);
    for (std::size_t begin = 0; begin < values.size(); begin += piece) {
      array.append(bytes_of(begin, std::min(begin + piece, values.size())), context);
    }
    array.finish(context);
    root.flush();
    root.close();
  };
  write("once.h5", values.size(), 1);
  write("pieces.h5", 7777, 2);
  EXPECT_EQ(testing::read_bytes(folder / "once.h5"), testing::read_bytes(folder / "pieces.h5"));
  const Hdf5Group root = Hdf5Group::open_file(folder / "pieces.h5");
  const io::ChunkedArray array(root.dataset("v"));
  ASSERT_EQ(array.size(), 300'000);
  std::vector<std::int32_t> read(values.size());
  array.read(0, std::span<std::int32_t>(read), Context(2));
  EXPECT_EQ(read, values);
  EXPECT_LT(std::filesystem::file_size(folder / "once.h5"), 300'000U);  // deflated
}

TEST(GrowingArray, MayStayEmpty) {
  const FolderForTest folder;
  Hdf5Target root = Hdf5Target::create_file(folder / "a.h5", "a");
  {
    GrowingArray array(root, "v", H5T_NATIVE_FLOAT);
    array.finish(Context(1));
  }
  root.flush();
  root.close();
  EXPECT_EQ(Hdf5Group::open_file(folder / "a.h5").dataset("v").size(), 0);
}

}  // namespace
}  // namespace saithe
