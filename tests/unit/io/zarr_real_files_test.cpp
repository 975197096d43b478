// Real Zarr stores of older generations, with what AnnData 0.12.19 (and zarr-python 3.1.6, for the
// store of AnnData 0.6, which AnnData no longer reads) reads of them.

#include <gtest/gtest.h>

#include <cstdlib>
#include <numeric>

#include "saithe/io/open.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

const Context kContext(2);

std::filesystem::path formats() {
  const char* folder = std::getenv("SAITHE_TEST_DATA");
  return folder == nullptr ? "" : std::filesystem::path(folder) / "formats";
}

#define SKIP_WITHOUT_TEST_DATA() \
  if (formats().empty()) GTEST_SKIP() << "SAITHE_TEST_DATA names no folder of test data"

double total(const Dataset& cells) {
  return std::accumulate(cells.counts.values.begin(), cells.counts.values.end(), 0.0);
}

TEST(RealZarr, AnnData07) {
  SKIP_WITHOUT_TEST_DATA();
  struct Expected {
    const char* version;
    RowPointer n_stored;
    double total;
    std::vector<std::string> first_row;  // obs_cat, cat_ordered, int64, uint8
  };
  for (const Expected& expected : {Expected{"v0.7.0", 480, 627, {"S", "w", "-29", "226"}},
                                   Expected{"v0.7.8", 453, 568, {"h", "M", "-16", "73"}}}) {
    const auto path = formats() / "anndata_archives" / expected.version / "adata.zarr.zip";
    const Dataset cells = read_dataset(path, {}, kContext);
    EXPECT_EQ(cells.n_cells(), 30);
    EXPECT_EQ(cells.n_genes(), 40);  // of raw, which holds counts as X does
    EXPECT_EQ(cells.counts.n_stored(), expected.n_stored);
    EXPECT_EQ(total(cells), expected.total);
    EXPECT_EQ(cells.obs().column_names(), "obs_cat, cat_ordered, int64, float64, uint8");
    std::vector<std::string> row;
    for (const char* name : {"obs_cat", "cat_ordered", "int64", "uint8"}) {
      row.push_back(cells.obs().as_text(name)[0]);
    }
    EXPECT_EQ(row, expected.first_row);
    EXPECT_TRUE(std::get<CategoryColumn>(*cells.obs().find("cat_ordered")).is_ordered);
    const FileSummary summary = inspect_file(path, {}, kContext);
    EXPECT_EQ(summary.format, "Zarr v2, zip (AnnData 0.7)");
    EXPECT_EQ(summary.layers, (std::vector<std::string>{"array", "sparse"}));
    ReadOptions options;
    options.use_raw = true;
    EXPECT_EQ(open_source(path, options, kContext)->n_genes(), 40);
  }
  EXPECT_SAITHE_ERROR(
      open_source(formats() / "anndata_archives" / "v0.11.4" / "adata.zarr.zip", {}, kContext),
      ErrorKind::BadFormat, "has no X");
}

TEST(RealZarr, TenThousandCellsOfAnnData06) {
  SKIP_WITHOUT_TEST_DATA();
  const testing::FolderForTest folder;
  const auto packed = formats() / "zarr_v2_10x10k_subset" / "10x-10k-subset.zarr.tar.gz";
  const std::string command =
      "tar -xzf '" + packed.string() + "' -C '" + folder.path().string() + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  const auto path = folder / "10x-10k-subset.zarr";
  const Dataset cells = read_dataset(path, {}, kContext);
  EXPECT_EQ(cells.n_cells(), 10000);
  EXPECT_EQ(cells.n_genes(), 1000);
  EXPECT_EQ(cells.counts.n_stored(), 691914);
  EXPECT_EQ(total(cells), 1597698);
  EXPECT_EQ(cells.obs().index()[1], "AAACCTGAGCGGCTTC-1");
  EXPECT_EQ(cells.var().index()[1], "Gm1992");
  EXPECT_EQ(cells.var().as_text("gene_ids")[1], "ENSMUSG00000089699");
  const auto source = open_source(path, {}, Context(1));
  for (const CellIndex begin : {0, 1999, 4000, 9990}) {
    const CsrMatrix block = source->read_cells(begin, begin + 10, Context(1));
    const Dataset expected = [&] {
      std::vector<CellIndex> rows(10);
      std::iota(rows.begin(), rows.end(), begin);
      return select_cells(cells, rows);
    }();
    EXPECT_EQ(block.values, expected.counts.values);
    EXPECT_EQ(block.columns, expected.counts.columns);
  }
}

}  // namespace
}  // namespace saithe
