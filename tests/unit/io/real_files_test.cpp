// Real files of each format, with what other programs read from them.

#include <gtest/gtest.h>

#include <cstdlib>
#include <numeric>

#include "saithe/io/labels_file.h"
#include "saithe/io/open.h"
#include "support/folder_for_test.h"
#include "support/h5ad_digest.h"

namespace saithe {
namespace {

const Context kContext(2);

double total(const Dataset& cells) {
  return std::accumulate(cells.counts.values.begin(), cells.counts.values.end(), 0.0);
}

/// The folder of test data, or an empty path.
std::filesystem::path test_data() {
  const char* folder = std::getenv("SAITHE_TEST_DATA");
  return folder == nullptr ? "" : folder;
}

#define SKIP_WITHOUT_TEST_DATA() \
  if (test_data().empty()) GTEST_SKIP() << "SAITHE_TEST_DATA names no folder of test data"

TEST(RealFiles, TheBundledData) {
  const Dataset cells =
      read_dataset(std::filesystem::path(SAITHE_SOURCE_DIR) / "data" / "pbmc3k.h5ad", {}, kContext);
  EXPECT_EQ(cells.n_cells(), 2638);
  EXPECT_EQ(cells.n_genes(), 32738);
  EXPECT_EQ(cells.counts.n_stored(), 2238732);
  EXPECT_EQ(std::get<CategoryColumn>(*cells.obs().find("louvain")).levels.size(), 8U);
}

TEST(RealFiles, AllFormsOfPbmc3kAreTheSame) {
  SKIP_WITHOUT_TEST_DATA();
  const auto folder = test_data() / "pbmc3k";
  const Dataset h5ad = read_dataset(folder / "pbmc3k_raw.h5ad", {}, kContext);
  const Dataset mtx = read_dataset(folder / "filtered_gene_bc_matrices" / "hg19", {}, kContext);
  const Dataset bundled =
      read_dataset(std::filesystem::path(SAITHE_SOURCE_DIR) / "data" / "pbmc3k.h5ad", {}, kContext);
  EXPECT_EQ(h5ad.var().index(), mtx.var().index());
  EXPECT_EQ(h5ad.obs().index(), mtx.obs().index());
  EXPECT_EQ(h5ad.counts.row_start, mtx.counts.row_start);
  EXPECT_EQ(h5ad.counts.columns, mtx.counts.columns);
  EXPECT_EQ(h5ad.counts.values, mtx.counts.values);
  EXPECT_EQ(total(bundled), total(mtx));
  const LabelJoin join = join_labels(folder / "labels.tsv", mtx);
  EXPECT_EQ(join.cells.size(), 2638U);
  EXPECT_EQ(join.n_labels_without_cell, 0);
}

TEST(RealFiles, TenxFiles) {
  SKIP_WITHOUT_TEST_DATA();
  const auto folder = test_data() / "formats";
  const auto scanpy = folder / "scanpy_10x" / "10x_data";
  const Dataset v2 =
      read_dataset(scanpy / "1.2.0" / "filtered_gene_bc_matrices_h5.h5", {}, kContext);
  const Dataset v2_folder =
      read_dataset(scanpy / "1.2.0" / "filtered_gene_bc_matrices" / "hg19_chr21", {}, kContext);
  EXPECT_EQ(v2.counts.values, v2_folder.counts.values);
  EXPECT_EQ(v2.var().index(), v2_folder.var().index());
  const Dataset v3 = read_dataset(scanpy / "3.0.0" / "filtered_feature_bc_matrix.h5", {}, kContext);
  const Dataset v3_folder =
      read_dataset(scanpy / "3.0.0" / "filtered_feature_bc_matrix", {}, kContext);
  EXPECT_EQ(v3.counts.values, v3_folder.counts.values);
  EXPECT_EQ(v3.counts.columns, v3_folder.counts.columns);
  EXPECT_EQ(v3.var().index(), v3_folder.var().index());
  EXPECT_SAITHE_ERROR(open_source(scanpy / "1.2.0" / "multiple_genomes.h5", {}, kContext),
                      ErrorKind::BadFormat, "--genome");
  EXPECT_GT(total(read_dataset(scanpy / "1.2.0" / "multiple_genomes.h5", {"", false, "hg19_chr21"},
                               kContext)),
            0);
  EXPECT_GT(
      total(read_dataset(folder / "tenx_v2_h5" / "heart_1k_v2_filtered_gene_bc_matrices_h5.h5", {},
                         kContext)),
      0);
}

TEST(RealFiles, SparseByCellsByGenesAndDenseAreTheSame) {
  SKIP_WITHOUT_TEST_DATA();
  const auto folder = test_data() / "formats" / "tiledbsoma_pbmc_small";
  ReadOptions any;  // the values are z-scores
  any.any_values = true;
  const Dataset csr = read_dataset(folder / "pbmc-small-x-csr.h5ad", any, kContext);
  EXPECT_SAITHE_ERROR(open_source(folder / "pbmc-small-x-csr.h5ad", {}, kContext),
                      ErrorKind::BadFormat, "X holds z-scored values");
  for (const char* name : {"pbmc-small-x-csc.h5ad", "pbmc-small-x-dense.h5ad"}) {
    const Dataset other = read_dataset(folder / name, any, kContext);
    EXPECT_EQ(other.counts.row_start, csr.counts.row_start) << name;
    EXPECT_EQ(other.counts.columns, csr.counts.columns) << name;
    EXPECT_EQ(other.counts.values, csr.counts.values) << name;
  }
  const Dataset raw = read_dataset(folder / "pbmc-small.h5ad", {"", true, ""}, kContext);
  EXPECT_EQ(raw.n_cells(), 80);
  EXPECT_GT(raw.n_genes(), csr.n_genes());
  EXPECT_SAITHE_ERROR(open_source(folder / "x-none.h5ad", {}, kContext), ErrorKind::BadFormat,
                      "has no");
}

// Every matrix and table of every generation, as AnnData reads them.
TEST(RealFiles, H5adOfEveryGenerationIsReadAsAnnDataReadsIt) {
  SKIP_WITHOUT_TEST_DATA();
  const auto expected =
      testing::read_expected(std::string(SAITHE_TEST_FILES) + "/h5ad/real_files.tsv");
  EXPECT_EQ(expected.size(), 16U);
  for (const testing::ExpectedMatrix& line : expected) {
    ReadOptions options;
    options.any_values = true;
    options.use_raw = line.place == "raw";
    if (line.place != "raw" && line.place != "X") options.layer = line.place;
    const auto path = test_data() / "formats" / line.file;
    const Dataset cells = read_dataset(path, options, kContext);
    EXPECT_EQ(testing::table_digest(cells.obs()), line.table) << line.file;
    // No option names X: where raw holds what is used, X is not read.
    if (line.place == "X" && cells.n_genes() != line.n_genes) continue;
    if (line.file == "anndata_archives/v0.5.0/adata.h5ad" && line.place == "X") continue;
    EXPECT_EQ(cells.n_cells(), line.n_cells) << line.file;
    EXPECT_EQ(cells.n_genes(), line.n_genes) << line.file;
    EXPECT_EQ(testing::matrix_digest(cells.counts), line.matrix) << line.file << " " << line.place;
  }
}

TEST(RealFiles, WhatThePlacesOfRealFilesHold) {
  SKIP_WITHOUT_TEST_DATA();
  const auto folder = test_data() / "formats";
  const auto kinds = [&](const char* file) {
    std::string text;
    for (const PlaceSummary& place : inspect_file(folder / file, {}, kContext).places) {
      text += place.name + "=" + to_text(place.kind) + " ";
    }
    return text;
  };
  EXPECT_EQ(kinds("anndata_archives/v0.5.0/adata.h5ad"), "raw.X=log1p(CP10k) X=z-scored ");
  EXPECT_EQ(kinds("pollock/dummy_small_50x27131.h5ad"), "X=counts ");
  EXPECT_EQ(kinds("tiledbsoma_pbmc_small/pbmc-small.h5ad"), "raw/X=log1p(CP10k) X=z-scored ");
  EXPECT_EQ(kinds("tiledbsoma_pbmc_small/x-none.h5ad"), "");  // only tables
  EXPECT_EQ(inspect_file(folder / "tiledbsoma_pbmc_small" / "x-none.h5ad", {}, kContext).n_cells,
            2638);
}

}  // namespace
}  // namespace saithe
