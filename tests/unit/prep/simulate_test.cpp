#include "saithe/prep/simulate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "saithe/prep/qc.h"

namespace saithe {
namespace {

Dataset draw_all(const SimulateOptions& options, std::uint64_t seed, int n_threads = 2) {
  const Context context(n_threads, seed);
  return SimulatedCells(options, context).draw(0, options.n_cells, context);
}

std::vector<double> gene_means(const Dataset& cells, const std::string& type) {
  const auto types = cells.obs().as_text("true_cell_type");
  std::vector<double> mean(as_size(cells.n_genes()));
  double n = 0;
  for (CellIndex cell = 0; cell < cells.n_cells(); ++cell) {
    if (types[as_size(cell)] != type) continue;
    ++n;
    const auto genes = cells.counts.view().row_columns(cell);
    for (std::size_t i = 0; i < genes.size(); ++i) {
      mean[as_size(genes[i])] += static_cast<double>(cells.counts.view().row_values(cell)[i]);
    }
  }
  for (double& value : mean) value /= n;
  return mean;
}

TEST(Simulate, BlocksAndThreadsGiveTheSameCells) {
  SimulateOptions options;
  options.n_cells = 700;
  options.n_genes = 2000;
  options.stored_per_cell = 200;
  options.n_donors = 3;
  const Dataset whole = draw_all(options, 9);
  const Context one(1, 9);
  const SimulatedCells source(options, one);
  CsrMatrix joined;
  joined.n_cols = 2000;
  for (const auto& [begin, end] : {std::pair(0, 1), {1, 300}, {300, 557}, {557, 700}}) {
    append_rows(joined, source.draw(begin, end, one).counts.view());
  }
  validate(joined.view(), "simulated");
  EXPECT_EQ(joined.row_start, whole.counts.row_start);
  EXPECT_EQ(joined.columns, whole.counts.columns);
  EXPECT_EQ(joined.values, whole.counts.values);
  EXPECT_NE(draw_all(options, 10).counts.values, whole.counts.values);
}

TEST(Simulate, HasTheShapeOf10xData) {
  SimulateOptions options;
  options.n_cells = 4000;
  options.poor_cells = 0;
  const Dataset cells = draw_all(options, 1);
  const auto metrics =
      qc_metrics(cells.counts.view(), find_mitochondrial_genes(cells.var(), {}), Context(2, 0));
  EXPECT_NEAR(static_cast<double>(cells.counts.n_stored()) / 4000, 850, 25);
  std::vector<double> totals = metrics.total_counts;
  std::nth_element(totals.begin(), totals.begin() + 2000, totals.end());
  EXPECT_NEAR(totals[2000], 2200, 450);
  double percent = 0;
  for (const double value : metrics.pct_counts_mt) percent += value / 4000;
  EXPECT_NEAR(percent, 2, 0.3);

  std::map<std::string, double> share;
  for (const auto& type : cells.obs().as_text("true_cell_type")) share[type] += 1.0 / 4000;
  ASSERT_EQ(share.size(), 8U);
  EXPECT_NEAR(share["CD4 T cells"], 1144.0 / 2638, 0.03);
  EXPECT_NEAR(share["B cells"], 342.0 / 2638, 0.02);
  EXPECT_NEAR(share["Megakaryocytes"], 15.0 / 2638, 0.005);
}

TEST(Simulate, CountsSpreadMoreThanPoisson) {
  SimulateOptions options;
  options.n_cells = 4000;
  options.n_genes = 3000;
  options.stored_per_cell = 600;
  options.poor_cells = 0;
  const Dataset cells = draw_all(options, 2);
  const auto types = cells.obs().as_text("true_cell_type");
  std::vector<double> sum(3000);
  std::vector<double> squares(3000);
  double n = 0;
  for (CellIndex cell = 0; cell < 4000; ++cell) {
    if (types[as_size(cell)] != "CD4 T cells") continue;
    ++n;
    const auto genes = cells.counts.view().row_columns(cell);
    for (std::size_t i = 0; i < genes.size(); ++i) {
      const auto x = static_cast<double>(cells.counts.view().row_values(cell)[i]);
      sum[as_size(genes[i])] += x;
      squares[as_size(genes[i])] += x * x;
    }
  }
  // variance / mean = 1.3 (burst sizes) + mean * (exp(0.35^2) - 1) (depth of the cells)
  double excess = 0;
  int n_genes = 0;
  for (std::size_t gene = 0; gene < 3000; ++gene) {
    const double mean = sum[gene] / n;
    if (mean < 0.5) continue;
    const double variance = squares[gene] / n - mean * mean;
    excess += variance / mean / (1.3 + mean * std::expm1(0.35 * 0.35));
    ++n_genes;
  }
  ASSERT_GT(n_genes, 50);
  EXPECT_NEAR(excess / n_genes, 1, 0.05);
}

TEST(Simulate, MarkersAndRelativesAreWhereTheyBelong) {
  SimulateOptions options;
  options.n_cells = 4000;
  options.n_genes = 5000;
  const Dataset cells = draw_all(options, 3);
  const auto& names = cells.var().index();
  const auto at = [&](const char* name) {
    return as_size(std::find(names.begin(), names.end(), name) - names.begin());
  };
  const auto cd4 = gene_means(cells, "CD4 T cells");
  const auto cd8 = gene_means(cells, "CD8 T cells");
  const auto b = gene_means(cells, "B cells");
  EXPECT_GT(cd8[at("CD8A")], 20 * cd4[at("CD8A")]);
  EXPECT_GT(b[at("MS4A1")], 20 * cd4[at("MS4A1")]);
  EXPECT_NEAR(cd4[at("CD3D")] / cd8[at("CD3D")], 1, 0.3);
  const auto distance = [&](const std::vector<double>& p, const std::vector<double>& q) {
    double sum = 0;
    for (std::size_t gene = 0; gene < p.size(); ++gene) {
      sum += std::pow(std::log1p(p[gene]) - std::log1p(q[gene]), 2);
    }
    return sum;
  };
  EXPECT_LT(distance(cd4, cd8), distance(cd4, b) / 2);
}

TEST(Simulate, QualityControlDropsPoorCellsAndFewOthers) {
  SimulateOptions options;
  options.n_cells = 3000;
  options.poor_cells = 0.1;
  const Dataset cells = draw_all(options, 4);
  QcOptions walkthrough;
  walkthrough.min_genes = 200;
  walkthrough.max_genes = 2500;
  walkthrough.max_percent_mt = 5;
  const QcResult kept = filter_cells_and_genes(cells, walkthrough, Context(2, 0));
  const auto is_poor = cells.obs().as_text("is_poor");
  const auto n_poor = std::count(is_poor.begin(), is_poor.end(), "True");
  EXPECT_NEAR(static_cast<double>(n_poor), 300, 60);
  const auto n_poor_kept = std::count_if(kept.cells.begin(), kept.cells.end(), [&](CellIndex cell) {
    return is_poor[as_size(cell)] == "True";
  });
  EXPECT_EQ(n_poor_kept, 0);
  EXPECT_GT(static_cast<double>(kept.cells.size()), 0.98 * static_cast<double>(3000 - n_poor));
}

TEST(Simulate, LabelNoiseAndDonorsFollowTheOptions) {
  SimulateOptions options;
  options.n_cells = 4000;
  options.n_genes = 1000;
  options.stored_per_cell = 100;
  options.n_types = 10;
  options.n_donors = 4;
  options.label_noise = 0.2;
  const Dataset cells = draw_all(options, 5);
  const auto labels = cells.obs().as_text("cell_type");
  const auto types = cells.obs().as_text("true_cell_type");
  int n_wrong = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) n_wrong += labels[i] != types[i] ? 1 : 0;
  EXPECT_NEAR(n_wrong / 4000.0, 0.2, 0.03);
  std::map<std::string, int> donors;
  for (const auto& donor : cells.obs().as_text("donor")) ++donors[donor];
  ASSERT_EQ(donors.size(), 4U);
  for (const auto& [donor, n] : donors) EXPECT_NEAR(n, 1000, 120) << donor;
  EXPECT_NE(std::find(types.begin(), types.end(), "Type 10"), types.end());
}

TEST(Simulate, RefusesOptionsWithoutSense) {
  const auto expect_refused = [](auto change) {
    SimulateOptions options;
    change(options);
    try {
      const SimulatedCells cells(options, Context(1, 0));
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
    }
  };
  expect_refused([](SimulateOptions& o) { o.n_cells = 0; });
  expect_refused([](SimulateOptions& o) { o.n_genes = 10; });
  expect_refused([](SimulateOptions& o) { o.n_types = 1; });
  expect_refused([](SimulateOptions& o) { o.label_noise = 1.5; });
  expect_refused([](SimulateOptions& o) { o.donor_effect = std::nan(""); });
  expect_refused([](SimulateOptions& o) { o.stored_per_cell = 15000; });
  expect_refused([](SimulateOptions& o) { o.stored_per_cell = -1; });
}

}  // namespace
}  // namespace saithe
