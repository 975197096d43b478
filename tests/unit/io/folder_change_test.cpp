#include "saithe/io/folder_change.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/folder_for_test.h"

namespace saithe {
namespace {

namespace fs = std::filesystem;
using io::FolderChange;
using testing::read_bytes;
using testing::write_bytes;

/// A folder with a/one, a/two and three, and new files beside it.
class FolderChanges : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_ / "it/a");
    fs::create_directories(folder_ / "new/b");
    write_bytes(folder_ / "it/a/one", "1");
    write_bytes(folder_ / "it/a/two", "2");
    write_bytes(folder_ / "it/three", "3");
    write_bytes(folder_ / "new/b/four", "4");
    write_bytes(folder_ / "new/three", "III");
  }
  /// "a/one=1 a/two=2 three=3"
  [[nodiscard]] std::string state() const {
    std::vector<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "it")) {
      if (!entry.is_regular_file()) continue;
      files.push_back(entry.path().lexically_relative(folder_ / "it").string() + "=" +
                      read_bytes(entry.path()));
    }
    std::sort(files.begin(), files.end());
    std::string text;
    for (const std::string& file : files) text += (text.empty() ? "" : " ") + file;
    return text;
  }
  testing::FolderForTest folder_;
};

TEST_F(FolderChanges, StepsAreKept) {
  fs::permissions(folder_ / "it/three", fs::perms(0640));
  {
    FolderChange change(folder_ / "it", folder_ / "old", "it");
    change.take_out("a/one");
    change.put(folder_ / "new/b", "a/b");
    change.replace(folder_ / "new/three", "three");
    change.flush();
    change.keep();
  }
  EXPECT_EQ(state(), "a/b/four=4 a/two=2 three=III");
  EXPECT_EQ(fs::status(folder_ / "it/three").permissions(), fs::perms(0640));
}

TEST_F(FolderChanges, WithoutKeepAllStepsAreTakenBack) {
  const std::string before = state();
  {
    FolderChange change(folder_ / "it", folder_ / "old", "it");
    change.take_out("a");
    change.put(folder_ / "new/b", "a");
    change.replace(folder_ / "new/three", "three");
    EXPECT_EQ(state(), "a/four=4 three=III");
  }
  EXPECT_EQ(state(), before);
  FolderChange change(folder_ / "it", folder_ / "old2", "it");
  change.take_out("a");
  fs::remove_all(folder_ / "old2");
  EXPECT_FALSE(change.undo());
}

TEST_F(FolderChanges, WhatCannotBeDoneIsAnError) {
  FolderChange change(folder_ / "it", folder_ / "old", "it.zarr");
  EXPECT_SAITHE_ERROR(change.put(folder_ / "new/three", "three"), ErrorKind::Output,
                      "it.zarr: cannot be written: File exists");
  EXPECT_SAITHE_ERROR(change.take_out("none"), ErrorKind::Output, "it.zarr");
  EXPECT_SAITHE_ERROR(change.replace(folder_ / "new/three", "none"), ErrorKind::Output, "it.zarr");
  EXPECT_SAITHE_ERROR(io::flush_to_disk(folder_ / "none", "it.zarr"), ErrorKind::Output, "it.zarr");
  EXPECT_SAITHE_ERROR(io::flush_file_system(folder_ / "none", "it.zarr"), ErrorKind::Output,
                      "it.zarr");
  EXPECT_EQ(state(), "a/one=1 a/two=2 three=3");
}

}  // namespace
}  // namespace saithe
