// PBMC3K labelled by models of CellTypist, against what CellTypist itself answers
// (celltypist/expected.json by celltypist/generate.py, expected_old.json by generate_old.py).

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "saithe/classify/celltypist_model.h"
#include "saithe/classify/celltypist_predict.h"
#include "saithe/core/text_io.h"
#include "saithe/io/open.h"
#include "saithe/prep/normalize.h"

namespace saithe {
namespace {

// CellTypist's float32 log-expression and ours differ in the last bit; the file has 7 digits.
constexpr double kTolerance = 1e-5;

std::string fixture(const std::string& name) {
  return std::string(SAITHE_TEST_FILES) + "/celltypist/" + name;
}

class CellTypistParity : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    all_ = read_dataset(SAITHE_SOURCE_DIR "/data/pbmc3k.h5ad", {}, context());
  }
  static Context context() { return Context(2, 0); }
  static nlohmann::json expected(const std::string& name) {
    return nlohmann::json::parse(read_file(fixture(name), 1 << 20));
  }
  /// The bundled cells with every second gene, under other names, or as they are.
  static Dataset query(const std::string& name, CellIndex every_cell) {
    std::vector<CellIndex> cells;
    for (CellIndex cell = 0; cell < all_.n_cells(); cell += every_cell) cells.push_back(cell);
    std::vector<GeneIndex> genes;
    const GeneIndex step = name == "even_genes" ? 2 : 1;
    for (GeneIndex gene = 0; gene < all_.n_genes(); gene += step) genes.push_back(gene);
    Dataset chosen = select_genes(select_cells(all_, cells), genes);
    if (name == "gene_ids") chosen.var() = Table(chosen.var().as_text("gene_ids"));
    normalize_total(chosen.counts, 10000, context());
    log1p_in_place(chosen.counts, context());
    return chosen;
  }
  static void expect_as_celltypist(const nlohmann::json& run, CellIndex every_cell,
                                   const std::string& file) {
    const CellTypistModel model = load_celltypist_model(fixture(file));
    const Dataset cells = query(run.at("query"), every_cell);
    const auto match = match_celltypist_genes(model, cells.var().index());
    EXPECT_EQ(std::count_if(match.begin(), match.end(), [](GeneIndex gene) { return gene >= 0; }),
              run.at("n_genes_matched").get<std::int64_t>());
    EXPECT_EQ(model.cell_types, run.at("cell_types").get<std::vector<std::string>>());
    const auto decisions = celltypist_decisions(model, cells.counts.view(), match, context());
    const auto labels = celltypist_labels(decisions, model.n_types());
    const DenseMatrix probabilities = celltypist_probabilities(decisions, model.n_types());
    ASSERT_EQ(run.at("labels").size(), as_size(cells.n_cells()));
    double largest = 0;
    for (CellIndex cell = 0; cell < cells.n_cells(); ++cell) {
      EXPECT_EQ(model.cell_types[as_size(labels[as_size(cell)])],
                run.at("labels")[as_size(cell)].get<std::string>())
          << cell;
      for (LabelIndex type = 0; type < model.n_types(); ++type) {
        const double wanted = run.at("probabilities")[as_size(cell)][as_size(type)];
        largest =
            std::max(largest, std::abs(static_cast<double>(probabilities(cell, type)) - wanted));
      }
    }
    EXPECT_LT(largest, kTolerance);
    RecordProperty(
        fmt::format("largest_difference_{}_{}", file, run.at("query").get<std::string>()),
        fmt::format("{}", largest));
  }

  static Dataset all_;
};

Dataset CellTypistParity::all_;

TEST_F(CellTypistParity, SameLabelsAndProbabilities) {
  const auto content = expected("expected.json");
  ASSERT_EQ(content.at("runs").size(), 15U);
  for (const auto& run : content.at("runs")) {
    const auto name = run.at("model").get<std::string>();
    SCOPED_TRACE(name + " on " + run.at("query").get<std::string>());
    EXPECT_GT(run.at("n_cut").get<int>(), 0);  // or the cut at 10 is not tested
    expect_as_celltypist(run, content.at("every_cell"), name + ".pkl");
  }
}

TEST_F(CellTypistParity, SameFromEveryProtocol) {
  const auto content = expected("expected.json");
  for (const auto& run : content.at("runs")) {
    if (run.at("model") != "two_types") continue;
    for (const int protocol : {0, 1, 2, 3, 5}) {
      SCOPED_TRACE(protocol);
      expect_as_celltypist(run, content.at("every_cell"),
                           fmt::format("two_types_protocol_{}.pkl", protocol));
    }
  }
}

TEST_F(CellTypistParity, SameFromTheModelsOf2022) {
  const auto content = expected("expected_old.json");
  ASSERT_EQ(content.at("runs").size(), 2U);
  for (const auto& run : content.at("runs")) {
    const auto name = run.at("model").get<std::string>();
    SCOPED_TRACE(name);
    expect_as_celltypist(run, content.at("every_cell"), name + ".pkl");
  }
}

}  // namespace
}  // namespace saithe
