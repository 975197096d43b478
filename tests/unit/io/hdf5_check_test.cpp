#include "saithe/io/hdf5_check.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

#include "saithe/io/annotate_h5ad.h"
#include "saithe/io/hdf5_library.h"
#include "saithe/io/open.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using testing::FolderForTest;

const Context kContext(1);

std::string corpus(const std::string& name) {
  return testing::read_bytes(std::string(SAITHE_SOURCE_DIR) + "/tests/fuzz/corpus/" + name);
}

// Bits whose flip makes libhdf5 1.10.8 crash while it reads an attribute; found by the damage test.
constexpr std::size_t kBitsThatCrash[] = {257083, 22887};

std::string with_flipped_bit(std::string bytes, std::size_t bit) {
  bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  return bytes;
}

TEST(Hdf5Check, ACrashOfLibhdf5IsAnErrorThatNamesTheObject) {
  const FolderForTest folder;
  for (const std::size_t bit : kBitsThatCrash) {
    const auto path = folder / "a.h5ad";
    testing::write_bytes(path, with_flipped_bit(corpus("csr.h5ad"), bit));
    for (const auto& reading :
         {std::function<void()>([&] { open_source(path, {}, kContext); }),
          std::function<void()>([&] { static_cast<void>(list_contents(path, kContext)); }),
          std::function<void()>([&] { static_cast<void>(is_h5ad(path)); }),
          std::function<void()>([&] { H5adAnnotator(path, folder / "b.h5ad", false); })}) {
      EXPECT_SAITHE_ERROR(reading(), ErrorKind::BadFormat, "encoding-type");
    }
    EXPECT_FALSE(std::filesystem::exists(folder / "b.h5ad"));
  }
}

// libhdf5 1.10 looks up texts by indices that it does not check. What it makes of memory that is
// not its own is the child's: whether that crashes or not, this process goes on.
TEST(Hdf5Check, AnIndexBehindTheTableOfTextsHarmsOnlyTheChild) {
  const FolderForTest folder;
  std::string bytes = corpus("csc.h5ad");
  for (const std::size_t bit : {std::size_t{21832}, std::size_t{13701}, std::size_t{78126}})
    bytes = with_flipped_bit(bytes, bit);
  testing::write_bytes(folder / "a.h5ad", bytes);
  EXPECT_SAITHE_ERROR(open_source(folder / "a.h5ad", {}, kContext), ErrorKind::BadFormat, "");
}

/// Walks over a file in a child: how that ended.
ChildReport walk(const std::filesystem::path& path) {
  return run_in_child([&](ChildNotes& notes) { io::walk_over(path, notes); },
                      io::limits_of_reading(path));
}

TEST(Hdf5Check, TheWalkMeetsWhatCrashesBeforeAnythingIsRead) {
  const FolderForTest folder;
  testing::write_bytes(folder / "a.h5ad", with_flipped_bit(corpus("csr.h5ad"), kBitsThatCrash[0]));
  EXPECT_EQ(walk(folder / "a.h5ad").end, ChildEnd::Crashed);
}

TEST(Hdf5Check, AFileThatChangesIsLookedAtAgain) {
  const FolderForTest folder;
  const auto path = folder / "a.h5ad";
  testing::write_bytes(path, corpus("csr.h5ad"));
  const auto then = io::FileStamp::of(path);
  io::note_walked_over(then);
  EXPECT_FALSE(io::was_walked_over(then));  // it changed just now, and may change again unseen
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  io::note_walked_over(then);
  EXPECT_TRUE(io::was_walked_over(then));
  testing::write_bytes(path, corpus("csc.h5ad"));
  EXPECT_FALSE(io::was_walked_over(io::FileStamp::of(path)));
}

TEST(Hdf5Check, LinksInACircleEnd) {
  const FolderForTest folder;
  const auto path = folder / "a.h5ad";
  testing::write_bytes(path, corpus("csr.h5ad"));
  {
    const io::Hdf5Id file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT));
    ASSERT_TRUE(file.is_valid());
    ASSERT_GE(H5Lcreate_hard(file.get(), "/", file.get(), "layers/root", H5P_DEFAULT, H5P_DEFAULT),
              0);
    ASSERT_GE(H5Lcreate_soft("/layers/b", file.get(), "layers/b", H5P_DEFAULT, H5P_DEFAULT), 0);
  }
  EXPECT_EQ(walk(path).end, ChildEnd::Finished);
}

TEST(Hdf5Check, WhatLibhdf5ReportsIsLeftToWhoReads) {
  const FolderForTest folder;
  testing::write_bytes(folder / "a.h5ad", corpus("csr.h5ad").substr(0, 20000));
  EXPECT_EQ(walk(folder / "a.h5ad").end, ChildEnd::Finished);
  EXPECT_SAITHE_ERROR(open_source(folder / "a.h5ad", {}, kContext), ErrorKind::BadFormat,
                      "cannot be opened");
}

TEST(Hdf5Check, ACrashWhileAFileIsChangedIsAnError) {
  const FolderForTest folder;
  testing::write_bytes(folder / "a", "a");
  EXPECT_SAITHE_ERROR(io::change_in_child(folder / "a", "out.h5ad", [] { std::raise(SIGSEGV); }),
                      ErrorKind::BadFormat, "out.h5ad: cannot be read: HDF5 crashed");
  EXPECT_SAITHE_ERROR(io::change_in_child(folder / "a", "out.h5ad",
                                          [] { fail(ErrorKind::Output, "the disk is full"); }),
                      ErrorKind::Output, "the disk is full");
}

}  // namespace
}  // namespace saithe
