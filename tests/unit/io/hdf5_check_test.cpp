#include "saithe/io/hdf5_check.h"

#include <gtest/gtest.h>

#include <csignal>
#include <functional>

#include "saithe/io/annotate_h5ad.h"
#include "saithe/io/hdf5_file.h"
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

TEST(Hdf5Check, AnIndexBehindTheTableOfTextsIsAnError) {
  const FolderForTest folder;
  std::string bytes = corpus("csc.h5ad");
  for (const std::size_t bit : {std::size_t{21832}, std::size_t{13701}, std::size_t{78126}})
    bytes = with_flipped_bit(bytes, bit);
  testing::write_bytes(folder / "a.h5ad", bytes);
  EXPECT_SAITHE_ERROR(open_source(folder / "a.h5ad", {}, kContext), ErrorKind::BadFormat,
                      "/obs/_index");
}

TEST(Hdf5Check, AFileThatChangesIsLookedAtAgain) {
  const FolderForTest folder;
  const auto path = folder / "a.h5ad";
  testing::write_bytes(path, corpus("csr.h5ad"));
  io::require_harmless(path);
  testing::write_bytes(path, with_flipped_bit(corpus("csr.h5ad"), kBitsThatCrash[0]));
  EXPECT_SAITHE_ERROR(io::require_harmless(path), ErrorKind::BadFormat, "HDF5 crashed");
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
  io::require_harmless(path);
}

TEST(Hdf5Check, WhatLibhdf5ReportsIsLeftToWhoReads) {
  const FolderForTest folder;
  testing::write_bytes(folder / "a.h5ad", corpus("csr.h5ad").substr(0, 20000));
  io::require_harmless(folder / "a.h5ad");
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
