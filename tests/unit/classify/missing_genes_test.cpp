// Missing genes that count as what is to be expected of them, against NumPy (tests/golden/novelty).

#include "saithe/classify/missing_genes.h"

#include <gtest/gtest.h>

#include "novelty_fixture.h"
#include "saithe/core/random.h"
#include "support/reference_genes.h"

namespace saithe {
namespace {

using testing::dense_of;
using testing::expect_near;
using testing::NoveltyFixture;

// Weights are floats, up to 4, of features up to 3.
constexpr double kTolerance = 2e-5;

struct MissingFixture : NoveltyFixture {
  nlohmann::json missing = json.at("missing");
  std::vector<bool> is_present = std::vector<bool>(12, true);
  std::vector<double> center = json.at("center").get<std::vector<double>>();

  MissingFixture() {
    for (const auto gene : missing.at("genes").get<std::vector<std::size_t>>()) {
      is_present[gene] = false;
    }
  }

  /// The linear model whose logits the fixture has; scaled features have the same means, as shift.
  [[nodiscard]] Model linear_model(bool scale = false) const {
    std::vector<std::string> names;
    for (int gene = 0; gene < 12; ++gene) names.push_back(fmt::format("gene{:02}", gene));
    Model model;
    PreprocessorOptions options;
    options.scale = scale;
    model.preprocessor =
        Preprocessor(options, ExpressionKind::Counts, testing::reference_genes(std::move(names)),
                     center, std::vector<double>(12, 1));
    const DenseMatrix weights = dense_of(json.at("weights"));
    Member member;
    member.shape.n_inputs = 12;
    member.shape.n_outputs = 4;
    member.parameters.weights.emplace_back(weights.data(), weights.data() + 48);
    member.parameters.biases.emplace_back(4, 0.0F);
    model.members.push_back(std::move(member));
    model.novelty = fit();
    return model;
  }

  /// The first layer's sums of a cell whose missing genes are at their means.
  [[nodiscard]] std::vector<double> sums(const Model& model, const Member& member,
                                         std::span<const double> cell) const {
    const auto n_units = as_size(member.shape.outputs_of(0));
    std::vector<double> result(member.parameters.biases[0].begin(),
                               member.parameters.biases[0].end());
    for (std::size_t gene = 0; gene < 12; ++gene) {
      const double x = (is_present[gene] ? cell[gene] : center[gene]) -
                       static_cast<double>(model.preprocessor.shift()[gene]);
      for (std::size_t unit = 0; unit < n_units; ++unit) {
        result[unit] +=
            x * static_cast<double>(member.parameters.weights[0][gene * n_units + unit]);
      }
    }
    return result;
  }
};

std::vector<double> row_of(const DenseMatrix& matrix, std::int64_t row) {
  return {matrix.row(row).begin(), matrix.row(row).end()};
}

TEST(MissingGenes, CountAsNumPyExpectsThem) {
  const MissingFixture f;
  const Model model = f.linear_model();
  const auto completed = with_expected_genes(model, f.is_present);
  ASSERT_TRUE(completed.has_value());
  const DenseMatrix cells = dense_of(f.json.at("features"));
  const auto expected = f.missing.at("logits").get<std::vector<std::vector<double>>>();
  for (std::int64_t cell = 0; cell < cells.n_rows(); ++cell) {
    const auto logits = f.sums(*completed, completed->members[0], row_of(cells, cell));
    for (std::size_t type = 0; type < 4; ++type) {
      EXPECT_NEAR(logits[type], expected[as_size(cell)][type], kTolerance) << cell;
    }
  }
}

TEST(MissingGenes, LeaveTheNoveltyScoreNumPysDistributions) {
  const MissingFixture f;
  const auto completed = with_expected_genes(f.linear_model(), f.is_present);
  ASSERT_TRUE(completed.has_value());
  // The weights, of which these are made, are floats.
  expect_near(completed->novelty.means, f.missing.at("means"), 1e-6);
  expect_near(completed->novelty.covariance, f.missing.at("covariance"), 1e-6);
  expect_near(novelty_distances(completed->novelty, dense_of(f.missing.at("scores")).view(),
                                dense_of(f.missing.at("logits")).view(), {}, Context(1)),
              f.missing.at("distances"), 1e-5);
}

TEST(MissingGenes, MoveTheMisfitsThatAreExpected) {
  const MissingFixture f;
  Model model = f.linear_model();
  model.novelty.misfit = f.json.at("misfit").get<std::vector<double>>();
  const auto completed = with_expected_genes(model, f.is_present);
  ASSERT_TRUE(completed.has_value());
  expect_near(completed->novelty.misfit, f.missing.at("misfit"), 1e-6);
}

TEST(MissingGenes, AnAverageCellIsWhatItWas) {
  const MissingFixture f;
  for (const bool scale : {false, true}) {
    Model model = f.linear_model(scale);
    Member network;
    network.shape = model.members[0].shape;
    network.shape.hidden = {7};
    network.parameters.weights.resize(2);
    for (std::uint64_t i = 0; i < 84; ++i) {
      network.parameters.weights[0].push_back(static_cast<float>(Random(3, 3).uniform(i)));
    }
    network.parameters.biases = {AlignedVector<float>(7, 0.5F), AlignedVector<float>(4, 0.0F)};
    model.members.push_back(network);
    const auto completed = with_expected_genes(model, f.is_present);
    ASSERT_TRUE(completed.has_value());
    for (std::size_t member = 0; member < 2; ++member) {
      const auto before = f.sums(model, model.members[member], f.center);
      const auto after = f.sums(*completed, completed->members[member], f.center);
      EXPECT_NE(completed->members[member].parameters.weights[0],
                model.members[member].parameters.weights[0]);
      for (std::size_t unit = 0; unit < before.size(); ++unit) {
        EXPECT_NEAR(after[unit], before[unit], kTolerance) << member << scale;
      }
    }
  }
}

TEST(MissingGenes, ChangeNothingThatIsNotKnown) {
  const MissingFixture f;
  Model model = f.linear_model();
  EXPECT_FALSE(with_expected_genes(model, std::vector<bool>(12, true)).has_value());
  Model network = model;  // as if its logits were those of a hidden layer
  network.members[0].shape.hidden = {4};
  const auto completed = with_expected_genes(network, f.is_present);
  ASSERT_TRUE(completed.has_value());
  EXPECT_EQ(completed->novelty, network.novelty);
  model.novelty = {};
  EXPECT_FALSE(with_expected_genes(model, f.is_present).has_value());
}

TEST(MissingGenes, OfWhichNothingIsLeftAreAtTheirMeans) {
  const MissingFixture f;
  const Model model = f.linear_model();
  const auto completed = with_expected_genes(model, std::vector<bool>(12, false));
  ASSERT_TRUE(completed.has_value());
  EXPECT_EQ(completed->members[0].parameters.weights[0], model.members[0].parameters.weights[0]);
  EXPECT_EQ(completed->members[0].parameters.biases[0], model.members[0].parameters.biases[0]);
}

}  // namespace
}  // namespace saithe
