#include "saithe/io/labels_file.h"

#include <gtest/gtest.h>

#include "support/folder_for_test.h"

namespace saithe {
namespace {

using testing::FolderForTest;
using testing::write_bytes;

Dataset five_cells(std::vector<std::string> barcodes) {
  CsrMatrix counts;
  counts.n_rows = 5;
  counts.n_cols = 1;
  counts.row_start.assign(6, 0);
  return Dataset("cells.h5ad", std::move(counts), Table(std::move(barcodes)), Table({"gene"}));
}

const std::vector<std::string> kBarcodes = {"cell0", "cell1", "cell2", "cell3", "cell4"};

TEST(LabelsFile, JoinsByBarcodeInTheOrderOfTheFile) {
  const FolderForTest folder;
  write_bytes(folder / "l.tsv", "barcode\tcell_type\ncell3\tB\nother\tB\ncell1\tT cell\r\n");
  const LabelJoin join = join_labels(folder / "l.tsv", five_cells(kBarcodes));
  EXPECT_EQ(join.cells, (std::vector<CellIndex>{1, 3}));
  EXPECT_EQ(join.labels, (std::vector<std::string>{"T cell", "B"}));
  EXPECT_EQ(join.n_cells_without_label, 3);
  EXPECT_EQ(join.n_labels_without_cell, 1);
}

TEST(LabelsFile, ABarcodeWithoutALabelIsACellWithoutLabel) {
  const FolderForTest folder;
  write_bytes(folder / "l.tsv", "cell3\tB\ncell1\t\nother\t\n");
  const LabelJoin join = join_labels(folder / "l.tsv", five_cells(kBarcodes));
  EXPECT_EQ(join.cells, (std::vector<CellIndex>{3}));
  EXPECT_EQ(join.n_cells_without_label, 4);
  EXPECT_EQ(join.n_labels_without_cell, 1);
}

// As pandas writes a column of obs, and as people name the columns.
TEST(LabelsFile, AFirstLineMayNameTheColumns) {
  const FolderForTest folder;
  for (const char* first : {"\tlouvain", "Barcode\tlabel", "barcodes\tlabel", "CELL\ttype",
                            "cells\ttype", "cell_id\ttype", "index\tlouvain"}) {
    SCOPED_TRACE(first);
    write_bytes(folder / "l.tsv", std::string(first) + "\ncell3\tB\n");
    const LabelJoin join = join_labels(folder / "l.tsv", five_cells(kBarcodes));
    EXPECT_EQ(join.cells, (std::vector<CellIndex>{3}));
    EXPECT_EQ(join.n_labels_without_cell, 0);
  }
  write_bytes(folder / "l.tsv", "barcode_7\tB\ncell1\tB\n");  // a barcode of that beginning
  EXPECT_EQ(join_labels(folder / "l.tsv", five_cells(kBarcodes)).n_labels_without_cell, 1);
  write_bytes(folder / "l.tsv", "cell1\tB\ncell\tB\n");  // a name on a later line is a barcode
  EXPECT_EQ(join_labels(folder / "l.tsv", five_cells(kBarcodes)).n_labels_without_cell, 1);
}

TEST(LabelsFile, EveryMistakeIsNamed) {
  const FolderForTest folder;
  const Dataset cells = five_cells(kBarcodes);
  EXPECT_SAITHE_ERROR(join_labels(folder / "none.tsv", cells), ErrorKind::NotFound, "none.tsv");
  write_bytes(folder / "l.tsv", "cell1\tT\ncell2,B\n");
  EXPECT_SAITHE_ERROR(join_labels(folder / "l.tsv", cells), ErrorKind::BadFormat, "l.tsv:2");
  write_bytes(folder / "l.tsv", "\tlouvain\tbatch\ncell1\tT\t1\n");
  EXPECT_SAITHE_ERROR(join_labels(folder / "l.tsv", cells), ErrorKind::BadFormat,
                      "l.tsv:1: has 3 tab-separated columns; expected two");
  write_bytes(folder / "l.tsv", "cell1\tT\n\tB\n");
  EXPECT_SAITHE_ERROR(join_labels(folder / "l.tsv", cells), ErrorKind::BadFormat,
                      "l.tsv:2: the barcode of the label 'B' is empty");
  write_bytes(folder / "l.tsv", "cell1\tT\ncell1\tB\n");
  EXPECT_SAITHE_ERROR(join_labels(folder / "l.tsv", cells), ErrorKind::BadFormat, "on line 1");
  write_bytes(folder / "l.tsv", "x-1\tT\n");
  EXPECT_SAITHE_ERROR(join_labels(folder / "l.tsv", cells), ErrorKind::BadFormat, "none of its 1");
  write_bytes(folder / "l.tsv", "cell1\tT\ncell2\tH\xe4matopoetisch\n");  // Latin-1
  EXPECT_SAITHE_ERROR(join_labels(folder / "l.tsv", cells), ErrorKind::BadFormat,
                      "l.tsv:2: is not text in UTF-8: its byte 8 is 0xE4. Write the file as UTF-8: "
                      "iconv -f WINDOWS-1252 -t UTF-8 \"");
  const Dataset twice = five_cells({"cell0", "cell1", "cell1", "cell3", "cell4"});
  write_bytes(folder / "l.tsv", "cell1\tT\n");
  EXPECT_SAITHE_ERROR(join_labels(folder / "l.tsv", twice), ErrorKind::BadFormat, "stands twice");
}

}  // namespace
}  // namespace saithe
