#include <gtest/gtest.h>

#include "saithe/core/text_io.h"
#include "saithe/io/open.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using testing::FolderForTest;
using testing::write_bytes;

const Context kContext(1);
constexpr const char* kHeader = "%%MatrixMarket matrix coordinate integer general\n% a comment\n";

/// A v2 folder of 3 genes x 2 cells with the given text after the header.
void write_folder(const FolderForTest& folder, const std::string& rest,
                  const std::string& header = kHeader) {
  write_bytes(folder / "matrix.mtx", header + rest);
  write_bytes(folder / "genes.tsv", "E1\tA\nE2\tB\nE3\tA\n");
  write_bytes(folder / "barcodes.tsv", "c1\nc2\n");
}

TEST(MatrixMarket, ReadsAFolderOfTwoColumns) {
  const FolderForTest folder;
  write_folder(folder, "3 2 4\n3 1 5\n1 1 2\n2 2 1\n2 2 3\n");
  const Dataset cells = read_dataset(folder.path(), {}, kContext);
  EXPECT_EQ(cells.counts.row_start, (std::vector<RowPointer>{0, 2, 3}));
  EXPECT_EQ(cells.counts.columns, (std::vector<GeneIndex>{0, 2, 1}));
  EXPECT_EQ(cells.counts.values, (std::vector<float>{2, 5, 4}));  // an entry twice is summed
  EXPECT_EQ(cells.var().index(), (std::vector<std::string>{"A", "B", "A-1"}));
  EXPECT_EQ(cells.var().as_text("gene_ids"), (std::vector<std::string>{"E1", "E2", "E3"}));
  EXPECT_EQ(inspect_file(folder.path(), {}, kContext).format, "10x MTX folder v2");
}

TEST(MatrixMarket, AFileThatLiesThereTwiceIsWarnedOf) {
  const FolderForTest folder;
  write_folder(folder, "3 2 1\n3 1 5\n");
  write_file(folder / "matrix.mtx.gz", std::string(kHeader) + "3 2 1\n3 1 6\n", false);
  std::vector<std::string> warnings;
  Context listening(1);
  listening.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  EXPECT_EQ(read_dataset(folder.path(), {}, listening).counts.values, (std::vector<float>{5}));
  ASSERT_FALSE(warnings.empty());
  EXPECT_TRUE(testing::contains(warnings[0], "matrix.mtx: matrix.mtx.gz lies beside it"));
}

TEST(MatrixMarket, TwoTablesOfGenesAreWarnedOf) {
  const FolderForTest folder;
  write_bytes(folder / "s_matrix.mtx", std::string(kHeader) + "2 1 1\n1 1 5\n");
  write_bytes(folder / "s_barcodes.tsv", "c1\n");
  write_bytes(folder / "s_features.tsv", "E1\tA\tGene Expression\nE2\tB\tGene Expression\n");
  std::vector<std::string> warnings;
  Context listening(1);
  listening.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  read_dataset(folder.path(), {}, listening);
  const std::size_t n_others = warnings.size();
  warnings.clear();
  write_bytes(folder / "s_genes.tsv", "E1\tX\nE2\tY\n");
  write_file(folder / "s_genes.tsv.gz", "E1\tX\nE2\tY\n", false);
  EXPECT_EQ(read_dataset(folder.path(), {}, listening).var().index(),
            (std::vector<std::string>{"A", "B"}));
  ASSERT_EQ(warnings.size(), n_others + 2);
  EXPECT_TRUE(testing::contains(warnings[0], "s_features.tsv: s_genes.tsv lies beside it"));
  EXPECT_TRUE(testing::contains(warnings[1], "s_features.tsv: s_genes.tsv.gz lies beside it"));
  // So does a packed one.
  warnings.clear();
  std::filesystem::remove(folder / "s_genes.tsv.gz");
  write_file(folder / "s_features.tsv.gz", read_file(folder / "s_features.tsv", 1 << 20), false);
  std::filesystem::remove(folder / "s_features.tsv");
  read_dataset(folder.path(), {}, listening);
  ASSERT_EQ(warnings.size(), n_others + 1);
  EXPECT_TRUE(testing::contains(warnings[0], "s_features.tsv.gz: s_genes.tsv lies beside it"));
}

