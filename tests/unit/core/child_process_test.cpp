#include "saithe/core/child_process.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <vector>

#include "support/folder_for_test.h"

namespace saithe {
namespace {

constexpr ChildLimits kShort{1, 0};

TEST(ChildProcess, WhatItWritesStaysAndWhatItChangesDoesNot) {
  const testing::FolderForTest folder;
  int value = 1;
  const ChildReport report = run_in_child(
      [&](ChildNotes& notes) {
        notes.note("second");
        value = 2;
        testing::write_bytes(folder / "a", "written");
      },
      kShort);
  EXPECT_EQ(report.end, ChildEnd::Finished);
  EXPECT_EQ(report.place, "second");
  EXPECT_EQ(value, 1);
  EXPECT_EQ(testing::read_bytes(folder / "a"), "written");
}

TEST(ChildProcess, ACrashHasASignalAndAPlace) {
  for (const int signal : {SIGSEGV, SIGABRT, SIGKILL}) {
    const ChildReport report = run_in_child(
        [&](ChildNotes& notes) {
          notes.note("/obs/a");
          std::raise(signal);
        },
        kShort);
    EXPECT_EQ(report.end, ChildEnd::Crashed);
    EXPECT_EQ(report.signal, signal);
    EXPECT_EQ(report.place, "/obs/a");
  }
}

TEST(ChildProcess, AnEndlessLoopIsEnded) {
  const ChildReport report = run_in_child(
      [](ChildNotes&) {
        for (volatile int i = 0; true;) i = i + 1;
      },
      kShort);
  EXPECT_EQ(report.end, ChildEnd::TooSlow);
}

TEST(ChildProcess, AnErrorIsThrownHere) {
  EXPECT_SAITHE_ERROR(
      run_in_child([](ChildNotes&) { fail(ErrorKind::Output, "disk {}", 7); }, kShort),
      ErrorKind::Output, "disk 7");
}

TEST(ChildProcess, MemoryIsBounded) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers take memory as they like";
#endif
  const ChildReport report = run_in_child(
      [](ChildNotes&) {
        const std::vector<char> much(std::size_t{1} << 28);
        static_cast<void>(much);
      },
      {10, 1 << 26});
  EXPECT_EQ(report.end, ChildEnd::OutOfMemory);
}

}  // namespace
}  // namespace saithe
