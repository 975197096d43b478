// Zip archives: entries, zip64, and what is damaged. The archives of tests/golden/zarr were packed
// by Python's zipfile.

#include "saithe/io/zip_archive.h"

#include <gtest/gtest.h>

#include "saithe/core/types.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

std::string number(std::uint64_t value, int n) {
  std::string bytes;
  for (int i = 0; i < n; ++i) bytes.push_back(static_cast<char>(value >> 8 * i & 255));
  return bytes;
}

constexpr std::uint32_t kChecksumOfHello = 0x3610a686;

/// An archive of one stored entry "hello.txt".
std::string hello_archive(bool is_zip64, int method = 0,
                          std::uint32_t checksum = kChecksumOfHello) {
  const std::string content = "hello";
  const std::string name = "hello.txt";
  std::string file = "PK\3\4" + number(20, 2) + number(0, 2) + number(as_size(method), 2) +
                     number(0, 4) + number(checksum, 4) + number(5, 4) + number(5, 4) +
                     number(name.size(), 2) + number(0, 2) + name + content;
  const std::size_t directory = file.size();
  const std::string extra =
      is_zip64 ? number(1, 2) + number(24, 2) + number(5, 8) + number(5, 8) + number(0, 8) : "";
  const std::uint64_t size = is_zip64 ? 0xffffffff : 5;
  file += "PK\1\2" + number(20, 2) + number(20, 2) + number(0, 2) + number(as_size(method), 2) +
          number(0, 4) + number(checksum, 4) + number(size, 4) + number(size, 4) +
          number(name.size(), 2) + number(extra.size(), 2) + number(0, 2) + number(0, 2) +
          number(0, 2) + number(0, 4) + number(is_zip64 ? 0xffffffff : 0, 4) + name + extra;
  const std::size_t n_directory = file.size() - directory;
  if (is_zip64) {
    const std::size_t end = file.size();
    file += "PK\6\6" + number(44, 8) + number(45, 2) + number(45, 2) + number(0, 4) + number(0, 4) +
            number(1, 8) + number(1, 8) + number(n_directory, 8) + number(directory, 8);
    file += "PK\6\7" + number(0, 4) + number(end, 8) + number(1, 4);
  }
  file += "PK\5\6" + number(0, 4) + number(is_zip64 ? 0xffff : 1, 2) +
          number(is_zip64 ? 0xffff : 1, 2) + number(is_zip64 ? 0xffffffff : n_directory, 4) +
          number(is_zip64 ? 0xffffffff : directory, 4) + number(0, 2);
  return file;
}

TEST(ZipArchive, ReadsStoredEntriesAlsoOfZip64) {
  const testing::FolderForTest folder;
  for (const bool is_zip64 : {false, true}) {
    testing::write_bytes(folder / "a.zip", hello_archive(is_zip64));
    const io::ZipArchive archive(folder / "a.zip");
    EXPECT_EQ(archive.names(), std::vector<std::string>{"hello.txt"});
    EXPECT_EQ(archive.size("hello.txt"), 5);
    EXPECT_EQ(archive.size("other"), std::nullopt);
    EXPECT_EQ(archive.read("hello.txt", 0, 5), "hello");
    EXPECT_EQ(archive.read("hello.txt", 1, 3), "ell");
    archive.unpack("hello.txt", folder / "hello.txt", "out");
    EXPECT_EQ(testing::read_bytes(folder / "hello.txt"), "hello");
    EXPECT_SAITHE_ERROR(archive.unpack("hello.txt", folder / "none/x", "out"), ErrorKind::Output,
                        "out: cannot be written");
    EXPECT_SAITHE_ERROR(archive.read("hello.txt", 3, 3), ErrorKind::BadFormat, "hello.txt");
  }
}

TEST(ZipArchive, ReadsDeflatedEntriesInPart) {
  const io::ZipArchive archive(std::string(SAITHE_TEST_FILES) + "/zarr/v3.zarr.zip");
  const std::string name = "inner.zarr/zarr.json";
  const auto n = archive.size(name);
  ASSERT_TRUE(n.has_value());
  const std::string all = archive.read(name, 0, *n);
  EXPECT_EQ(all.front(), '{');
  EXPECT_EQ(archive.read(name, 5, 20), all.substr(5, 20));
}

TEST(ZipArchive, RefusesWhatItCannotReadAndWhatIsDamaged) {
  const testing::FolderForTest folder;
  const auto path = folder / "a.zip";
  testing::write_bytes(path, hello_archive(false, 12));
  EXPECT_SAITHE_ERROR(io::ZipArchive(path).read("hello.txt", 0, 5), ErrorKind::BadFormat,
                      "zip method 12");
  testing::write_bytes(path, hello_archive(false, 0, 1));
  EXPECT_SAITHE_ERROR(io::ZipArchive(path).read("hello.txt", 0, 5), ErrorKind::BadFormat,
                      "checksum");
  for (const bool is_zip64 : {false, true}) {
    const std::string whole = hello_archive(is_zip64);
    for (std::size_t n = 0; n < whole.size(); ++n) {
      testing::write_bytes(path, whole.substr(0, n));
      EXPECT_TRUE(testing::error_of([&] { io::ZipArchive archive(path); })) << n;
    }
  }
}

}  // namespace
}  // namespace saithe
