#include "saithe/prep/qc.h"

#include <gtest/gtest.h>

namespace saithe {
namespace {

/// Six cells x five genes; the last gene is mitochondrial, the fourth is seen once.
Dataset small_cells() {
  const std::vector<std::vector<float>> rows = {
      {1, 2, 0, 0, 1}, {3, 0, 1, 0, 0}, {1, 1, 1, 0, 9},
      {0, 4, 0, 0, 0}, {2, 2, 2, 5, 0}, {0, 0, 0, 0, 0},
  };
  CsrMatrix counts;
  counts.n_rows = 6;
  counts.n_cols = 5;
  for (const auto& row : rows) {
    for (std::size_t gene = 0; gene < row.size(); ++gene) {
      if (row[gene] == 0) continue;
      counts.columns.push_back(static_cast<GeneIndex>(gene));
      counts.values.push_back(row[gene]);
    }
    counts.row_start.push_back(static_cast<RowPointer>(counts.columns.size()));
  }
  return Dataset("small.h5ad", counts, Table({"c0", "c1", "c2", "c3", "c4", "c5"}),
                 Table({"A", "B", "C", "D", "MT-E"}));
}

TEST(QcMetrics, FollowScanpysDefinitions) {
  const Dataset cells = small_cells();
  const auto is_mt = find_mitochondrial_genes(cells.var(), {});
  EXPECT_EQ(is_mt, (std::vector<bool>{false, false, false, false, true}));
  const QcMetrics metrics = qc_metrics(cells.counts.view(), is_mt, Context(2, 0));
  EXPECT_EQ(metrics.n_genes_by_counts, (std::vector<std::int64_t>{3, 2, 4, 1, 4, 0}));
  EXPECT_EQ(metrics.total_counts, (std::vector<double>{4, 4, 12, 4, 11, 0}));
  EXPECT_EQ(metrics.total_counts_mt, (std::vector<double>{1, 0, 9, 0, 0, 0}));
  EXPECT_EQ(metrics.pct_counts_mt, (std::vector<double>{25, 0, 75, 0, 0, 0}));
}

TEST(QcMetrics, StoredZerosAreNotExpressed) {
  Dataset cells = small_cells();
  cells.counts.values[0] = 0;
  EXPECT_EQ(count_cells_per_gene(cells.counts.view(), Context(2))[0], 3);
  const auto metrics =
      qc_metrics(cells.counts.view(), find_mitochondrial_genes(cells.var(), {}), Context(1, 0));
  EXPECT_EQ(metrics.n_genes_by_counts[0], 2);
}

TEST(FilterCellsAndGenes, KeepsTheArticlesOrder) {
  QcOptions options;
  options.min_genes = 2;        // takes c3 and c5
  options.min_cells = 2;        // takes D, seen in c4 alone
  options.max_genes = 4;        // takes c2 (4 genes); c4 has only 3 left without D
  options.max_percent_mt = 25;  // takes c0: 25 is not below 25
  const QcResult result = filter_cells_and_genes(small_cells(), options, Context(2, 0));
  EXPECT_EQ(result.cells, (std::vector<CellIndex>{1, 4}));
  EXPECT_EQ(result.genes, (std::vector<GeneIndex>{0, 1, 2, 4}));
  EXPECT_EQ(result.metrics_cells, (std::vector<CellIndex>{0, 1, 2, 4}));
  EXPECT_EQ(result.metrics.total_counts, (std::vector<double>{4, 4, 12, 6}));
  ASSERT_EQ(result.steps.size(), 4U);
  EXPECT_EQ(result.steps[0].n_cells_dropped, 2);
  EXPECT_EQ(result.steps[1].n_genes_dropped, 1);
  EXPECT_EQ(result.steps[2].n_cells_dropped, 1);
  EXPECT_EQ(result.steps[3].n_cells_dropped, 1);
  EXPECT_EQ(result.steps[3].name, "max_percent_mt 25");
}

TEST(FilterCellsAndGenes, ZeroTurnsFiltersOff) {
  QcOptions options;
  options.min_cells = 0;
  const QcResult result = filter_cells_and_genes(small_cells(), options, Context(1, 0));
  EXPECT_EQ(result.cells.size(), 6U);
  EXPECT_EQ(result.genes.size(), 5U);
  EXPECT_TRUE(result.steps.empty());
}

void expect_failure(const QcOptions& options, ErrorKind kind, const std::string& part) {
  try {
    filter_cells_and_genes(small_cells(), options, Context(1, 0));
    ADD_FAILURE() << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind);
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(FilterCellsAndGenes, SaysWhichFilterTookTheLastCell) {
  QcOptions options;
  options.min_genes = 100;
  expect_failure(options, ErrorKind::BadFormat, "min_genes 100 took 6 cells");
  options = {};
  options.min_cells = 7;
  expect_failure(options, ErrorKind::BadFormat, "min_cells 7 took 0 cells and 5 genes");
  options = {};
  options.min_genes = 1;
  options.max_genes = 1;
  expect_failure(options, ErrorKind::BadFormat, "max_genes 1 took");
}

TEST(FilterCellsAndGenes, ListedGeneThatMinCellsTakesIsNoError) {
  QcOptions options;
  options.mt_genes = {"MT-E", "A"};  // MT-E is seen in two cells, min_cells is 3
  const QcResult result = filter_cells_and_genes(small_cells(), options, Context(1, 0));
  EXPECT_EQ(result.genes, (std::vector<GeneIndex>{0, 1, 2}));
  EXPECT_EQ(result.metrics.total_counts_mt, (std::vector<double>{1, 3, 1, 0, 2, 0}));
}

TEST(FilterCellsAndGenes, RefusesThresholdsWithoutSense) {
  QcOptions options;
  options.min_genes = -1;
  expect_failure(options, ErrorKind::InvalidArgument, "--min-genes -1");
  options = {};
  options.max_percent_mt = 101;
  expect_failure(options, ErrorKind::InvalidArgument, "--max-percent-mt 101");
  options = {};
  options.mt_genes = {"MT-E", "MT-X"};
  expect_failure(options, ErrorKind::InvalidArgument, "'MT-X'");
}

}  // namespace
}  // namespace saithe
