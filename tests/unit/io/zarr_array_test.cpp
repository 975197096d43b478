// Arrays: lengths that cannot be, chunks that are not stored, and shards that are damaged. Values
// are compared in tests/golden/zarr_parity_test.cpp.

#include "saithe/io/zarr_array.h"

#include <gtest/gtest.h>

#include "support/zarr_folder.h"

namespace saithe {
namespace {

const Context kContext(2);

io::ZarrArray open(const testing::FolderForTest& folder, const std::string& path) {
  return io::ZarrArray(*io::ZarrNode::find(io::open_zarr_store(folder.path(), true, ""), path));
}

TEST(ZarrArray, TheSameForAnyNumberOfThreadsAndAnyPart) {
  const testing::FolderForTest folder;
  testing::write_group(folder.path(), "");
  testing::write_key(folder.path(), "x/.zarray",
                     R"({"zarr_format":2,"shape":[10],"chunks":[3],"dtype":"|u1","order":"C",
                         "compressor":null,"filters":null,"fill_value":9})");
  testing::write_key(folder.path(), "x/0", std::string("\1\2\3", 3));
  testing::write_key(folder.path(), "x/2", std::string("\4\5\6", 3));  // 1 is not stored
  testing::write_key(folder.path(), "x/3", std::string("\7\x63\x63", 3));
  const std::vector<float> all = {1, 2, 3, 9, 9, 9, 4, 5, 6, 7};
  const auto array = open(folder, "x");
  for (const int n_threads : {1, 2, 3}) {
    for (std::size_t begin = 0; begin <= 10; ++begin) {
      for (std::size_t end = begin; end <= 10; ++end) {
        std::vector<float> part(end - begin);
        array.read(static_cast<std::int64_t>(begin), std::span<float>(part), Context(n_threads));
        EXPECT_EQ(part, std::vector<float>(all.begin() + static_cast<std::ptrdiff_t>(begin),
                                           all.begin() + static_cast<std::ptrdiff_t>(end)));
      }
    }
  }
  EXPECT_SAITHE_ERROR(array.read_numbers(11, kContext), ErrorKind::BadFormat,
                      "10 entries for 11 rows");
  EXPECT_SAITHE_ERROR(array.read_numbers(-1, kContext), ErrorKind::BadFormat,
                      "chunk 1: is not stored");
  EXPECT_SAITHE_ERROR(array.read_texts(10, kContext), ErrorKind::BadFormat, "expected texts");
  testing::write_key(folder.path(), "x/0", "12");
  EXPECT_SAITHE_ERROR(array.read_numbers(10, kContext), ErrorKind::BadFormat,
                      "chunk 0: holds 2 bytes; expected 3");
}

TEST(ZarrArray, TextsComeInAnyPieces) {
  const testing::FolderForTest folder;
  testing::write_group(folder.path(), "");
  const std::vector<std::string> all = {"a", "", "ccc", "d"};
  testing::write_texts(folder.path(), "names", all);
  const io::ZarrArray names = open(folder, "names");
  EXPECT_EQ(names.stored_length(), 4);
  for (std::int64_t begin = 0; begin <= 4; ++begin) {
    for (std::int64_t end = begin; end <= 4; ++end) {
      EXPECT_EQ(names.read_texts(begin, end, kContext),
                std::vector<std::string>(all.begin() + begin, all.begin() + end));
    }
  }
}

TEST(ZarrArray, LengthsThatCannotBeTakeNoMemory) {
  const testing::FolderForTest folder;
  testing::write_group(folder.path(), "");
  testing::write_texts(folder.path(), "names", {"a", "b"});
  const auto huge = [&](const std::string& chunk) {
    testing::write_key(folder.path(), "names/.zarray",
                       R"({"zarr_format":2,"shape":[900000000000],"chunks":[)" + chunk +
                           R"(],"dtype":"|O","order":"C","compressor":null,
                           "filters":[{"id":"vlen-utf8"}],"fill_value":0})");
  };
  huge("900000000000");
  EXPECT_SAITHE_ERROR(open(folder, "names").read_texts(-1, kContext), ErrorKind::BadFormat,
                      "cannot stand for 900000000000 entries");
  huge("2");
  EXPECT_SAITHE_ERROR(open(folder, "names").read_texts(-1, kContext), ErrorKind::BadFormat,
                      "chunk 1: is not stored");
  testing::write_key(folder.path(), "numbers/.zarray",
                     R"({"zarr_format":2,"shape":[4],"chunks":[900000000000],"dtype":"<f4",
                         "order":"C","compressor":null,"filters":null,"fill_value":0})");
  EXPECT_SAITHE_ERROR(open(folder, "numbers"), ErrorKind::BadFormat, "900000000000");
}

TEST(ZarrArray, DamagedShardsAreErrors) {
  const testing::FolderForTest folder;
  testing::write_group(folder.path(), "");
  testing::write_key(
      folder.path(), "x/zarr.json",
      R"({"zarr_format":3,"node_type":"array","shape":[4],"data_type":"uint8","fill_value":7,
      "chunk_grid":{"name":"regular","configuration":{"chunk_shape":[4]}},
      "chunk_key_encoding":{"name":"default"},
      "codecs":[{"name":"sharding_indexed","configuration":{"chunk_shape":[2],
        "codecs":[{"name":"bytes"}],"index_codecs":[{"name":"bytes"}],"index_location":"end"}}]})");
  const auto read = [&](const std::string& shard) {
    testing::write_key(folder.path(), "x/c/0", shard);
    return open(folder, "x").read_numbers(4, kContext);
  };
  const std::string none(16, '\xff');
  const std::string first("\0\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 16);
  EXPECT_EQ(read("\5\6" + first + none), (std::vector<double>{5, 6, 7, 7}));
  EXPECT_SAITHE_ERROR(read("\5"), ErrorKind::BadFormat, "fewer than its index");
  std::string outside = first;
  outside[0] = 100;
  EXPECT_SAITHE_ERROR(read("\5\6" + outside + none), ErrorKind::BadFormat, "outside of its shard");
}

}  // namespace
}  // namespace saithe
