// The variable genes of PBMC3K against NumPy's and Scanpy's (variable_genes/expected.json).

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "saithe/core/text_io.h"
#include "saithe/io/open.h"
#include "saithe/prep/select_genes.h"

namespace saithe {
namespace {

/// PBMC3K as it is bundled, and what other tools say of it.
struct Pbmc3k {
  Dataset cells = read_dataset(SAITHE_SOURCE_DIR "/data/pbmc3k.h5ad", {}, Context(2));
  nlohmann::json expected =
      nlohmann::json::parse(read_file(SAITHE_TEST_FILES "/variable_genes/expected.json", 1 << 20));
};

const Pbmc3k& pbmc3k() {
  static const Pbmc3k loaded;
  return loaded;
}

TEST(StandardizedVariance, IsThatOfNumPy) {
  const auto found = standardized_variance(pbmc3k().cells.counts.view(), Context(2));
  ASSERT_EQ(static_cast<int>(found.size()), pbmc3k().expected.at("n_genes").get<int>());
  const auto genes = pbmc3k().expected.at("gene").get<std::vector<std::size_t>>();
  const auto variance = pbmc3k().expected.at("standardized_variance").get<std::vector<double>>();
  for (std::size_t i = 0; i < genes.size(); ++i) {
    EXPECT_NEAR(found[genes[i]], variance[i], 1e-8 * (1 + variance[i])) << genes[i];
  }
}

TEST(SelectVariableGenes, ChoosesNumPysGenesAndMostOfScanpys) {
  const auto wanted = pbmc3k().expected.at("top_numpy").get<std::vector<GeneIndex>>();
  const auto found = select_variable_genes(pbmc3k().cells.counts.view(),
                                           static_cast<int>(wanted.size()), 0, Context(2));
  // Genes that one cell expresses once are alike but for rounding: which of them come in at the end
  // of the list may differ, and nothing else.
  std::vector<GeneIndex> different;
  std::set_symmetric_difference(found.begin(), found.end(), wanted.begin(), wanted.end(),
                                std::back_inserter(different));
  const auto variance = standardized_variance(pbmc3k().cells.counts.view(), Context(2));
  double last = variance[as_size(found.front())];
  for (const GeneIndex gene : found) last = std::min(last, variance[as_size(gene)]);
  for (const GeneIndex gene : different) {
    EXPECT_NEAR(variance[as_size(gene)], last, 1e-9 * last) << gene;
  }
  std::vector<GeneIndex> common;
  // Scanpy's trend is a local regression: where it bends, other genes come in.
  const auto scanpys = pbmc3k().expected.at("top_scanpy").get<std::vector<GeneIndex>>();
  std::set_intersection(found.begin(), found.end(), scanpys.begin(), scanpys.end(),
                        std::back_inserter(common));
  EXPECT_GE(static_cast<double>(common.size()), 0.9 * static_cast<double>(scanpys.size()));
}

}  // namespace
}  // namespace saithe
