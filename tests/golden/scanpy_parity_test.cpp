// PBMC3K after our quality control, normalisation and scaling against Scanpy's
// (scanpy/expected.json, written by scanpy/generate.py).

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "saithe/core/sha256.h"
#include "saithe/core/text_io.h"
#include "saithe/io/open.h"
#include "saithe/prep/preprocessor.h"
#include "saithe/prep/qc.h"

namespace saithe {
namespace {

std::string digest(const std::vector<std::string>& names) {
  Sha256 hash;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) hash.update("\n", 1);
    hash.update(names[i].data(), names[i].size());
  }
  return hash.hex_digest();
}

class ScanpyParity : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const Context context(2, 0);
    expected_ =
        nlohmann::json::parse(read_file(SAITHE_TEST_FILES "/scanpy/expected.json", 1 << 20));
    const Dataset file = read_dataset(SAITHE_SOURCE_DIR "/data/pbmc3k.h5ad", {}, context);
    QcOptions options;
    options.min_genes = 200;
    options.min_cells = 3;
    options.max_genes = 2500;
    options.max_percent_mt = 5;
    qc_ = filter_cells_and_genes(file, options, context);
    kept_ = select_genes(select_cells(file, qc_.cells), qc_.genes);
  }

  static nlohmann::json expected_;
  static QcResult qc_;
  static Dataset kept_;
};

nlohmann::json ScanpyParity::expected_;
QcResult ScanpyParity::qc_;
Dataset ScanpyParity::kept_;

TEST_F(ScanpyParity, SameCellsAndGenes) {
  EXPECT_EQ(kept_.n_cells(), 2638);
  EXPECT_EQ(kept_.n_genes(), 13656);
  EXPECT_EQ(digest(kept_.obs().index()), expected_.at("sha256_of_cells").get<std::string>());
  EXPECT_EQ(digest(kept_.var().index()), expected_.at("sha256_of_genes").get<std::string>());
}

TEST_F(ScanpyParity, SameQualityMetrics) {
  const auto& qc = expected_.at("qc");
  ASSERT_EQ(qc_.metrics_cells, qc_.cells);  // no cell is dropped, so positions agree
  ASSERT_EQ(qc.at("cell").size(), 200U);
  for (std::size_t i = 0; i < 200; ++i) {
    const auto cell = qc.at("cell")[i].get<std::size_t>();
    EXPECT_EQ(qc_.metrics.n_genes_by_counts[cell], qc.at("n_genes_by_counts")[i].get<int>());
    EXPECT_EQ(qc_.metrics.total_counts[cell], qc.at("total_counts")[i].get<double>());
    EXPECT_NEAR(qc_.metrics.pct_counts_mt[cell], qc.at("pct_counts_mt")[i].get<double>(), 1e-5);
  }
}

TEST_F(ScanpyParity, SameStatisticsAndScaledValues) {
  const Context context(2, 0);
  const auto fitted =
      Preprocessor::fit(kept_.counts.view(), {}, kept_.var().index(), {}, {}, context);
  const auto& statistics = expected_.at("statistics");
  ASSERT_EQ(statistics.at("gene").size(), 500U);
  for (std::size_t i = 0; i < 500; ++i) {
    const auto gene = statistics.at("gene")[i].get<std::size_t>();
    EXPECT_NEAR(fitted.mean()[gene], statistics.at("mean")[i].get<double>(), 1e-6);
    EXPECT_NEAR(fitted.sd()[gene], statistics.at("sd")[i].get<double>(), 1e-6);
  }

  const Features features = fitted.apply(kept_.counts.view(), context);
  const CsrView values = features.values.view();
  const auto& z = expected_.at("z");
  ASSERT_EQ(z.at("value").size(), 10000U);
  double largest = 0;
  for (std::size_t i = 0; i < 10000; ++i) {
    const auto gene = z.at("gene")[i].get<GeneIndex>();
    const auto cell = z.at("cell")[i].get<CellIndex>();
    const auto genes = values.row_columns(cell);
    const auto found = std::lower_bound(genes.begin(), genes.end(), gene);
    double ours = -static_cast<double>(features.shift[as_size(gene)]);
    if (found != genes.end() && *found == gene) {
      ours += static_cast<double>(values.row_values(cell)[as_size(found - genes.begin())]);
    }
    largest = std::max(largest, std::abs(ours - z.at("value")[i].get<double>()));
  }
  RecordProperty("largest_difference", format_number(largest));
  EXPECT_LT(largest, 1e-5);
}

}  // namespace
}  // namespace saithe