TEST(MatrixMarket, APackedTwiceMatrixIsToldHowToUnpack) {
  const FolderForTest folder;
  write_folder(folder, "3 2 1\n3 1 5\n");
  std::filesystem::remove(folder / "matrix.mtx");
  write_file(folder / "once.gz", std::string(kHeader) + "3 2 1\n3 1 5\n", false);
  write_file(folder / "matrix.mtx.gz", read_file(folder / "once.gz", 1 << 20), false);
  EXPECT_SAITHE_ERROR(open_source(folder.path(), {}, kContext), ErrorKind::BadFormat,
                      "is packed twice. Unpack it once: gunzip -k \"");
}

TEST(MatrixMarket, OnlyGeneExpressionIsKept) {
  const FolderForTest folder;
  write_bytes(folder / "matrix.mtx", std::string(kHeader) + "3 2 3\n1 1 2\n2 1 9\n3 2 4\n");
  write_bytes(folder / "features.tsv",
              "E1\tA\tGene Expression\nP\tCD3\tAntibody Capture\nE3\tC\tGene Expression\n");
  write_bytes(folder / "barcodes.tsv", "c1\nc2\n");
  const Dataset cells = read_dataset(folder.path(), {}, kContext);
  EXPECT_EQ(cells.var().index(), (std::vector<std::string>{"A", "C"}));
  EXPECT_EQ(cells.counts.values, (std::vector<float>{2, 4}));
  EXPECT_EQ(inspect_file(folder.path(), {}, kContext).format, "10x MTX folder v3");
}

TEST(MatrixMarket, PrefixesAsOnGeo) {
  const FolderForTest folder;
  const std::string matrix = std::string(kHeader) + "3 2 2\n1 1 2\n3 2 4\n";
  write_file(folder / "GSM1_s1_matrix.mtx.gz", matrix, false);
  write_file(folder / "GSM1_s1_features.tsv.gz",
             "E1\tA\tGene Expression\nE2\tB\tGene Expression\nE3\tC\tGene Expression\n", false);
  write_file(folder / "GSM1_s1_barcodes.tsv.gz", "c1\nc2\n", false);
  const Dataset cells = read_dataset(folder.path(), {}, kContext);
  EXPECT_EQ(cells.counts.values, (std::vector<float>{2, 4}));
  EXPECT_EQ(cells.var().index(), (std::vector<std::string>{"A", "B", "C"}));
  EXPECT_EQ(inspect_file(folder.path(), {}, kContext).format, "10x MTX with a prefix v3");
  // The path of the matrix itself does as well, and chooses among several.
  EXPECT_EQ(read_dataset(folder / "GSM1_s1_matrix.mtx.gz", {}, kContext).counts.values,
            cells.counts.values);
  write_bytes(folder / "GSM2_matrix.mtx", std::string(kHeader) + "3 1 1\n1 1 9\n");
  write_bytes(folder / "GSM2_genes.tsv", "E1\tA\nE2\tB\nE3\tC\n");
  EXPECT_SAITHE_ERROR(open_source(folder.path(), {}, kContext), ErrorKind::BadFormat,
                      "several matrices (GSM1_s1_matrix.mtx.gz, GSM2_matrix.mtx)");
  EXPECT_SAITHE_ERROR(open_source(folder / "GSM2_matrix.mtx", {}, kContext), ErrorKind::NotFound,
                      "there is no barcodes.tsv");
  write_bytes(folder / "GSM2_barcodes.tsv", "c9\n");
  EXPECT_EQ(read_dataset(folder / "GSM2_matrix.mtx", {}, kContext).counts.values,
            (std::vector<float>{9}));
}

