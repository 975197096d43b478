// Text of every kind cut off anywhere: an Error or a valid object. Flipped bits:
// open_damage_test.cpp.

#include <gtest/gtest.h>

#include "saithe/core/text_io.h"
#include "saithe/io/open.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using testing::FolderForTest;

const Context kContext(1);

/// Reads what may be damaged; true if it was read.
bool survives(const std::filesystem::path& path) {
  try {
    const Dataset cells = read_dataset(path, {}, kContext);
    validate(cells.counts.view(), "read");
    EXPECT_EQ(cells.counts.n_rows, cells.n_cells());
    EXPECT_EQ(cells.counts.n_cols, cells.n_genes());
    return true;
  } catch (const Error& error) {
    EXPECT_TRUE(error.kind() == ErrorKind::BadFormat) << error.what();
    EXPECT_FALSE(testing::contains(error.what(), "\n"));
    return false;
  }
}

/// The text of a table of 12 genes x 8 cells.
std::string text_of(const std::string& kind) {
  std::string text;
  const auto value = [](int gene, int cell) { return (gene * 5 + cell * 3) % 7 % 4; };
  if (kind == "mtx") {
    std::string entries;
    int n = 0;
    for (int cell = 0; cell < 8; ++cell) {
      for (int gene = 0; gene < 12; ++gene) {
        if (value(gene, cell) == 0) continue;
        entries += fmt::format("{} {} {}\n", gene + 1, cell + 1, value(gene, cell));
        ++n;
      }
    }
    return fmt::format("%%MatrixMarket matrix coordinate integer general\n12 8 {}\n", n) + entries;
  }
  if (kind == "long") {
    text = "gene\tcell\tcount\n";
    for (int gene = 0; gene < 12; ++gene) {
      for (int cell = 0; cell < 8; ++cell) {
        text += fmt::format("RPL{}\tcell{}\t{}\n", gene, cell, value(gene, cell));
      }
    }
    return text;
  }
  for (int cell = 0; cell < 8; ++cell) text += fmt::format(",\"cell{}\"", cell);
  for (int gene = 0; gene < 12; ++gene) {
    text += fmt::format("\n\"RPL{}\"", gene);
    for (int cell = 0; cell < 8; ++cell) text += fmt::format(",{}", value(gene, cell));
  }
  return text + "\n";
}

TEST(TextDamage, EveryCut) {
  const FolderForTest folder;
  for (const char* kind : {"mtx", "long", "csv"}) {
    SCOPED_TRACE(kind);
    const std::string text = text_of(kind);
    testing::write_bytes(folder / "a", text);
    EXPECT_TRUE(survives(folder / "a"));
    for (std::size_t n = 0; n < text.size(); n += 7) {
      testing::write_bytes(folder / "a", text.substr(0, n));
      const bool is_read = survives(folder / "a");
      // Only the line of sizes shows that lines are missing.
      if (kind == std::string("mtx") && n + 2 < text.size()) {
        EXPECT_FALSE(is_read) << n;
      }
    }
    write_file(folder / "b.gz", text, true);
    const std::string packed = testing::read_bytes(folder / "b.gz");
    for (std::size_t n = 0; n < packed.size(); n += 5) {
      testing::write_bytes(folder / "a", packed.substr(0, n));
      EXPECT_FALSE(survives(folder / "a")) << n;
    }
  }
}

}  // namespace
}  // namespace saithe
