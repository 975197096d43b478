// The corpus of the fuzzers, without a fuzzer: whole, and what once was found (found/).

#include <gtest/gtest.h>

#include <filesystem>

#include "fuzz_reader.h"
#include "saithe/io/open.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

/// ".mtx.gz" of "counts.mtx.gz".
std::string ending_of(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  return name.substr(name.find('.'));
}

TEST(Replay, EveryFileOfTheCorpusIsRead) {
  int n = 0;
  const std::filesystem::path corpus = std::string(SAITHE_SOURCE_DIR) + "/tests/fuzz/corpus";
  for (const auto& entry : std::filesystem::directory_iterator(corpus)) {
    if (!entry.is_regular_file()) continue;
    const std::string bytes = testing::read_bytes(entry.path());
    EXPECT_TRUE(testing::read_as_input(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                       bytes.size(), ending_of(entry.path())))
        << entry.path();
    ++n;
  }
  EXPECT_GE(n, 21);
}

TEST(Replay, EveryFolderOfTheCorpusIsRead) {
  int n = 0;
  const std::filesystem::path corpus = std::string(SAITHE_SOURCE_DIR) + "/tests/fuzz/corpus";
  for (const auto& entry : std::filesystem::directory_iterator(corpus)) {
    if (!entry.is_directory()) continue;
    const Dataset cells = read_dataset(entry.path(), {}, Context(1));
    EXPECT_EQ(cells.n_cells(), 12) << entry.path();
    ++n;
  }
  EXPECT_EQ(n, 3);
}

TEST(Replay, PackedFoldersAreTheFoldersBesideThem) {
  const std::filesystem::path corpus = std::string(SAITHE_SOURCE_DIR) + "/tests/fuzz/corpus";
  for (const char* name : {"tenx_mtx", "tenx_mtx_gz", "split_pipe"}) {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(corpus / name)) {
      files[entry.path().filename().string()] = testing::read_bytes(entry.path());
    }
    const std::string packed = testing::read_bytes(corpus / (std::string(name) + ".folder"));
    EXPECT_EQ(testing::unpack_folder(packed), files) << name;
  }
}

TEST(UnpackFolder, NoNameLeadsOutOfIt) {
  const auto files = testing::unpack_folder(
      "before\n@@ a\nof a\n@@ b/c\n\n@@ ../d\nd\n@@ /e\ne\n@@ f/./g\ng\n@@ h//i\ni\n@@ \nj"
      "\n@@ k l\nl\n@@ last");
  EXPECT_EQ(files, (std::map<std::string, std::string>{{"a", "of a"}, {"b/c", ""}}));
}

TEST(Replay, WhatWasFoundIsNoCrashAnyMore) {
  const std::filesystem::path found = std::string(SAITHE_SOURCE_DIR) + "/tests/fuzz/found";
  if (!std::filesystem::exists(found)) return;
  for (const auto& entry : std::filesystem::directory_iterator(found)) {
    const std::string bytes = testing::read_bytes(entry.path());
    testing::read_as_input(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(),
                           ending_of(entry.path()));
  }
}

}  // namespace
}  // namespace saithe
