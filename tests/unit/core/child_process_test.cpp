#include "saithe/core/child_process.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <memory>
#include <vector>

#include "saithe/core/types.h"

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
        for (volatile unsigned i = 0; true;) i = i + 1;
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

/// A server that does as it is told.
void obey(MessageReader& question, MessageWriter& answer, ChildNotes& notes) {
  static std::int64_t n_asked = 0;
  const std::string word = question.take_text();
  notes.note("at " + word);
  ++n_asked;
  if (word == "count") answer.add_integer(n_asked);
  if (word == "bytes") {
    const std::int64_t n = question.take_integer();
    std::fill_n(answer.grow(as_size(n)), n, static_cast<unsigned char>(n % 251));
  }
  if (word == "fail") fail(ErrorKind::Output, "disk {}", 7);
  if (word == "crash") std::raise(SIGSEGV);
  if (word == "hang") {
    for (volatile unsigned i = 0; true;) i = i + 1;
  }
  if (word == "much") {
    const std::vector<char> much(std::size_t{1} << 28);
    answer.add_integer(much[much.size() - 1]);
  }
}

ChildServer::Answer ask(ChildServer& server, const std::string& word, std::int64_t n = 0) {
  OwnMessage question;
  question.add_text(word);
  question.add_integer(n);
  return server.ask(question);
}

TEST(ChildServer, AnswersAsOneProcess) {
  ChildServer server(obey, kShort);
  for (std::int64_t i = 1; i < 4; ++i) {
    auto answer = ask(server, "count");
    EXPECT_EQ(answer.report.end, ChildEnd::Finished);
    EXPECT_EQ(answer.content.take_integer(), i);
  }
  EXPECT_SAITHE_ERROR(ask(server, "fail"), ErrorKind::Output, "disk 7");
  EXPECT_EQ(ask(server, "count").content.take_integer(), 5);
}

TEST(ChildServer, WhoAsksWhileReadingAnAnswerIsToldSo) {
  ChildServer server(obey, kShort);
  {
    const auto answer = ask(server, "count");
    EXPECT_SAITHE_ERROR(ask(server, "count"), ErrorKind::Internal, "last answer was being read");
  }
  EXPECT_EQ(ask(server, "count").content.take_integer(), 2);
}

// Small answers after large ones, of which the memory is given back, and the other way round.
TEST(ChildServer, AnswersOfAnySize) {
  ChildServer server(obey, kShort);
  for (const std::int64_t n : {std::int64_t{10}, std::int64_t{1} << 20, std::int64_t{150} << 20,
                               std::int64_t{0}, std::int64_t{70} << 20, std::int64_t{1} << 17}) {
    auto answer = ask(server, "bytes", n);
    const auto bytes = answer.content.take_bytes(n);
    const auto value = static_cast<unsigned char>(n % 251);
    EXPECT_EQ(std::count(bytes.begin(), bytes.end(), value), n);
    EXPECT_SAITHE_ERROR(answer.content.take_bytes(1), ErrorKind::BadFormat, "at bytes");
  }
}

TEST(ChildServer, ACrashHasASignalAndAPlaceAndIsLasting) {
  ChildServer server(obey, kShort);
  for (const char* word : {"crash", "count"}) {
    const auto answer = ask(server, word);
    EXPECT_EQ(answer.report.end, ChildEnd::Crashed);
    EXPECT_EQ(answer.report.signal, SIGSEGV);
    EXPECT_EQ(answer.report.place, "at crash");
  }
}

TEST(ChildServer, ALoopIsEndedHoweverLongTheServerLived) {
  ChildServer server(obey, kShort);
  EXPECT_EQ(ask(server, "count").report.end, ChildEnd::Finished);
  EXPECT_EQ(ask(server, "hang").report.end, ChildEnd::TooSlow);
}

TEST(ChildServer, MemoryIsBounded) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers take memory as they like";
#endif
  ChildServer server(obey, {10, 1 << 26});
  EXPECT_EQ(ask(server, "much").report.end, ChildEnd::OutOfMemory);
}

// Each child lets go of all files, or it would keep the others' sockets, and pipes of its parent.
TEST(ChildServer, EndsWithItsOwnerAndHoldsNoPipe) {
  std::array<int, 2> ends = {-1, -1};
  ASSERT_EQ(pipe(ends.data()), 0);
  auto first = std::make_unique<ChildServer>(obey, kShort);
  const ChildServer second(obey, kShort);
  EXPECT_EQ(ask(*first, "count").report.end, ChildEnd::Finished);
  close(ends[1]);
  char byte = 0;
  EXPECT_EQ(read(ends[0], &byte, 1), 0);  // the end of the pipe
  close(ends[0]);
  first.reset();
}

TEST(ChildServer, ALongQuestionIsAnError) {
  ChildServer server(obey, kShort);
  EXPECT_SAITHE_ERROR(ask(server, std::string(1 << 18, 'x')), ErrorKind::BadFormat, "too long");
}

}  // namespace
}  // namespace saithe
