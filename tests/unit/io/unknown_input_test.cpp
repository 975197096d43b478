#include "saithe/io/unknown_input.h"

#include <gtest/gtest.h>

#include <initializer_list>

#include "saithe/io/hdf5_writer.h"
#include "support/folder_for_test.h"

namespace saithe::io {
namespace {

using saithe::testing::contains;
using saithe::testing::FolderForTest;
using saithe::testing::write_bytes;

std::string why(const std::filesystem::path& path) {
  return why_unknown(look_at(path));
}

TEST(UnknownInput, TextsWhoseCauseIsKnown) {
  const FolderForTest folder;
  const auto path = folder / "a.csv";
  write_bytes(path, "");
  EXPECT_EQ(why(path), "is empty. Copy it again");
  write_bytes(path, "cell,A\rc1,1\r");
  EXPECT_TRUE(contains(why(path), "line ends of old Macs"));
  write_bytes(path, "cell,A\nc1,\"1,234\"\n");
  EXPECT_TRUE(contains(why(path), "separators of thousands"));
  write_bytes(path, "cell,A\nc1,\"1,234,567\"\n");
  EXPECT_TRUE(contains(why(path), "separators of thousands"));
  for (const char* other : {"cell,\"A,123\"\n", "\"12,34\"\n", "\"1234,567\"\n", "\"1,2345\"\n"}) {
    write_bytes(path, other);
    EXPECT_TRUE(contains(why(path), "is of no format that is read here")) << other;
  }
}

TEST(UnknownInput, Hdf5FilesThatLackAPart) {
  const FolderForTest folder;
  const auto made_of = [&](std::initializer_list<const char*> groups) {
    const auto path = folder / "a.h5";
    std::filesystem::remove(path);
    Hdf5Target root = Hdf5Target::create_file(path, path.string());
    for (const char* name : groups) {
      const Hdf5Target group = root.create_group(name, "");
      group.write_array("indptr", std::vector<double>{0}, NumberColumn::Kind::Integer);
    }
    root.flush();
    root.close();
    return why(path);
  };
  EXPECT_TRUE(contains(made_of({"X", "obs"}), "has no var,"));
  EXPECT_TRUE(contains(made_of({"var"}), "has no obs,"));
  EXPECT_TRUE(contains(made_of({"X"}), "has no obs and no var,"));
  EXPECT_TRUE(contains(made_of({"matrix"}), "has no matrix/barcodes"));
  EXPECT_TRUE(contains(made_of({"other"}), "is of no format that is read here"));
}

}  // namespace
}  // namespace saithe::io
