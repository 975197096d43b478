#include "saithe/io/file_bytes.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <limits>
#include <string>

#include "saithe/core/error.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using io::FileBytes;
using testing::FolderForTest;

void write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

TEST(FileBytes, AreThoseOfThatPlace) {
  const FolderForTest folder;
  write(folder / "a", "0123456789");
  const FileBytes file(folder / "a");
  std::array<unsigned char, 4> bytes{};
  ASSERT_TRUE(file.read(3, bytes));
  EXPECT_EQ(std::string(bytes.begin(), bytes.end()), "3456");
  ASSERT_TRUE(file.read(6, bytes));
  EXPECT_EQ(std::string(bytes.begin(), bytes.end()), "6789");
  EXPECT_TRUE(file.read(100, {}));
}

TEST(FileBytes, ThatAreNotThereAreNotRead) {
  const FolderForTest folder;
  write(folder / "a", "0123456789");
  const FileBytes file(folder / "a");
  std::array<unsigned char, 4> bytes{};
  EXPECT_FALSE(file.read(7, bytes));
  EXPECT_FALSE(file.read(10, bytes));
  EXPECT_FALSE(file.read(-1, bytes));
  EXPECT_FALSE(file.read(std::numeric_limits<std::int64_t>::max(), bytes));
}

TEST(FileBytes, StayThoseOfTheFileThatWasOpened) {
  const FolderForTest folder;
  write(folder / "a", "0123456789");
  write(folder / "b", "abcdefghij");
  const FileBytes file(folder / "a");
  EXPECT_TRUE(file.is_at(folder / "a"));
  std::filesystem::rename(folder / "b", folder / "a");
  EXPECT_FALSE(file.is_at(folder / "a"));
  EXPECT_FALSE(file.is_at(folder / "b"));
  std::array<unsigned char, 2> bytes{};
  ASSERT_TRUE(file.read(0, bytes));
  EXPECT_EQ(std::string(bytes.begin(), bytes.end()), "01");
}

TEST(FileBytes, OfAnOpenFileStayWhenItIsClosed) {
  const FolderForTest folder;
  write(folder / "a", "0123456789");
  const int descriptor = open((folder / "a").c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(descriptor, 0);
  const FileBytes file(descriptor);
  close(descriptor);
  std::array<unsigned char, 2> bytes{};
  ASSERT_TRUE(file.read(8, bytes));
  EXPECT_EQ(std::string(bytes.begin(), bytes.end()), "89");
  EXPECT_SAITHE_ERROR(FileBytes(-1), ErrorKind::NotFound, "cannot be opened again");
}

TEST(FileBytes, OfNoFileAreAnError) {
  const FolderForTest folder;
  EXPECT_SAITHE_ERROR(FileBytes(folder / "none"), ErrorKind::NotFound, "none: cannot be opened");
}

}  // namespace
}  // namespace saithe
