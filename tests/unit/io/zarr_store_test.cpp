#include "saithe/io/zarr_store.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "saithe/core/text_io.h"
#include "support/zarr_folder.h"

namespace saithe {
namespace {

TEST(ZarrStore, AFolderAndAnArchiveHaveKeys) {
  const testing::FolderForTest folder;
  testing::write_small_store(folder.path());
  const auto store = io::open_zarr_store(folder.path(), true, "");
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(store->names(""), (std::vector<std::string>{".zattrs", ".zgroup", "X", "obs", "var"}));
  EXPECT_EQ(store->names("X/"),
            (std::vector<std::string>{".zattrs", ".zgroup", "data", "indices", "indptr"}));
  EXPECT_EQ(store->size("X/data/0"), 12);
  EXPECT_EQ(store->size("X/data"), std::nullopt);
  EXPECT_EQ(store->read("X/data/0", 0, 4), std::string("\0\0\xa0\x40", 4));
  EXPECT_SAITHE_ERROR(store->read_all("X/data/0", 11), ErrorKind::BadFormat, "X/data/0");

  const std::filesystem::path file = std::string(SAITHE_TEST_FILES) + "/zarr/v3.zarr.zip";
  const auto zipped = io::open_zarr_store(file, false, read_head(file, 8));
  ASSERT_NE(zipped, nullptr);  // inside of its only folder
  EXPECT_EQ(zipped->names("").back(), "zarr.json");
  EXPECT_TRUE(zipped->size("obs/zarr.json").has_value());
}

/// The bytes of a whole number, the least first.
std::string number(std::uint64_t value, int n_bytes) {
  std::string bytes;
  for (int i = 0; i < n_bytes; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

/// A zip archive of unpacked entries.
std::string archive_of(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string file;
  std::string directory;
  for (const auto& [name, content] : entries) {
    const auto* const bytes = reinterpret_cast<const Bytef*>(content.data());
    const std::string what = number(10, 2) + number(0, 8) +
                             number(crc32(0, bytes, static_cast<uInt>(content.size())), 4) +
                             number(content.size(), 4) + number(content.size(), 4) +
                             number(name.size(), 2) + number(0, 2);
    directory += "PK\1\2" + number(10, 2) + what + number(0, 10) + number(file.size(), 4) + name;
    file += "PK\3\4" + what + name + content;
  }
  return file + directory + "PK\5\6" + number(0, 4) + number(entries.size(), 2) +
         number(entries.size(), 2) + number(directory.size(), 4) + number(file.size(), 4) +
         number(0, 2);
}

TEST(ZarrStore, WhatAMacAddsToAnArchiveIsNoStore) {
  const testing::FolderForTest folder;
  const auto path = folder / "a.zip";
  testing::write_bytes(path, archive_of({{"__MACOSX/._a.zarr", "x"},
                                         {"a.zarr/.zgroup", R"({"zarr_format":2})"},
                                         {"a.zarr/.zattrs", "{}"}}));
  const auto zipped = io::open_zarr_store(path, false, read_head(path, 8));
  ASSERT_NE(zipped, nullptr);
  EXPECT_EQ(zipped->read_all(".zattrs", 10), "{}");
}

TEST(ZarrStore, NoKeyLeadsOut) {
  const testing::FolderForTest folder;
  testing::write_small_store(folder / "store");
  testing::write_bytes(folder / "secret", "x");
  const auto store = io::open_zarr_store(folder / "store", true, "");
  for (const char* key : {"../secret", "obs/../../secret", "/etc/passwd", "obs//x", "", "obs/."}) {
    EXPECT_SAITHE_ERROR(store->size(key), ErrorKind::BadFormat, "key");
  }
}

TEST(ZarrStore, ACopyHasEveryKey) {
  const testing::FolderForTest folder;
  testing::write_small_store(folder / "store");
  std::filesystem::create_directory(folder / "copy");
  io::open_zarr_store(folder / "store", true, "")->copy_to(folder / "copy", "out");
  EXPECT_EQ(testing::read_bytes(folder / "copy/X/data/0"),
            testing::read_bytes(folder / "store/X/data/0"));
  const std::filesystem::path file = std::string(SAITHE_TEST_FILES) + "/zarr/v2.zarr.zip";
  const auto zipped = io::open_zarr_store(file, false, read_head(file, 8));
  std::filesystem::create_directory(folder / "unpacked");
  zipped->copy_to(folder / "unpacked", "out");
  const auto copy = io::open_zarr_store(folder / "unpacked", true, "");
  ASSERT_NE(copy, nullptr);
  EXPECT_EQ(copy->names("obs/"), zipped->names("obs/"));
  EXPECT_EQ(copy->read_all("obs/.zattrs", 1 << 20), zipped->read_all("obs/.zattrs", 1 << 20));
}

TEST(ZarrStore, OtherFoldersAndFilesAreNone) {
  const testing::FolderForTest folder;
  EXPECT_EQ(io::open_zarr_store(folder.path(), true, ""), nullptr);
  testing::write_bytes(folder / "a", "text");
  EXPECT_EQ(io::open_zarr_store(folder / "a", false, "text"), nullptr);
}

}  // namespace
}  // namespace saithe
