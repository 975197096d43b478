#include "saithe/io/mtx_tables.h"

#include <gtest/gtest.h>

#include "support/folder_for_test.h"

namespace saithe {
namespace {

using io::find_mtx_paths;
using io::MtxPaths;
using testing::FolderForTest;
using testing::write_bytes;

std::string names_of(const MtxPaths& paths) {
  return paths.genes.filename().string() + " " + paths.cells.filename().string();
}

TEST(MtxTables, NamesAsPeopleSendThemToGeo) {
  struct Case {
    const char* matrix;
    const char* genes;
    const char* cells;
  };
  const Case cases[] = {
      {"GSM1_counts.mtx.gz", "GSM1_features.tsv.gz", "GSM1_barcodes.tsv.gz"},
      {"GSE1_raw_counts.mtx", "GSE1_genes.tsv", "GSE1_barcodes.tsv.gz"},
      {"GSM1_Matrix.mtx.gz", "GSM1_Genes.tsv.gz", "GSM1_Barcodes.tsv.gz"},
      {"GSM1_matrix.mtx.gz", "GSM1_genes.txt.gz", "GSM1_barcodes.txt.gz"},
      {"GSM1_matrix.mtx", "GSM1_genes.csv", "GSM1_barcodes.csv.gz"},
      {"GSM1_filtered_matrix.mtx.gz", "GSM1_features.tsv.gz", "GSM1_barcodes.tsv.gz"},
      {"GSM1-s-counts.mtx", "GSM1-s-gene_names.txt", "GSM1-s-cell_names.txt"},
      {"s.counts.mtx", "s.genes.tsv", "s.cells.tsv"},
      {"GSM1_counts.mtx", "features.tsv", "barcodes.tsv"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.matrix);
    const FolderForTest folder;
    for (const char* name : {c.matrix, c.genes, c.cells}) write_bytes(folder / name, "a\n");
    for (const bool is_folder : {true, false}) {
      const MtxPaths paths =
          find_mtx_paths(is_folder ? folder.path() : folder / c.matrix, is_folder);
      EXPECT_EQ(paths.matrix, folder / c.matrix);
      EXPECT_EQ(paths.genes, folder / c.genes);
      EXPECT_EQ(paths.cells, folder / c.cells);
    }
    EXPECT_EQ(io::mtx_places(folder.path()).at(2), folder / c.cells);
  }
}

TEST(MtxTables, TheLongestCommonBeginningCounts) {
  const FolderForTest folder;
  for (const char* name :
       {"GSM1_a_counts.mtx", "GSM1_a_genes.tsv", "GSM1_a_cells.tsv", "GSM1_genes.tsv",
        "GSM1_barcodes.tsv", "genes.tsv", "GSM1_b_counts.mtx", "GSM10_counts.mtx"}) {
    write_bytes(folder / name, "a\n");
  }
  EXPECT_EQ(names_of(find_mtx_paths(folder / "GSM1_a_counts.mtx", false)),
            "GSM1_a_genes.tsv GSM1_a_cells.tsv");
  EXPECT_EQ(names_of(find_mtx_paths(folder / "GSM1_b_counts.mtx", false)),
            "GSM1_genes.tsv GSM1_barcodes.tsv");
  // GSM1 is no part of GSM10, and a table of genes alone is half of two.
  EXPECT_SAITHE_ERROR(find_mtx_paths(folder / "GSM10_counts.mtx", false), ErrorKind::NotFound,
                      "there is no barcodes.tsv");
  std::filesystem::remove(folder / "genes.tsv");
  EXPECT_EQ(names_of(find_mtx_paths(folder / "GSM10_counts.mtx", false)), " ");
  write_bytes(folder / "GSM1_b_features.tsv", "a\n");  // its cells are missing
  EXPECT_EQ(names_of(find_mtx_paths(folder / "GSM1_b_counts.mtx", false)),
            "GSM1_genes.tsv GSM1_barcodes.tsv");
  write_bytes(folder / "GSM1_features.tsv", "a\n");  // before genes.tsv, as of Cell Ranger 3
  EXPECT_EQ(names_of(find_mtx_paths(folder / "GSM1_b_counts.mtx", false)),
            "GSM1_features.tsv GSM1_barcodes.tsv");
  int n_warnings = 0;
  Context listening(1);
  listening.on_warning = [&](const std::string&) { ++n_warnings; };
  io::warn_of_mtx_twins(find_mtx_paths(folder / "GSM1_b_counts.mtx", false), listening);
  EXPECT_EQ(n_warnings, 1);  // of GSM1_genes.tsv
}

TEST(MtxTables, AreNamedByTheirLayout) {
  const FolderForTest folder;
  write_bytes(folder / "GSM1_counts.mtx", "a\n");
  EXPECT_EQ(io::name_mtx_layout(folder.path(), true), "MTX file without tables");
  write_bytes(folder / "GSM1_genes.txt", "a\n");
  write_bytes(folder / "GSM1_barcodes.txt", "a\n");
  EXPECT_EQ(io::name_mtx_layout(folder.path(), true), "MTX with tables");
  EXPECT_EQ(io::name_mtx_layout(folder / "GSM1_counts.mtx", false), "MTX with tables");
}

TEST(MtxTables, AFolderNamesThoseInItThatHoldAMatrix) {
  const FolderForTest folder;
  EXPECT_SAITHE_ERROR(find_mtx_paths(folder.path(), true), ErrorKind::NotFound,
                      "has no matrix.mtx");
  for (const char* genome : {"mm10", "hg19", "empty"}) {
    std::filesystem::create_directory(folder / genome);
  }
  EXPECT_SAITHE_ERROR(find_mtx_paths(folder.path(), true), ErrorKind::NotFound,
                      "has no matrix.mtx");
  testing::write_bytes(folder / "mm10/matrix.mtx", "");
  testing::write_bytes(folder / "hg19/matrix.mtx.gz", "");
  testing::write_bytes(folder / "notes.txt", "");
  EXPECT_SAITHE_ERROR(
      find_mtx_paths(folder.path(), true), ErrorKind::NotFound,
      "name one in it: '" + (folder / "hg19").string() + "', '" + (folder / "mm10").string() + "'");
}

}  // namespace
}  // namespace saithe
