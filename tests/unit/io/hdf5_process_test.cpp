#include "saithe/io/hdf5_process.h"

#include <gtest/gtest.h>

#include "saithe/io/hdf5_answers.h"
#include "saithe/io/hdf5_file.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using io::Hdf5Group;
using io::Hdf5Process;
using testing::FolderForTest;

std::string corpus(const std::string& name) {
  return std::string(SAITHE_SOURCE_DIR) + "/tests/fuzz/corpus/" + name;
}

TEST(Hdf5Process, FilesAreReadSideBySide) {
  const Hdf5Group one = Hdf5Group::open_file(corpus("csr.h5ad"));
  const Hdf5Group other = Hdf5Group::open_file(corpus("cells.loom"));
  EXPECT_TRUE(one.has_group("obs"));
  EXPECT_TRUE(other.has_dataset("matrix"));
  EXPECT_FALSE(one.has_dataset("matrix"));
}

TEST(Hdf5Process, ObjectsOutliveTheRoot) {
  const auto index = Hdf5Group::open_file(corpus("csr.h5ad")).group("obs").dataset("_index");
  EXPECT_EQ(static_cast<std::int64_t>(index.read_texts().size()), index.size());
}

// Whoever forks, as a test or a host program may, leaves the child of its parent alone.
TEST(Hdf5Process, AProcessInBetweenMayEnd) {
  const Hdf5Group root = Hdf5Group::open_file(corpus("csr.h5ad"));
  const ChildReport report = run_in_child(
      [](ChildNotes&) {
        if (!Hdf5Group::open_file(corpus("csc.h5ad")).has("X")) std::abort();
      },
      {60, 0});
  EXPECT_EQ(report.end, ChildEnd::Finished);
  EXPECT_TRUE(root.has("X"));
}

// As of a child whose memory libhdf5 has written over.
TEST(Hdf5Process, AnObjectThatIsGoneIsAnErrorOfTheFile) {
  const auto process = Hdf5Process::open(corpus("csr.h5ad"));
  EXPECT_SAITHE_ERROR(process->ask(process->question(io::Hdf5Question::Names, 77)),
                      ErrorKind::BadFormat,
                      "csr.h5ad: cannot be read: HDF5 harmed its process on it");
}

TEST(Hdf5Process, WhatCannotBeOpenedIsAnErrorOfTheFile) {
  const FolderForTest folder;
  testing::write_bytes(folder / "a.h5ad", "not HDF5 at all");
  EXPECT_SAITHE_ERROR(Hdf5Process::open(folder / "a.h5ad"), ErrorKind::BadFormat, "a.h5ad");
  EXPECT_SAITHE_ERROR(Hdf5Process::open(folder / "none"), ErrorKind::NotFound, "none");
}

}  // namespace
}  // namespace saithe
