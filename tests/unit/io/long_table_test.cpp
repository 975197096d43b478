#include "saithe/io/long_table.h"

#include <gtest/gtest.h>

#include "saithe/io/open.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using testing::FolderForTest;
using testing::write_bytes;

const Context kContext(1);

Dataset read(const std::string& text) {
  const FolderForTest folder;
  write_bytes(folder / "a.tsv", text);
  return read_dataset(folder / "a.tsv", {}, kContext);
}

TEST(LongTable, IsSortedAndSummed) {
  const Dataset cells =
      read("gene\tcell\tcount\nB\tTT\t3\nA\tTT\t1\nB\tAA\t4\nB\tTT\t2\nC\tAA\t0\n");
  EXPECT_EQ(cells.obs().index(), (std::vector<std::string>{"AA", "TT"}));
  EXPECT_EQ(cells.var().index(), (std::vector<std::string>{"A", "B", "C"}));
  EXPECT_EQ(cells.counts.row_start, (std::vector<RowPointer>{0, 1, 3}));
  EXPECT_EQ(cells.counts.columns, (std::vector<GeneIndex>{1, 0, 1}));
  EXPECT_EQ(cells.counts.values, (std::vector<float>{4, 1, 5}));
  // Cells may be called by numbers.
  EXPECT_EQ(read("Gene,Cell,Count\nA,2,3\nA,1,4\n").obs().index(),
            (std::vector<std::string>{"1", "2"}));
}

TEST(LongTable, MemoryBoundsWhatIsKeptAndNotWhatIsRead) {
  // By genes, as UMI-tools writes it, and more entries than a small memory holds at once.
  constexpr int kCells = 700;
  constexpr int kGenes = 90;
  std::string text = "gene\tcell\tcount\n";
  for (int gene = 0; gene < kGenes; ++gene) {
    for (int cell = 0; cell < kCells; ++cell) {
      if ((cell * 7 + gene * 5) % 3 == 0) continue;
      text += fmt::format("g{}\tc{}\t{}\n", gene * 37 % kGenes, cell * 11 % kCells,
                          1 + (cell + gene) % 400);
    }
  }
  const FolderForTest folder;
  write_bytes(folder / "a.tsv", text);
  const Dataset all = read_dataset(folder / "a.tsv", {}, kContext);
  ASSERT_EQ(all.n_cells(), kCells);
  ASSERT_EQ(all.obs().index()[1], "c1");
  ASSERT_EQ(all.obs().index()[2], "c10");
  Context little(2);
  little.max_memory = 65536;
  const Dataset parts = read_dataset(folder / "a.tsv", {}, little);
  EXPECT_EQ(parts.obs().index(), all.obs().index());
  EXPECT_EQ(parts.var().index(), all.var().index());
  EXPECT_EQ(parts.counts.row_start, all.counts.row_start);
  EXPECT_EQ(parts.counts.columns, all.counts.columns);
  EXPECT_EQ(parts.counts.values, all.counts.values);
}

TEST(LongTable, ErrorsNameTheLine) {
  EXPECT_SAITHE_ERROR(read("gene\tcell\tcount\nA\tx\t1\nA\ty\tmany\n"), ErrorKind::BadFormat,
                      "a.tsv:3: column 3 ('count'): 'many'");
  EXPECT_SAITHE_ERROR(read("gene\tcell\tcount\nA\tx\t1\nA\ty\n"), ErrorKind::BadFormat,
                      "a.tsv:3: has 2 fields; expected 3, among them gene");
}

TEST(LongTable, ColumnsInAnyOrder) {
  for (const char* text : {"count\tgene\tcell\n3\tB\tc2\n1\tA\tc1\n2\tA\tc2\n",
                           "barcode,gene_id,counts\nc2,B,3\nc1,A,1\nc2,A,2\n",
                           "cell,umi,symbol\nc2,3,B\nc1,1,A\nc2,2,A\n",
                           "\"\",\"gene\",\"cell\",\"count\"\n\"1\",\"B\",\"c2\",3\n"
                           "\"2\",\"A\",\"c1\",1\n\"3\",\"A\",\"c2\",2\n"}) {
    const Dataset cells = read(text);
    EXPECT_EQ(cells.obs().index(), (std::vector<std::string>{"c1", "c2"})) << text;
    EXPECT_EQ(cells.var().index(), (std::vector<std::string>{"A", "B"})) << text;
    EXPECT_EQ(cells.counts.values, (std::vector<float>{1, 2, 3})) << text;
  }
  EXPECT_SAITHE_ERROR(read("cell,umi,symbol\nc2,3,B\nc1,x,A\n"), ErrorKind::BadFormat,
                      "a.tsv:3: column 2 ('umi'): 'x' is not a number");
}

TEST(LongTable, OtherColumnsBesideThemAreRefused) {
  for (const char* text : {"gene\tgene_id\tcell\tcount\nA\tE1\tc1\t1\nB\tE2\tc2\t2\n",
                           "barcode,umi,gene,count\nc1,AC,A,1\nc2,AG,B,2\n",
                           "gene\tcell\theight\nA\tc1\t1\nB\tc2\t2\n"}) {
    EXPECT_SAITHE_ERROR(read(text), ErrorKind::BadFormat,
                        "has a line for each gene and cell, and columns beside them (");
  }
  // A wide table with a text of each row.
  EXPECT_EQ(read("gene\tsymbol\tcell1\tcell2\tcell3\nE1\tA\t1\t0\t2\n").n_cells(), 3);
}

TEST(LongTable, IsToldByItsNames) {
  io::TableStart start;
  start.corner = "gene";
  start.names = {"cell", "count"};
  EXPECT_TRUE(io::find_long_columns(start).has_value());
  start.names = {"cell", "height"};
  EXPECT_FALSE(io::find_long_columns(start).has_value());
  start.names = {"cell", "gene_id"};  // a gene twice, no count
  EXPECT_FALSE(io::find_long_columns(start).has_value());
  start.names = {"cell", "count", "x"};
  EXPECT_FALSE(io::find_long_columns(start).has_value());
  start.corner = "";
  EXPECT_FALSE(io::find_long_columns(start).has_value());
}

TEST(LongTable, EveryGeneAndCellHasAName) {
  EXPECT_SAITHE_ERROR(read("gene\tcell\tcount\nA\tTT\t1\n\tTT\t2\n"), ErrorKind::BadFormat,
                      "a.tsv:3: the name of the gene is missing. Add it, or remove the line.");
  EXPECT_SAITHE_ERROR(read("gene,cell,count\nA,\" \",1\nB,TT,2\n"), ErrorKind::BadFormat,
                      "a.tsv:2: the name of the cell is missing");
  EXPECT_SAITHE_ERROR(read("gene,cell,count\n,,0\nB,TT,2\n"), ErrorKind::BadFormat,
                      "a.tsv:2: the name of the gene is missing");
  EXPECT_SAITHE_ERROR(read("gene,cell,count\nB,TT,2\nNA,TT,1\n"), ErrorKind::BadFormat,
                      "a.tsv:3: the name of the gene is missing (NA)");
}

}  // namespace
}  // namespace saithe