TEST(MatrixMarket, CellsByGenesIsToldByTheTables) {
  const FolderForTest folder;
  write_folder(folder, "2 3 3\n1 1 2\n1 3 5\n2 2 4\n");
  const Dataset cells = read_dataset(folder.path(), {}, kContext);
  EXPECT_EQ(cells.counts.row_start, (std::vector<RowPointer>{0, 2, 3}));
  EXPECT_EQ(cells.counts.columns, (std::vector<GeneIndex>{0, 2, 1}));
  EXPECT_EQ(cells.counts.values, (std::vector<float>{2, 5, 4}));
  ReadOptions options;
  options.cells_in = CellsIn::Columns;
  EXPECT_SAITHE_ERROR(open_source(folder.path(), options, kContext), ErrorKind::BadFormat,
                      "--cells-in columns cannot be");
}

TEST(MatrixMarket, AsManyCellsAsGenes) {
  const FolderForTest folder;
  const std::string square = std::string(kHeader) + "2 2 1\n1 2 7\n";
  // 10x's names say that genes are in rows, kallisto | bustools' that cells are.
  write_bytes(folder / "matrix.mtx", square);
  write_bytes(folder / "genes.tsv", "E1\tA\nE2\tB\n");
  write_bytes(folder / "barcodes.tsv", "c1\nc2\n");
  EXPECT_EQ(read_dataset(folder.path(), {}, kContext).counts.row_start,
            (std::vector<RowPointer>{0, 0, 1}));
  ReadOptions options;
  options.cells_in = CellsIn::Rows;
  EXPECT_EQ(read_dataset(folder.path(), options, kContext).counts.row_start,
            (std::vector<RowPointer>{0, 1, 1}));
  write_bytes(folder / "cells_x_genes.mtx", square);
  write_bytes(folder / "cells_x_genes.genes.txt", "E1\nE2\n");
  write_bytes(folder / "cells_x_genes.barcodes.txt", "c1\nc2\n");
  EXPECT_EQ(read_dataset(folder / "cells_x_genes.mtx", {}, kContext).counts.row_start,
            (std::vector<RowPointer>{0, 1, 1}));
  // Any other name says nothing.
  write_bytes(folder / "counts.mtx", square);
  EXPECT_SAITHE_ERROR(open_source(folder / "counts.mtx", {}, kContext), ErrorKind::BadFormat,
                      "--cells-in rows or --cells-in columns");
  EXPECT_EQ(read_dataset(folder / "counts.mtx", options, kContext).counts.row_start,
            (std::vector<RowPointer>{0, 1, 1}));
}

TEST(MatrixMarket, TablesOfCommasBesideACountMatrix) {
  const FolderForTest folder;
  write_bytes(folder / "GSM1_counts.mtx", std::string(kHeader) + "3 2 2\n1 1 2\n3 2 4\n");
  write_bytes(folder / "GSM1_genes.csv", "E1,\"A\"\nE2,B\nE3,C\n");
  write_bytes(folder / "GSM1_barcodes.csv", "\"c1\"\nc2\n");
  const Dataset cells = read_dataset(folder.path(), {}, kContext);
  EXPECT_EQ(cells.var().index(), (std::vector<std::string>{"A", "B", "C"}));
  EXPECT_EQ(cells.obs().index(), (std::vector<std::string>{"c1", "c2"}));
  EXPECT_EQ(cells.counts.values, (std::vector<float>{2, 4}));
}

TEST(MatrixMarket, AMatrixAloneIsNumbered) {
  const FolderForTest folder;
  write_bytes(folder / "counts.mtx", std::string(kHeader) + "3 2 2\n1 1 2\n3 2 4\n");
  std::vector<std::string> warnings;
  Context listening(1);
  listening.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  const Dataset cells = read_dataset(folder / "counts.mtx", {}, listening);
  EXPECT_EQ(cells.obs().index(), (std::vector<std::string>{"cell_1", "cell_2"}));
  EXPECT_EQ(cells.var().index(), (std::vector<std::string>{"gene_1", "gene_2", "gene_3"}));
  EXPECT_EQ(cells.counts.columns, (std::vector<GeneIndex>{0, 2}));
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(testing::contains(warnings[0], "its rows are taken as genes"));
  ReadOptions options;
  options.cells_in = CellsIn::Rows;
  EXPECT_EQ(read_dataset(folder / "counts.mtx", options, kContext).n_cells(), 3);
  EXPECT_EQ(read_dataset(folder.path(), {}, kContext).n_cells(), 2);
  write_bytes(folder / "counts.mtx", std::string(kHeader) + "3 999999999999999 1\n1 1 2\n");
  EXPECT_SAITHE_ERROR(open_source(folder / "counts.mtx", {}, kContext), ErrorKind::BadFormat,
                      "with only 1 entries");
}

