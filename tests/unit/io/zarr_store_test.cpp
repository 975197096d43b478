#include "saithe/io/zarr_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <zlib.h>

#include "saithe/core/text_io.h"
#include "saithe/io/open.h"
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
  for (int i = 0; i < n_bytes; ++i) {
    bytes += static_cast<char>(i < 8 ? value >> (8 * i) : 0);
  }
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

// A chunk that is not there is read as zeros: what cannot be looked at must not count as such.
TEST(ZarrStore, WhatCannotBeLookedAtIsNotMissing) {
  namespace fs = std::filesystem;
  const testing::FolderForTest folder;
  testing::write_small_store(folder.path());
  const auto store = io::open_zarr_store(folder.path(), true, "");
  EXPECT_EQ(store->size("X/data/7"), std::nullopt);
  EXPECT_EQ(store->size("X/none/0"), std::nullopt);
  EXPECT_EQ(store->size("X/data/0/0"), std::nullopt);  // below a file
  EXPECT_TRUE(store->names("X/none/").empty());
  fs::remove_all(folder / "X/data");
  fs::create_symlink("data", folder / "X/data");  // a loop, which root may not follow either
  EXPECT_SAITHE_ERROR(store->size("X/data/0"), ErrorKind::NotFound,
                      "X/data/0: cannot be read: Too many levels of symbolic links");
  EXPECT_SAITHE_ERROR(store->names("X/data/"), ErrorKind::NotFound,
                      "cannot be read: Too many levels of symbolic links");
  EXPECT_SAITHE_ERROR(read_dataset(folder.path(), {}, Context(1)), ErrorKind::NotFound,
                      "Too many levels of symbolic links");
  fs::create_directory(folder / "copy");
  EXPECT_SAITHE_ERROR(store->copy_to(folder / "copy", "out"), ErrorKind::NotFound,
                      "X/data: cannot be read");
  fs::remove(folder / "X/data");
  fs::create_directory(folder / "X/data");
  fs::create_symlink("none", folder / "X/data/0");  // its content is elsewhere, and not here yet
  EXPECT_SAITHE_ERROR(store->size("X/data/0"), ErrorKind::NotFound,
                      "X/data/0: cannot be read: a link to nothing");
  ASSERT_EQ(mkfifo((folder / "X/data/1").c_str(), 0600), 0);
  EXPECT_SAITHE_ERROR(store->size("X/data/1"), ErrorKind::NotFound, "is no file");
}

TEST(ZarrStore, ACopyHasEveryKey) {
  const testing::FolderForTest folder;
  testing::write_small_store(folder / "store");
  std::filesystem::create_directory(folder / "copy");
  io::open_zarr_store(folder / "store", true, "")->copy_to(folder / "copy", "out");
  EXPECT_EQ(testing::read_bytes(folder / "copy/X/data/0"),
            testing::read_bytes(folder / "store/X/data/0"));
  const std::filesystem::path file = std::string(SAITHE_TEST_FILES) + "/zarr/v2.zarr.zip";
  // What lies elsewhere and is linked is read, and copied.
  namespace fs = std::filesystem;
  fs::rename(folder / "store/X", folder / "elsewhere");
  fs::create_directory_symlink(folder / "elsewhere", folder / "store/X");
  fs::create_directory(folder / "copy2");
  io::open_zarr_store(folder / "store", true, "")->copy_to(folder / "copy2", "out");
  EXPECT_EQ(testing::read_bytes(folder / "copy2/X/data/0"),
            testing::read_bytes(folder / "elsewhere/data/0"));
  EXPECT_FALSE(fs::is_symlink(folder / "copy2/X"));
  fs::create_directory_symlink("../store", folder / "elsewhere/round");
  fs::create_directory(folder / "copy3");
  EXPECT_SAITHE_ERROR(
      io::open_zarr_store(folder / "store", true, "")->copy_to(folder / "copy3", "out"),
      ErrorKind::BadFormat, "X/round: is a link to a folder around it");
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
