#include "saithe/core/open_input.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <string>
#include <thread>

#include "support/folder_for_test.h"

namespace saithe {
namespace {

using testing::FolderForTest;
using namespace std::chrono_literals;

std::string read_all(int descriptor) {
  std::string text;
  std::array<char, 5> block{};
  for (ssize_t n = 0; (n = read(descriptor, block.data(), block.size())) > 0;) {
    text.append(block.data(), static_cast<std::size_t>(n));
  }
  close(descriptor);
  return text;
}

TEST(OpenInput, FilesAndWhatIsNone) {
  const FolderForTest folder;
  testing::write_bytes(folder / "a.txt", "some text");
  EXPECT_EQ(read_all(open_input(folder / "a.txt")), "some text");
  EXPECT_EQ(read_all(open_input("/dev/null")), "");
  EXPECT_SAITHE_ERROR(open_input(folder / "none"), ErrorKind::NotFound,
                      "none: cannot be opened: No such file");
}

TEST(OpenInput, ANamedPipeIsReadToItsEndHoweverSlowItsWriter) {
  const FolderForTest folder;
  const auto path = folder / "pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  std::thread writer([&] {
    std::this_thread::sleep_for(30ms);
    std::ofstream pipe(path);  // waits for the reader
    std::this_thread::sleep_for(30ms);
    pipe << "first " << std::flush;
    std::this_thread::sleep_for(30ms);
    pipe << "second";
  });
  EXPECT_EQ(read_all(open_input(path)), "first second");
  writer.join();
}

TEST(OpenInput, AWriterThatHasWrittenNothingYetIsWaitedFor) {
  const FolderForTest folder;
  const auto path = folder / "pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  // For reading, too: such an open() does not wait.
  const int writer = open(path.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(writer, 0);
  const int reader = open_input(path, 0ms);
  ASSERT_EQ(write(writer, "late", 4), 4);
  close(writer);
  EXPECT_EQ(read_all(reader), "late");
}

TEST(OpenInput, APipeToWhichNobodyWritesIsRefused) {
  const FolderForTest folder;
  const auto path = folder / "pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_SAITHE_ERROR(open_input(path, 20ms), ErrorKind::BadFormat,
                      "pipe: is a pipe to which nobody writes. Start what writes it first");
}

TEST(RequireRereadable, APipeIsNot) {
  const FolderForTest folder;
  const auto path = folder / "pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_SAITHE_ERROR(require_rereadable(path), ErrorKind::BadFormat,
                      "pipe: is a pipe, not a file");
  EXPECT_SAITHE_ERROR(require_rereadable("/dev/null"), ErrorKind::BadFormat, "is a device");
  testing::write_bytes(folder / "a.txt", "some text");
  EXPECT_NO_THROW(require_rereadable(folder / "a.txt"));
  EXPECT_NO_THROW(require_rereadable(folder.path()));
  EXPECT_NO_THROW(require_rereadable(folder / "none"));  // who opens it says so
}

TEST(OpenInput, APipeWithoutANameIsAtItsEndWithItsWriter) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  const std::string path = "/dev/fd/" + std::to_string(ends[0]);
  ASSERT_EQ(write(ends[1], "all", 3), 3);
  close(ends[1]);
  EXPECT_EQ(read_all(open_input(path, 0ms)), "all");
  EXPECT_EQ(read_all(open_input(path, 0ms)), "");  // as <(true) is
  close(ends[0]);
}

}  // namespace
}  // namespace saithe
