#include "saithe/io/unknown_input.h"

#include <gtest/gtest.h>

#include <initializer_list>

#include "saithe/io/hdf5_writer.h"
#include "saithe/io/open.h"
#include "support/folder_for_test.h"

namespace saithe::io {
namespace {

using saithe::testing::contains;
using saithe::testing::FolderForTest;
using saithe::testing::write_bytes;

std::string why(const std::filesystem::path& path) {
  return why_unknown(look_at(path, Context(1)));
}

TEST(UnknownInput, TextsWhoseCauseIsKnown) {
  const FolderForTest folder;
  const auto path = folder / "a.csv";
  write_bytes(path, "");
  EXPECT_EQ(why(path), "is empty. Copy it again");
  write_bytes(path, "cell,A\rc1,1\r");
  EXPECT_TRUE(contains(why(path), "line ends of old Macs"));
  write_bytes(path, "\x1F\x8B\b");
  EXPECT_TRUE(contains(why_unknown({path, false, {}, {}, "\x1F\x8B\b"}), "is packed twice"));
  EXPECT_TRUE(contains(why_unknown({path, false, {}, {}, "\x89HDF\r\n\x1A\n"}), "gunzip -k"));
  write_bytes(path, "cell,A\nc1,\"1,234\"\n");
  EXPECT_TRUE(contains(why(path), "separators of thousands"));
  write_bytes(path, "cell,A\nc1,\"1,234,567\"\n");
  EXPECT_TRUE(contains(why(path), "separators of thousands"));
  for (const char* other : {"cell,\"A,123\"\n", "\"12,34\"\n", "\"1234,567\"\n", "\"1,2345\"\n"}) {
    write_bytes(path, other);
    EXPECT_FALSE(contains(why(path), "separators of thousands")) << other;
  }
}

TEST(UnknownInput, AGctTableIsCalledByItsName) {
  const FolderForTest folder;
  write_bytes(folder / "a.gct", "#1.2\n2\t2\nName\tDescription\tc1\tc2\nA\tB\t1\t2\nC\tD\t3\t4\n");
  EXPECT_TRUE(contains(why(folder / "a.gct"), "is a GCT table"));
  EXPECT_SAITHE_ERROR(open_source(folder / "a.gct", {}, Context(1)), ErrorKind::BadFormat,
                      "is a GCT table");
}

TEST(UnknownInput, ModelsWhoseBeginningIsDamaged) {
  const FolderForTest folder;
  write_bytes(folder / "a.saithe", "\1\2\3");
  EXPECT_TRUE(contains(why(folder / "a.saithe"), "is like a model of saithe"));
  EXPECT_TRUE(contains(why(folder / "a.saithe"), "copy it again, train it anew"));
  for (const char* text : {R"(12345678{"__metadata__":{"sha)", R"(xx"F32","data_offsets":[0,)"}) {
    write_bytes(folder / "renamed", text);
    EXPECT_TRUE(contains(why(folder / "renamed"), "is like a model of saithe")) << text;
  }
}

/// A matrix of a Loom file with these groups beside it.
std::filesystem::path part_of_loom(const FolderForTest& folder,
                                   std::initializer_list<const char*> groups) {
  auto path = folder / "a.loom";
  std::filesystem::remove(path);
  Hdf5Target root = Hdf5Target::create_file(path, path.string());
  const std::vector<float> values(20000, 1);
  root.write_array("matrix", values, std::vector<std::int64_t>{100, 200});
  for (const char* name : groups) static_cast<void>(root.create_group(name, ""));
  root.flush();
  root.close();
  return path;
}

TEST(UnknownInput, LoomFilesThatLackAPart) {
  const FolderForTest folder;
  EXPECT_EQ(why(part_of_loom(folder, {"row_attrs"})),
            "is like a Loom file but has no col_attrs. Write it with loompy");
  EXPECT_EQ(why(part_of_loom(folder, {"col_attrs"})),
            "is like a Loom file but has no row_attrs. Write it with loompy");
  EXPECT_EQ(why(part_of_loom(folder, {})),
            "is like a Loom file but has no row_attrs and no col_attrs. Write it with loompy");
}

TEST(UnknownInput, AHalfCopiedLoomFileIsToBeCopiedAgain) {
  const FolderForTest folder;
  const auto path = part_of_loom(folder, {"row_attrs", "col_attrs"});
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  EXPECT_SAITHE_ERROR(look_at(path, Context(1)), ErrorKind::BadFormat, "opy it again");
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
