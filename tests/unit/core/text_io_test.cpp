// Lines, numbers and files that appear whole or not at all.

#include "saithe/core/text_io.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cmath>
#include <limits>

#include "support/folder_for_test.h"
#include "support/gzip_bytes.h"

namespace saithe {
namespace {

namespace fs = std::filesystem;
using testing::FolderForTest;
using testing::gzip_bytes;
using testing::read_bytes;
using testing::write_bytes;

std::vector<std::string> lines_of(const fs::path& path) {
  LineReader reader(path);
  std::vector<std::string> lines;
  std::string_view line;
  while (reader.next(line)) lines.emplace_back(line);
  return lines;
}

TEST(LineReader, EveryKindOfLineEnd) {
  const FolderForTest folder;
  write_bytes(folder / "a.txt", "one\r\ntwo\n\nfour");
  EXPECT_EQ(lines_of(folder / "a.txt"), (std::vector<std::string>{"one", "two", "", "four"}));
  write_bytes(folder / "empty.txt", "");
  EXPECT_TRUE(lines_of(folder / "empty.txt").empty());
}

TEST(LineReader, LinesLongerThanTheBuffer) {
  const FolderForTest folder;
  const std::string longest(700000, 'x');
  write_bytes(folder / "a.txt", "first\n" + longest + "\nlast\n");
  EXPECT_EQ(lines_of(folder / "a.txt"), (std::vector<std::string>{"first", longest, "last"}));
}

TEST(LineReader, GzipOfSeveralMembers) {
  const FolderForTest folder;
  write_bytes(folder / "a.gz", gzip_bytes("one\ntw") + gzip_bytes("o\nthree\n"));
  EXPECT_EQ(lines_of(folder / "a.gz"), (std::vector<std::string>{"one", "two", "three"}));
}

TEST(LineReader, ACutGzipFileIsAnError) {
  const FolderForTest folder;
  std::string text;
  for (int i = 0; i < 20000; ++i) text += std::to_string(i * 7919) + "\n";
  const std::string whole = gzip_bytes(text);
  for (const std::size_t n : {whole.size() / 2, whole.size() - 4}) {
    write_bytes(folder / "a.gz", whole.substr(0, n));
    EXPECT_SAITHE_ERROR(lines_of(folder / "a.gz"), ErrorKind::BadFormat, "damaged or cut off");
  }
}

TEST(LineReader, ALostMemberIsAnError) {
  const FolderForTest folder;
  std::string second = gzip_bytes("two\n");
  second[0] = static_cast<char>(second[0] ^ 1);
  write_bytes(folder / "a.gz", gzip_bytes("one\n") + second);
  EXPECT_SAITHE_ERROR(lines_of(folder / "a.gz"), ErrorKind::BadFormat,
                      "damaged or cut off after line 1 (what follows a gzip member is none)");
}

TEST(LineReader, SaysWhereItIs) {
  const FolderForTest folder;
  write_bytes(folder / "a.txt", "one\ntwo\n");
  LineReader reader(folder / "a.txt");
  std::string_view line;
  ASSERT_TRUE(reader.next(line));
  ASSERT_TRUE(reader.next(line));
  EXPECT_EQ(reader.where(), (folder / "a.txt").string() + ":2");
  EXPECT_FALSE(reader.next(line));
  EXPECT_EQ(reader.line_number(), 2);
}

TEST(LineReader, MissingFilesAndFoldersAreErrors) {
  const FolderForTest folder;
  EXPECT_SAITHE_ERROR(LineReader(folder / "none"), ErrorKind::NotFound, "none");
  EXPECT_SAITHE_ERROR(LineReader(folder.path()), ErrorKind::NotFound, "is a folder");
}

TEST(SplitFields, NDelimitersGiveNPlusOneFields) {
  std::vector<std::string_view> fields;
  split_fields("a\t\tb\t", '\t', fields);
  EXPECT_EQ(fields, (std::vector<std::string_view>{"a", "", "b", ""}));
  split_fields("", '\t', fields);
  EXPECT_EQ(fields, (std::vector<std::string_view>{""}));
}

TEST(ParseNumber, OnlyAWholeNumberCounts) {
  std::int64_t whole = 0;
  EXPECT_TRUE(parse_number("+12", whole));
  EXPECT_EQ(whole, 12);
  EXPECT_TRUE(parse_number("-9223372036854775808", whole));
  EXPECT_EQ(whole, std::numeric_limits<std::int64_t>::min());
  for (const char* text : {"", "+", "1.0", "1 ", " 1", "x", "9223372036854775808"}) {
    EXPECT_FALSE(parse_number(text, whole)) << text;
  }
  double real = 0;
  EXPECT_TRUE(parse_number("1e-3", real));
  EXPECT_EQ(real, 1e-3);
  EXPECT_FALSE(parse_number("1,5", real));
  EXPECT_FALSE(parse_number("", real));
}

TEST(FormatNumber, ReadsBackAsTheSameNumber) {
  EXPECT_EQ(format_number(0.1), "0.1");
  EXPECT_EQ(format_number(0.1F), "0.1");
  EXPECT_EQ(format_number(std::nan("")), "nan");
  for (const double value : {1.0 / 3, 1e300, -5e-324, 123456789.123}) {
    double back = 0;
    ASSERT_TRUE(parse_number(format_number(value), back));
    EXPECT_EQ(back, value);
  }
}

TEST(Printable, ControlCharactersBecomeQuestionMarks) {
  EXPECT_EQ(printable("T\x1b[31m\n\x7f"), "T?[31m??");
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m"),
            "?31m");
  EXPECT_EQ(printable("na\xC3\xAFve T"), "na\xC3\xAFve T");
  EXPECT_EQ(printable("\xFF\xFEx\xC3"), "??x?");  // no UTF-8
}

TEST(ParseBytes, TakesUnitsAndRefusesTheRest) {
  EXPECT_EQ(parse_bytes("800", "memory"), 800);
  EXPECT_EQ(parse_bytes("500M", "memory"), 500LL << 20);
  EXPECT_EQ(parse_bytes("2G", "memory"), 2LL << 30);
  EXPECT_EQ(parse_bytes("1.5K", "memory"), 1536);
  EXPECT_EQ(parse_bytes("3T", "memory"), 3LL << 40);
  EXPECT_EQ(parse_bytes("3t", "memory"), 3LL << 40);
  EXPECT_EQ(parse_bytes("2k", "memory"), 2048);
  for (const char* text : {"", "G", "0", "-1G", "2x", "2GB", "nan", "1e30T", "two"}) {
    EXPECT_SAITHE_ERROR(parse_bytes(text, "memory"), ErrorKind::InvalidArgument, "--memory");
  }
}

TEST(ReadHead, GivesTheFirstBytesInflatedAndWhatIsLeftOfADamagedFile) {
  const FolderForTest folder;
  write_file(folder / "plain", "abcdef", false);
  write_file(folder / "packed.gz", "abcdef", false);
  EXPECT_EQ(read_head(folder / "plain", 4), "abcd");
  EXPECT_EQ(read_head(folder / "packed.gz", 4), "abcd");
  EXPECT_EQ(read_head(folder / "plain", 10), "abcdef");
  testing::write_bytes(folder / "cut.gz", read_file(folder / "packed.gz", 1000).substr(0, 11));
  EXPECT_LE(read_head(folder / "cut.gz", 10).size(), 6U);
  EXPECT_SAITHE_ERROR(read_head(folder / "none", 9), ErrorKind::NotFound, "none");
  EXPECT_SAITHE_ERROR(read_head(folder.path(), 9), ErrorKind::NotFound, "cannot be opened");
}

TEST(ReadFile, RefusesWhatIsTooLarge) {
  const FolderForTest folder;
  write_bytes(folder / "a", std::string(10, 'x'));
  EXPECT_EQ(read_file(folder / "a", 10), std::string(10, 'x'));
  EXPECT_SAITHE_ERROR(read_file(folder / "a", 9), ErrorKind::BadFormat, "at most 9");
  EXPECT_SAITHE_ERROR(read_file(folder / "none", 9), ErrorKind::NotFound, "none");
  EXPECT_SAITHE_ERROR(read_file(folder.path(), 9), ErrorKind::NotFound, "folder");
}

std::vector<std::string> names_in(const FolderForTest& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    names.push_back(entry.path().filename().string());
  }
  return names;
}

