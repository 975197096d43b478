// Shards whose index lies are refused; a chunk that is not stored has the fill value. Values are
// compared in tests/golden/zarr_parity_test.cpp.

#include "saithe/io/zarr_shards.h"

#include <gtest/gtest.h>

#include "saithe/io/zarr_array.h"
#include "support/zarr_folder.h"

namespace saithe {
namespace {

const Context kContext(2);

/// The metadata of an array of bytes with a fill value of 7, whose shards of `shard` values hold
/// chunks of `chunk` values.
void write_metadata(const std::filesystem::path& store, int n_values, int shard, int chunk,
                    const char* index_location) {
  testing::write_group(store, "");
  testing::write_key(
      store, "x/zarr.json",
      fmt::format(
          R"({{"zarr_format":3,"node_type":"array","shape":[{}],"data_type":"uint8","fill_value":7,
      "chunk_grid":{{"name":"regular","configuration":{{"chunk_shape":[{}]}}}},
      "chunk_key_encoding":{{"name":"default"}},
      "codecs":[{{"name":"sharding_indexed","configuration":{{"chunk_shape":[{}],
        "codecs":[{{"name":"bytes"}}],"index_codecs":[{{"name":"bytes"}}],"index_location":"{}"}}}}]}})",
          n_values, shard, chunk, index_location));
}

io::ZarrArray open_array(const std::filesystem::path& store) {
  return io::ZarrArray(*io::ZarrNode::find(io::open_zarr_store(store, true, ""), "x"));
}

TEST(ZarrShards, DamagedOnesAreErrors) {
  const testing::FolderForTest folder;
  write_metadata(folder.path(), 4, 4, 2, "end");
  const auto read = [&](const std::string& shard) {
    testing::write_key(folder.path(), "x/c/0", shard);
    return open_array(folder.path()).read_numbers(4, kContext);
  };
  const std::string none(16, '\xff');
  const std::string first("\0\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 16);
  EXPECT_EQ(read("\5\6" + first + none), (std::vector<double>{5, 6, 7, 7}));
  EXPECT_SAITHE_ERROR(read("\5"), ErrorKind::BadFormat, "fewer than its index");
  std::string outside = first;
  outside[0] = 100;
  EXPECT_SAITHE_ERROR(read("\5\6" + outside + none), ErrorKind::BadFormat, "outside of its shard");
}

TEST(ZarrShards, IndicesThatWereDroppedAreReadAgain) {
  const testing::FolderForTest folder;
  write_metadata(folder.path(), 40, 2, 1, "start");
  const std::string index(
      "\x20\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"
      "\x21\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0",
      32);
  std::vector<double> expected;
  for (char shard = 0; shard < 20; ++shard) {
    testing::write_key(folder.path(), "x/c/" + std::to_string(shard),
                       index + std::string({shard, static_cast<char>(shard + 1)}));
    expected.push_back(shard);
    expected.push_back(shard + 1);
  }
  const io::ZarrArray array = open_array(folder.path());
  EXPECT_EQ(array.read_numbers(40, kContext), expected);
  EXPECT_EQ(array.read_numbers(40, kContext), expected);
}

}  // namespace
}  // namespace saithe
