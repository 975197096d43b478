// Text and sparse files of every kind, cut off or with flipped bits: an Error or a valid object.

#include <gtest/gtest.h>

#include "saithe/core/random.h"
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

TEST(TextDamage, FlippedBits) {
  const FolderForTest folder;
  const Random random(9, 0);
  std::uint64_t i = 0;
  for (const char* kind : {"mtx", "long", "csv"}) {
    SCOPED_TRACE(kind);
    write_file(folder / "whole.gz", text_of(kind), true);
    for (const std::string& bytes : {text_of(kind), testing::read_bytes(folder / "whole.gz")}) {
      for (std::uint64_t round = 0; round < 300; ++round) {
        std::string damaged = bytes;
        for (std::uint64_t flip = 0; flip < 1 + round % 4; ++flip) {
          const std::uint64_t bit = random.below(i++, bytes.size() * 8);
          damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
        }
        testing::write_bytes(folder / "a", damaged);
        survives(folder / "a");
      }
    }
  }
}

}  // namespace
}  // namespace saithe
