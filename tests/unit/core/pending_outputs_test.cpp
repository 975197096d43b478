#include "saithe/core/pending_outputs.h"

#include <gtest/gtest.h>

#include "saithe/core/text_output.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

namespace fs = std::filesystem;
using testing::FolderForTest;
using testing::read_bytes;
using testing::write_bytes;

void add_text(PendingOutputs& outputs, const fs::path& path, const std::string& text,
              bool overwrite = false) {
  write_text(
      path, overwrite, [&](const PutText& put) { put(text); }, outputs);
}

std::size_t n_files(const FolderForTest& folder) {
  std::size_t n = 0;
  for (const auto& entry : fs::directory_iterator(folder.path())) n += entry.is_regular_file();
  return n;
}

TEST(PendingOutputs, AllTakeTheirPlacesAtTheEnd) {
  const FolderForTest folder;
  PendingOutputs outputs;
  add_text(outputs, folder / "a.tsv", "a");
  add_text(outputs, folder / "b.tsv", "b");
  EXPECT_FALSE(fs::exists(folder / "a.tsv"));
  EXPECT_FALSE(fs::exists(folder / "b.tsv"));
  outputs.commit();
  EXPECT_EQ(read_bytes(folder / "a.tsv") + read_bytes(folder / "b.tsv"), "ab");
  EXPECT_EQ(n_files(folder), 2U);
}

TEST(PendingOutputs, WithoutCommitNothingIsLeft) {
  const FolderForTest folder;
  write_bytes(folder / "a.tsv", "old");
  {
    PendingOutputs outputs;
    add_text(outputs, folder / "a.tsv", "new", true);
    add_text(outputs, folder / "b.tsv", "b");
    EXPECT_EQ(n_files(folder), 3U);
  }
  EXPECT_EQ(read_bytes(folder / "a.tsv"), "old");
  EXPECT_EQ(n_files(folder), 1U);
}

TEST(PendingOutputs, APlaceThatIsTakenMeanwhileStopsAll) {
  const FolderForTest folder;
  {
    PendingOutputs outputs;
    add_text(outputs, folder / "a.tsv", "a");
    add_text(outputs, folder / "b.tsv", "b");
    write_bytes(folder / "b.tsv", "theirs");
    EXPECT_SAITHE_ERROR(outputs.commit(), ErrorKind::Output,
                        "b.tsv: was made by another program meanwhile; nothing was replaced");
  }
  EXPECT_FALSE(fs::exists(folder / "a.tsv"));
  EXPECT_EQ(read_bytes(folder / "b.tsv"), "theirs");
  EXPECT_EQ(n_files(folder), 1U);
}

TEST(PendingOutputs, ARenameThatFailsNamesWhatIsInPlace) {
  const FolderForTest folder;
  PendingOutputs outputs;
  add_text(outputs, folder / "a.tsv", "a");
  add_text(outputs, folder / "b.tsv", "b", true);
  add_text(outputs, folder / "c.tsv", "c");
  fs::create_directory(folder / "b.tsv");
  const auto error = testing::error_of([&] { outputs.commit(); });
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->what(),
            (folder / "b.tsv").string() +
                ": cannot be renamed into place: Is a directory; of this run these are in their "
                "places already: " +
                (folder / "a.tsv").string());
  EXPECT_EQ(read_bytes(folder / "a.tsv"), "a");
  EXPECT_FALSE(fs::exists(folder / "c.tsv"));
}

TEST(PendingOutputs, TheFirstRenameThatFailsSaysNothingOfOthers) {
  const FolderForTest folder;
  PendingOutputs outputs;
  add_text(outputs, folder / "a.tsv", "a", true);
  add_text(outputs, folder / "b.tsv", "b");
  fs::create_directory(folder / "a.tsv");
  const auto error = testing::error_of([&] { outputs.commit(); });
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->what(),
            (folder / "a.tsv").string() + ": cannot be renamed into place: Is a directory");
}

}  // namespace
}  // namespace saithe
