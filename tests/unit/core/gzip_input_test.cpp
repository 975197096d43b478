// Plain and gzip files are read to their end, and nothing that is damaged passes for an end.

#include "saithe/core/gzip_input.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "saithe/core/random.h"
#include "support/folder_for_test.h"
#include "support/gzip_bytes.h"

namespace saithe {
namespace {

using testing::FolderForTest;
using testing::gzip_bytes;
using testing::write_bytes;

/// What is read of a file with these bytes, `step` at a time.
std::string unpacked(const std::string& bytes, std::size_t step = 1 << 16) {
  const FolderForTest folder;
  write_bytes(folder / "file", bytes);
  GzipInput input(open((folder / "file").c_str(), O_RDONLY | O_CLOEXEC));
  std::string all;
  std::string some(step, '\0');
  while (const std::size_t n = input.read(some.data(), step)) all.append(some, 0, n);
  EXPECT_EQ(input.read(some.data(), step), 0U);
  return all;
}

/// Larger than the blocks that are read, and hard to pack.
std::string long_text() {
  const Random random(1, 2);
  std::string text(700000, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(random.bits(i));
  return text;
}

TEST(GzipInput, PlainFilesAreReadAsTheyAre) {
  for (const std::string& text : {std::string(), std::string("a"), std::string("ab"),
                                  std::string("\x1F"), std::string("\0\0", 2), long_text()}) {
    EXPECT_EQ(unpacked(text), text);
  }
  EXPECT_EQ(unpacked("abc", 1), "abc");
}

TEST(GzipInput, MembersFollowEachOther) {
  const std::string text = long_text();
  EXPECT_EQ(unpacked(gzip_bytes(text)), text);
  EXPECT_EQ(unpacked(gzip_bytes(text) + gzip_bytes("") + gzip_bytes("x") + gzip_bytes(text)),
            text + "x" + text);
  EXPECT_EQ(unpacked(gzip_bytes("ab") + gzip_bytes("c"), 1), "abc");
  EXPECT_EQ(unpacked(gzip_bytes("")), "");
  EXPECT_EQ(unpacked(gzip_bytes(text) + std::string(600000, '\0')), text);  // as tapes pad
}

TEST(GzipInput, ADamagedMemberIsNoEnd) {
  const std::string first = gzip_bytes("one");
  const std::string second = gzip_bytes("two");
  for (std::size_t byte = 0; byte < 3; ++byte) {  // magic and method
    std::string damaged = second;
    damaged[byte] = static_cast<char>(damaged[byte] ^ 4);
    EXPECT_THROW(static_cast<void>(unpacked(first + damaged)), Error) << byte;
  }
  EXPECT_SAITHE_ERROR(static_cast<void>(unpacked(first + "rubbish")), ErrorKind::BadFormat,
                      "what follows a gzip member is none");
  EXPECT_SAITHE_ERROR(static_cast<void>(unpacked(first + std::string(9, '\0') + second)),
                      ErrorKind::BadFormat, "what follows a gzip member is none");
}

TEST(GzipInput, AFileThatIsCutIsAnError) {
  const std::string whole = gzip_bytes("one") + gzip_bytes("two");
  const std::size_t n_first = gzip_bytes("one").size();
  for (std::size_t n = 2; n < whole.size(); ++n) {
    if (n == n_first) continue;
    EXPECT_THROW(static_cast<void>(unpacked(whole.substr(0, n))), Error) << n;
  }
}

TEST(GzipInput, AFolderCannotBeRead) {
  const FolderForTest folder;
  GzipInput input(open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  char byte = 0;
  EXPECT_SAITHE_ERROR(static_cast<void>(input.read(&byte, 1)), ErrorKind::BadFormat, "directory");
}

}  // namespace
}  // namespace saithe
