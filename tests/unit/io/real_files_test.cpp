// Real files of each format, with what other programs read from them.

#include <gtest/gtest.h>

#include <cstdlib>
#include <numeric>

#include "saithe/io/labels_file.h"
#include "saithe/io/open.h"
#include "support/folder_for_test.h"

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
  const Dataset csr = read_dataset(folder / "pbmc-small-x-csr.h5ad", {}, kContext);
  for (const char* name : {"pbmc-small-x-csc.h5ad", "pbmc-small-x-dense.h5ad", "pbmc-small.h5ad"}) {
    const Dataset other = read_dataset(folder / name, {}, kContext);
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

TEST(RealFiles, OlderGenerationsAreNamed) {
  SKIP_WITHOUT_TEST_DATA();
  const auto folder = test_data() / "formats" / "anndata_archives";
  EXPECT_SAITHE_ERROR(open_source(folder / "v0.5.0" / "adata.h5ad", {}, kContext),
                      ErrorKind::BadFormat, "AnnData 0.6 or earlier");
  for (const char* version : {"v0.7.0", "v0.7.8"}) {
    EXPECT_SAITHE_ERROR(open_source(folder / version / "adata.h5ad", {}, kContext),
                        ErrorKind::BadFormat, "AnnData 0.7");
  }
}

}  // namespace
}  // namespace saithe