TEST(MatrixMarket, ErrorsNameTheLine) {
  const FolderForTest folder;
  struct Case {
    const char* rest;
    const char* part;
  };
  const std::vector<Case> cases = {
      {"3 2 2\n4 1 1\n1 1 1\n", "matrix.mtx:4: the entry (4, 1) lies outside the matrix of 3 x 2"},
      {"3 2 2\n1 3 1\n1 1 1\n", "matrix.mtx:4: the entry (1, 3)"},
      {"3 2 2\n0 1 1\n1 1 1\n", "matrix.mtx:4: the entry (0, 1)"},
      {"3 2 3\n1 1 1\n2 1 1\n", "ends after 2 of 3 entries"},
      {"3 2 1\n1 1 1\n2 1 1\n", "matrix.mtx:5: has more entries than the 1"},
      {"3 2 1\n1 1 x\n", "matrix.mtx:4: '1 1 x' is not 'row column value'"},
      {"3 2 1\n1 1\n", "matrix.mtx:4"},
      {"3 2\n", "matrix.mtx:3: '3 2' is not the three sizes"},
      {"3 5 1\n1 1 1\n", "barcodes.tsv has 2 barcodes"},
      {"", "ends before its sizes"},
  };
  for (const Case& c : cases) {
    write_folder(folder, c.rest);
    EXPECT_SAITHE_ERROR(read_dataset(folder.path(), {}, kContext), ErrorKind::BadFormat, c.part);
  }
  for (const char* header : {"%%MatrixMarket matrix array real general\n", "3 2 1\n", "",
                             "%%MatrixMarket matrix coordinate pattern general\n"}) {
    write_folder(folder, header[0] == '\0' ? "" : "3 2 1\n1 1 1\n", header);
    EXPECT_SAITHE_ERROR(read_dataset(folder.path(), {}, kContext), ErrorKind::BadFormat,
                        "matrix.mtx");
  }
}

TEST(MatrixMarket, MissingFilesAndRepeatedIds) {
  const FolderForTest folder;
  EXPECT_SAITHE_ERROR(open_source(folder.path(), {}, kContext), ErrorKind::NotFound, "matrix.mtx");
  write_folder(folder, "3 2 1\n1 1 1\n");
  write_bytes(folder / "genes.tsv", "E1\tA\nE2\tB\nE1\tC\n");
  EXPECT_SAITHE_ERROR(open_source(folder.path(), {}, kContext), ErrorKind::BadFormat,
                      "'E1' stands twice");
  EXPECT_SAITHE_ERROR(open_source(folder.path(), {"counts", false, ""}, kContext),
                      ErrorKind::InvalidArgument, "--layer");
}

// R's write.table sets quotes, editors on Windows a byte-order mark: Scanpy's reader drops both.
TEST(MatrixMarket, QuotesAndByteOrderMarksAreNoPartsOfNames) {
  const FolderForTest folder;
  write_folder(folder, "3 2 1\n1 1 2\n");
  write_bytes(folder / "genes.tsv",
              "\xEF\xBB\xBF\"E1\"\t\"A\"\n\"E2\"\t\"B \"\"b\"\"\"\nE3\tC 5'\n");
  write_bytes(folder / "barcodes.tsv", "\xEF\xBB\xBF\"c1\"\nc2\n");
  const Dataset cells = read_dataset(folder.path(), {}, kContext);
  EXPECT_EQ(cells.var().index(), (std::vector<std::string>{"A", "B \"b\"", "C 5'"}));
  EXPECT_EQ(cells.var().as_text("gene_ids"), (std::vector<std::string>{"E1", "E2", "E3"}));
  EXPECT_EQ(cells.obs().index(), (std::vector<std::string>{"c1", "c2"}));
  write_bytes(folder / "barcodes.tsv", "c1\n\"c2\n");
  EXPECT_SAITHE_ERROR(open_source(folder.path(), {}, kContext), ErrorKind::BadFormat,
                      "barcodes.tsv:2: a quote");
}

