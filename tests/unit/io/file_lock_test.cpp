#include "saithe/io/file_lock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <fstream>

#include "support/folder_for_test.h"

namespace saithe::io {
namespace {

class FileLockTest : public ::testing::Test {
 protected:
  FileLockTest() {
    std::ofstream(path_) << "cells";
    descriptor_ = open(path_.c_str(), O_RDWR | O_CLOEXEC);
  }
  ~FileLockTest() override { close(descriptor_); }
  [[nodiscard]] bool can_lock(int how) const { return flock(descriptor_, how | LOCK_NB) == 0; }

  testing::FolderForTest folder_;
  std::filesystem::path path_ = folder_ / "cells.h5ad";
  int descriptor_ = -1;
};

TEST_F(FileLockTest, WhoWritesIsNotOvertaken) {
  ASSERT_TRUE(can_lock(LOCK_EX));
  EXPECT_SAITHE_ERROR(FileLock(path_), ErrorKind::Output, "has it open for writing");
  ASSERT_TRUE(can_lock(LOCK_SH));  // only reads
  const FileLock lock(path_);
}

TEST_F(FileLockTest, OthersMayReadMeanwhileAndWriteAfterwards) {
  {
    const FileLock lock(path_);
    EXPECT_TRUE(can_lock(LOCK_SH));
    EXPECT_FALSE(can_lock(LOCK_EX));
  }
  EXPECT_TRUE(can_lock(LOCK_EX));
}

TEST_F(FileLockTest, WhatIsNotThereIsNotItsConcern) {
  const FileLock lock(folder_ / "none");
}

}  // namespace
}  // namespace saithe::io
