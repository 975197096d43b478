#include "saithe/core/symbolic_links.h"

#include <gtest/gtest.h>

#include "support/folder_for_test.h"

namespace saithe {
namespace {

namespace fs = std::filesystem;
using testing::FolderForTest;

TEST(SymbolicLinks, LeadToWhatIsNotThereYet) {
  const FolderForTest folder;
  const fs::path real = fs::canonical(folder.path());
  fs::create_directory(folder / "far");
  fs::create_symlink("far/none", folder / "relative");
  fs::create_symlink(folder / "relative", folder / "absolute");
  fs::create_directory_symlink("far", folder / "near");
  fs::create_symlink("../near/other", folder / "far/up");
  EXPECT_EQ(end_of_links(folder / "relative"), real / "far/none");
  EXPECT_EQ(end_of_links(folder / "absolute"), real / "far/none");
  EXPECT_EQ(end_of_links(folder / "near/up"), real / "far/other");
  EXPECT_EQ(place_of_output(folder / "absolute"), real / "far/none");
}

TEST(SymbolicLinks, WhatIsNoneStaysAsItIs) {
  const FolderForTest folder;
  fs::create_directory_symlink(".", folder / "here");
  EXPECT_EQ(end_of_links(folder / "here/none"), folder / "here/none");
  EXPECT_EQ(end_of_links("none"), "none");
  EXPECT_EQ(place_of_output("none"), "none");
}

TEST(SymbolicLinks, ACircleIsNoOutput) {
  const FolderForTest folder;
  fs::create_symlink("b", folder / "a");
  fs::create_symlink("a", folder / "b");
  EXPECT_EQ(end_of_links(folder / "a"), folder / "a");
  EXPECT_SAITHE_ERROR(place_of_output(folder / "a"), ErrorKind::Output,
                      "a: cannot be written: Too many levels of symbolic links");
}

}  // namespace
}  // namespace saithe