TEST(MatrixMarket, NamesThatAreNotUtf8AreRefusedCommentsAreNot) {
  const FolderForTest folder;
  write_folder(folder, "% Jos\xE9\n3 2 1\n1 1 2\n");
  EXPECT_EQ(open_source(folder.path(), {}, kContext)->n_cells(), 2);
  write_bytes(folder / "barcodes.tsv", "c1\nc\xE9\n");
  EXPECT_SAITHE_ERROR(open_source(folder.path(), {}, kContext), ErrorKind::BadFormat,
                      "barcodes.tsv:2: is not text in UTF-8");
}

TEST(MatrixMarket, SplitPipeHasCellsInRows) {
  const FolderForTest folder;
  const std::string matrix = std::string(kHeader) + "2 2 2\n1 2 5\n2 1 3\n";  // square: by its name
  write_bytes(folder / "GSM1_DGE.mtx", matrix);
  write_bytes(folder / "GSM1_all_genes.csv", "gene_id,gene_name,genome\nE1,A,hg38\nE2,,hg38\n");
  EXPECT_SAITHE_ERROR(open_source(folder.path(), {}, kContext), ErrorKind::NotFound,
                      "there is no GSM1_cell_metadata.csv beside it");
  write_bytes(folder / "GSM1_cell_metadata.csv",
              "bc_wells,sample,tscp_count\n01_01_01,\"s,1\",7\n01_01_02,s2,8\n");
  const Dataset cells = read_dataset(folder.path(), {}, kContext);
  EXPECT_EQ(cells.obs().index(), (std::vector<std::string>{"01_01_01", "01_01_02"}));
  EXPECT_EQ(cells.obs().as_text("sample"), (std::vector<std::string>{"s,1", "s2"}));
  EXPECT_EQ(cells.var().index(), (std::vector<std::string>{"A", "E2"}));
  EXPECT_EQ(cells.var().as_text("gene_ids"), (std::vector<std::string>{"E1", "E2"}));
  EXPECT_EQ(cells.var().as_text("genome"), (std::vector<std::string>{"hg38", "hg38"}));
  EXPECT_EQ(cells.counts.columns, (std::vector<GeneIndex>{1, 0}));
  EXPECT_EQ(cells.counts.values, (std::vector<float>{5, 3}));
  EXPECT_EQ(inspect_file(folder.path(), {}, kContext).format, "MTX of split-pipe (Parse)");
}

TEST(MatrixMarket, ErrorsSayWhatToDo) {
  const FolderForTest folder;
  write_folder(folder, "3 2 1\n1 1 2\n");
  EXPECT_EQ(inspect_file(folder / "matrix.mtx", {}, kContext).format, "10x MTX v2");
  write_bytes(folder / "genes.tsv", "id\tname\nE1\tA\nE2\tB\nE3\tA\n");
  EXPECT_SAITHE_ERROR(open_source(folder.path(), {}, kContext), ErrorKind::BadFormat,
                      "has 4 features and barcodes.tsv has 2 barcodes. One more than there are: if "
                      "a table begins with a line of names of columns, remove that line");
  write_bytes(folder / "genes.tsv", "E1\tA\n");
  EXPECT_SAITHE_ERROR(open_source(folder.path(), {}, kContext), ErrorKind::BadFormat,
                      "Take the three files of one run");
  write_folder(folder, "3 2 1\n1 1\n", "%%MatrixMarket matrix coordinate pattern general\n");
  EXPECT_SAITHE_ERROR(open_source(folder.path(), {}, kContext), ErrorKind::BadFormat,
                      "is a matrix 'coordinate pattern general'; only coordinate, integer or real, "
                      "general is read. Write it so");
}

}  // namespace
}  // namespace saithe
