// A text is the same file whatever the pieces that it comes in, plain or packed.

#include "saithe/core/text_output.h"

#include <gtest/gtest.h>

#include "saithe/core/error.h"
#include "saithe/core/text_io.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using testing::FolderForTest;
using testing::read_bytes;

std::string lines(std::size_t n) {
  std::string text;
  for (std::size_t i = 0; i < n; ++i) text += "line " + std::to_string(i * i % 7919) + "\n";
  return text;
}

void write_pieces(const std::filesystem::path& path, const std::string& text, std::size_t size) {
  write_text(path, false, [&](const PutText& put) {
    for (std::size_t at = 0; at < text.size(); at += size) put(text.substr(at, size));
  });
}

TEST(WriteText, PiecesOfAnySizeGiveTheSameBytes) {
  const FolderForTest folder;
  constexpr std::size_t kMebibyte = std::size_t{1} << 20;
  for (const std::size_t n : {std::size_t{0}, std::size_t{5}, kMebibyte, 2 * kMebibyte + 17}) {
    const std::string text = lines(300'000).substr(0, n);
    for (const char* ending : {".tsv", ".tsv.gz"}) {
      const std::string name = std::to_string(n);
      write_file(folder / (name + "whole" + ending), text, false);
      const std::string whole = read_bytes(folder / (name + "whole" + ending));
      for (const std::size_t size : {std::size_t{1000}, kMebibyte, 3 * kMebibyte}) {
        const auto path = folder / (name + "x" + std::to_string(size) + ending);
        write_pieces(path, text, size);
        EXPECT_TRUE(read_bytes(path) == whole) << path;
        EXPECT_TRUE(read_head(path, 4 * kMebibyte) == text) << path;
      }
    }
  }
}

TEST(WriteText, NothingIsLeftWhereTheTextFails) {
  const FolderForTest folder;
  EXPECT_SAITHE_ERROR(write_text(folder / "a.tsv", false,
                                 [](const PutText& put) {
                                   put("begun");
                                   fail(ErrorKind::Cancelled, "stopped");
                                 }),
                      ErrorKind::Cancelled, "stopped");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace saithe
