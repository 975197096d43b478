#include "saithe/io/unchanged_file.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>

#include "saithe/io/open.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using testing::FolderForTest;
namespace fs = std::filesystem;

const Context kContext(2);

void write_table(const fs::path& path, int first_count) {
  std::ofstream(path) << "cell,CD3D,MS4A1\nAAACATACAACCAC-1," << first_count
                      << ",0\nAAACATTGAGCTAC-1,0,2\n";
}

/// Later than what was written just now, whatever the clock of the file system.
void set_later(const fs::path& path) {
  fs::last_write_time(path, fs::last_write_time(path) + std::chrono::seconds(5));
}

TEST(UnchangedFile, IsReadAsItIs) {
  const FolderForTest folder;
  write_table(folder / "a.csv", 1);
  const auto cells = open_source(folder / "a.csv", {}, kContext);
  EXPECT_EQ(cells->read_cells(0, 1, kContext).values, std::vector<float>{1});
  EXPECT_EQ(cells->read_cells(1, 2, kContext).values, std::vector<float>{2});
}

TEST(UnchangedFile, OneThatIsWrittenToIsAnError) {
  const FolderForTest folder;
  write_table(folder / "a.csv", 1);
  const auto cells = open_source(folder / "a.csv", {}, kContext);
  EXPECT_EQ(cells->read_cells(0, 1, kContext).n_stored(), 1);
  write_table(folder / "a.csv", 7);
  set_later(folder / "a.csv");
  EXPECT_SAITHE_ERROR(cells->read_cells(1, 2, kContext), ErrorKind::BadFormat,
                      "a.csv: was changed by another program while it was read");
}

TEST(UnchangedFile, OneThatIsReplacedIsReadToItsEnd) {
  const FolderForTest folder;
  write_table(folder / "a.csv", 1);
  const io::FileState before = io::FileState::of(folder / "a.csv");
  const auto cells = io::require_unchanged(
      folder / "a.csv", before,
      std::make_unique<Dataset>(read_dataset(folder / "a.csv", {}, kContext)));
  write_table(folder / "b.csv", 7);
  fs::rename(folder / "b.csv", folder / "a.csv");
  EXPECT_EQ(cells->read_cells(0, 1, kContext).values, std::vector<float>{1});
  fs::remove(folder / "a.csv");
  EXPECT_EQ(cells->read_cells(1, 2, kContext).values, std::vector<float>{2});
}

TEST(UnchangedFile, AFolderIsNotWatched) {
  const FolderForTest folder;
  EXPECT_EQ(io::FileState::of(folder.path()).inode, 0U);
  EXPECT_EQ(io::FileState::of(folder / "none").inode, 0U);
}

}  // namespace
}  // namespace saithe
