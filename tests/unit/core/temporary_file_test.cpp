// What is appended comes back; a folder that takes no file is named.

#include "saithe/core/temporary_file.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "saithe/core/types.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

/// Sets TMPDIR for the length of a test.
class TemporaryFolderIs {
 public:
  explicit TemporaryFolderIs(const std::string& path) {
    if (const char* old = std::getenv("TMPDIR")) old_ = old;
    setenv("TMPDIR", path.c_str(), 1);
  }
  ~TemporaryFolderIs() {
    if (old_.empty())
      unsetenv("TMPDIR");
    else
      setenv("TMPDIR", old_.c_str(), 1);
  }

 private:
  std::string old_;
};

TEST(TemporaryFile, GivesBackWhatWasAppendedAndLeavesNoName) {
  const testing::FolderForTest folder;
  const TemporaryFolderIs here(folder.path().string());
  TemporaryFile file;
  const std::vector<unsigned char> first = {1, 2, 3};
  const std::vector<unsigned char> second(100000, 7);
  EXPECT_EQ(file.append(first), 0);
  EXPECT_EQ(file.append(second), 3);
  EXPECT_EQ(file.size(), 100003);
  std::vector<unsigned char> bytes(4);
  file.read(1, bytes);
  EXPECT_EQ(bytes, (std::vector<unsigned char>{2, 3, 7, 7}));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(TemporaryFile, AFolderThatTakesNoFileIsNamed) {
  const TemporaryFolderIs nowhere("/no/such/folder");
  EXPECT_SAITHE_ERROR(TemporaryFile(), ErrorKind::Output, "/no/such/folder");
}

}  // namespace
}  // namespace saithe
