// Arrays: lengths that cannot be, and chunks that are not stored. Values
// are compared in tests/golden/zarr_parity_test.cpp.

#include "saithe/io/zarr_array.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/zarr_folder.h"

namespace saithe {
namespace {

const Context kContext(2);

io::ZarrArray open(const testing::FolderForTest& folder, const std::string& path) {
  return io::ZarrArray(*io::ZarrNode::find(io::open_zarr_store(folder.path(), true, ""), path));
}

/// An array of bytes, whose chunks follow.
void write_bytes_array(const testing::FolderForTest& folder, const std::string& name, int n_values,
                       int chunk, int fill_value) {
  testing::write_key(folder.path(), name + "/.zarray",
                     fmt::format(R"({{"zarr_format":2,"shape":[{}],"chunks":[{}],"dtype":"|u1",
                         "order":"C","compressor":null,"filters":null,"fill_value":{}}})",
                                 n_values, chunk, fill_value));
}

TEST(ZarrArray, TheSameForAnyNumberOfThreadsAndAnyPart) {
  const testing::FolderForTest folder;
  testing::write_group(folder.path(), "");
  write_bytes_array(folder, "x", 10, 3, 9);
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
  EXPECT_SAITHE_ERROR(open(folder, "x").read_numbers(10, kContext), ErrorKind::BadFormat,
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

TEST(ZarrArray, ValuesThatNeedNoConversionAreThoseThatDo) {
  const testing::FolderForTest folder;
  testing::write_group(folder.path(), "");
  const auto write = [&](const std::string& name, const std::string& type, bool is_big) {
    testing::write_key(folder.path(), name + "/.zarray",
                       R"({"zarr_format":2,"shape":[5],"chunks":[2],"dtype":")" + type +
                           R"(","order":"C","compressor":null,"filters":null,"fill_value":-3})");
    for (int c = 0; c < 3; c += 2) {  // the second is not stored
      std::string bytes;
      for (int i = 2 * c; i < 2 * c + 2; ++i) {
        std::string value = {static_cast<char>(i + 1), 0, 0, 1};
        if (is_big) std::reverse(value.begin(), value.end());
        bytes += value;
      }
      testing::write_key(folder.path(), name + "/" + std::to_string(c), bytes);
    }
  };
  write("little", "<i4", false);
  write("big", ">i4", true);
  constexpr std::int32_t kHigh = 1 << 24;
  const std::vector<std::int32_t> all = {kHigh + 1, kHigh + 2, -3, -3, kHigh + 5};
  for (const char* name : {"little", "big"}) {
    for (std::size_t begin = 0; begin < all.size(); ++begin) {
      std::vector<std::int32_t> rest(all.size() - begin);
      open(folder, name)
          .read(static_cast<std::int64_t>(begin), std::span<std::int32_t>(rest), kContext);
      EXPECT_EQ(rest, std::vector<std::int32_t>(all.begin() + static_cast<std::ptrdiff_t>(begin),
                                                all.end()));
    }
  }
  // A whole chunk that is too short, read in place and not.
  testing::write_key(folder.path(), "little/0", "abcde");
  testing::write_key(folder.path(), "big/0", "abcde");
  for (const char* name : {"little", "big"}) {
    std::vector<std::int32_t> values(2);
    EXPECT_SAITHE_ERROR(open(folder, name).read(0, std::span<std::int32_t>(values), kContext),
                        ErrorKind::BadFormat, "chunk 0: holds 5 bytes; expected 8");
  }
}

TEST(ZarrArray, AChunkOfWhichAPartWasUsedIsUnpackedOnce) {
  const testing::FolderForTest folder;
  testing::write_group(folder.path(), "");
  write_bytes_array(folder, "x", 6, 3, 0);
  testing::write_key(folder.path(), "x/0", std::string("\1\2\3", 3));
  testing::write_key(folder.path(), "x/1", std::string("\4\5\6", 3));
  const auto array = open(folder, "x");
  std::vector<float> two(2);
  array.read(0, std::span<float>(two), kContext);
  testing::write_key(folder.path(), "x/0", "");  // from here on what is kept is read
  std::vector<float> five(5);
  array.read(1, std::span<float>(five), kContext);
  EXPECT_EQ(five, (std::vector<float>{2, 3, 4, 5, 6}));
}

TEST(ZarrArray, EntriesOfAMatrixAreReadTogether) {
  const testing::FolderForTest folder;
  testing::write_group(folder.path(), "");
  write_bytes_array(folder, "columns", 4, 3, 0);
  testing::write_key(folder.path(), "columns/0", std::string("\1\2\3", 3));
  testing::write_key(folder.path(), "columns/1", std::string("\4\0\0", 3));
  write_bytes_array(folder, "values", 4, 2, 9);
  testing::write_key(folder.path(), "values/0", std::string("\5\6", 2));
  for (const int n_threads : {1, 3}) {
    std::vector<std::int32_t> columns(3);
    std::vector<float> values(3);
    read_entries(1, open(folder, "columns"), columns, open(folder, "values"), values,
                 Context(n_threads));
    EXPECT_EQ(columns, (std::vector<std::int32_t>{2, 3, 4}));
    EXPECT_EQ(values, (std::vector<float>{6, 9, 9}));
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

}  // namespace
}  // namespace saithe