TEST(OutputFile, NothingIsLeftWithoutCommit) {
  const FolderForTest folder;
  {
    const OutputFile output(folder / "a.txt", false);
    write_bytes(output.temporary_path(), "half");
    EXPECT_FALSE(fs::exists(folder / "a.txt"));
  }
  EXPECT_TRUE(names_in(folder).empty());
}

TEST(OutputFile, CommitPutsTheFileThereWithOrdinaryPermissions) {
  const FolderForTest folder;
  const mode_t mask = umask(022);
  write_file(folder / "a.txt", "text", false);
  umask(mask);
  EXPECT_EQ(read_bytes(folder / "a.txt"), "text");
  EXPECT_EQ(names_in(folder), (std::vector<std::string>{"a.txt"}));
  struct stat status {};
  ASSERT_EQ(stat((folder / "a.txt").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0644U);
}

TEST(OutputFile, AnExistingFileIsNamedAndKept) {
  const FolderForTest folder;
  write_bytes(folder / "a.txt", "old");
  EXPECT_SAITHE_ERROR(write_file(folder / "a.txt", "new", false), ErrorKind::Output, "a.txt");
  EXPECT_EQ(read_bytes(folder / "a.txt"), "old");
  write_file(folder / "a.txt", "new", true);
  EXPECT_EQ(read_bytes(folder / "a.txt"), "new");
}

TEST(Counted, OneIsSingular) {
  EXPECT_EQ(counted(1, "donor"), "1 donor");
  EXPECT_EQ(counted(0, "donor"), "0 donors");
  EXPECT_EQ(counted(2, "tab-separated column"), "2 tab-separated columns");
}

TEST(OutputFile, AFileMadeMeanwhileIsNotReplaced) {
  const FolderForTest folder;
  OutputFile output(folder / "a.txt", false);
  write_bytes(folder / "a.txt", "theirs");
  EXPECT_SAITHE_ERROR(output.commit(), ErrorKind::Output, "another program");
  EXPECT_EQ(read_bytes(folder / "a.txt"), "theirs");
}

TEST(OutputFile, ALinkIsWrittenThrough) {
  const FolderForTest folder;
  write_bytes(folder / "real.txt", "old");
  fs::create_symlink(folder / "real.txt", folder / "link.txt");
  write_file(folder / "link.txt", "new", true);
  EXPECT_TRUE(fs::is_symlink(folder / "link.txt"));
  EXPECT_EQ(read_bytes(folder / "real.txt"), "new");
}

TEST(OutputFile, ALinkToWhatIsNotThereYetIsWrittenThrough) {
  const FolderForTest folder;
  fs::create_directory(folder / "far");
  fs::create_symlink("far/real.txt", folder / "link.txt");
  EXPECT_SAITHE_ERROR(OutputFile(folder / "link.txt", false), ErrorKind::Output, "exists already");
  write_file(folder / "link.txt", "new", true);
  EXPECT_TRUE(fs::is_symlink(folder / "link.txt"));
  EXPECT_EQ(read_bytes(folder / "far/real.txt"), "new");
  fs::create_symlink("circle", folder / "circle");
  EXPECT_SAITHE_ERROR(OutputFile(folder / "circle", true), ErrorKind::Output,
                      "circle: cannot be written: Too many levels of symbolic links");
  fs::create_symlink("none/real.txt", folder / "lost.txt");
  EXPECT_SAITHE_ERROR(OutputFile(folder / "lost.txt", true), ErrorKind::Output,
                      "none/real.txt: cannot be written");
}

TEST(OutputFile, WhatIsNoPlainFileIsNeverReplaced) {
  const FolderForTest folder;
  const fs::path pipe = folder / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  fs::create_symlink("pipe", folder / "link");
  for (const fs::path& path : {pipe, folder / "link"}) {
    EXPECT_SAITHE_ERROR(OutputFile(path, true), ErrorKind::Output, "is a device, pipe or socket");
  }
  EXPECT_TRUE(fs::is_fifo(fs::symlink_status(pipe)));
}

TEST(OutputFile, FoldersAndMissingFoldersAreErrors) {
  const FolderForTest folder;
  EXPECT_SAITHE_ERROR(OutputFile(folder.path(), true), ErrorKind::Output, "is a folder");
  EXPECT_SAITHE_ERROR(OutputFile(folder / "none/a.txt", false), ErrorKind::Output,
                      "cannot be written");
}

TEST(LineReader, AByteOrderMarkIsNoPartOfTheFirstLine) {
  const FolderForTest folder;
  write_bytes(folder / "a.txt", "\xEF\xBB\xBFone\n\xEF\xBB\xBFtwo\n");
  EXPECT_EQ(lines_of(folder / "a.txt"), (std::vector<std::string>{"one", "\xEF\xBB\xBFtwo"}));
}

TEST(LineReader, WhatIsNotUtf8IsRefusedWithTheCommandThatMakesItSo) {
  const FolderForTest folder;
  const auto read = [&](const char* name) { return lines_of(folder / name); };
  write_bytes(folder / "utf8.txt", "one\nna\xC3\xAFve\n");
  EXPECT_EQ(read("utf8.txt").back(), "na\xC3\xAFve");
  const std::string many(1U << 19, 'x');  // beyond the first buffer
  write_bytes(folder / "latin1.txt", many + "\nCaf\xE9\n");
  EXPECT_SAITHE_ERROR(read("latin1.txt"), ErrorKind::BadFormat,
                      "latin1.txt:2: is not text in UTF-8: its byte 4 is 0xE9. Write the file as "
                      "UTF-8: iconv -f WINDOWS-1252 -t UTF-8 \"");
  write_bytes(folder / "latin1.gz", gzip_bytes("Caf\xE9\n"));
  EXPECT_SAITHE_ERROR(read("latin1.gz"), ErrorKind::BadFormat, "| iconv -f WINDOWS-1252");
  write_bytes(folder / "utf16.txt", std::string_view("\xFF\xFE"
                                                     "a\0\n\0",
                                                     6));
  EXPECT_SAITHE_ERROR(read("utf16.txt"), ErrorKind::BadFormat, "iconv -f UTF-16");
  LineReader any(folder / "latin1.gz", LineReader::Encoding::Any);
  std::string_view line;
  ASSERT_TRUE(any.next(line));
  EXPECT_EQ(line, "Caf\xE9");
}

}  // namespace
}  // namespace saithe
