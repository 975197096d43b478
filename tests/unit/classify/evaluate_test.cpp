// evaluate() against scikit-learn and NumPy (tests/golden/metrics), and its rules for odd cells.

#include "saithe/classify/evaluate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

namespace saithe {
namespace {

using Json = nlohmann::json;

// The bound that the scores must keep; what remains is the order of addition.
constexpr double kTolerance = 1e-9;

Json read_fixture(const std::string& name) {
  std::ifstream file(std::string(SAITHE_TEST_FILES) + "/metrics/" + name);
  EXPECT_TRUE(file.is_open()) << name;
  return Json::parse(file);
}

DenseMatrix matrix_of(const std::vector<std::vector<double>>& rows) {
  DenseMatrix matrix(static_cast<std::int64_t>(rows.size()),
                     static_cast<std::int64_t>(rows.at(0).size()));
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      matrix(static_cast<std::int64_t>(r), static_cast<std::int64_t>(c)) =
          static_cast<float>(rows[r][c]);
    }
  }
  return matrix;
}

LabelSet types_named(std::int64_t n_types) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < n_types; ++i) names.push_back("type" + std::to_string(i));
  return LabelSet(names);
}

class EvaluateAgainstScikitLearn : public testing::TestWithParam<const char*> {};

TEST_P(EvaluateAgainstScikitLearn, AllScoresAgree) {
  const Json inputs = read_fixture("inputs.json")["cases"];
  const Json expected = read_fixture(GetParam())["cases"];
  ASSERT_GE(inputs.size(), 4U);
  for (const auto& [name, input] : inputs.items()) {
    SCOPED_TRACE(name);
    const auto matrix = matrix_of(input["probabilities"].get<std::vector<std::vector<double>>>());
    const auto truth = input["truth"].get<std::vector<LabelIndex>>();
    const auto found = evaluate(matrix.view(), truth, types_named(matrix.n_cols()));
    const Json& e = expected[name];
    EXPECT_NEAR(found.accuracy, e["accuracy"].get<double>(), kTolerance);
    EXPECT_NEAR(found.macro_f1, e["macro_f1"].get<double>(), kTolerance);
    EXPECT_NEAR(found.median_f1, e["median_f1"].get<double>(), kTolerance);
    EXPECT_NEAR(found.nll, e["nll"].get<double>(), kTolerance);
    EXPECT_NEAR(found.brier, e["brier"].get<double>(), kTolerance);
    EXPECT_NEAR(found.ece, e["ece"].get<double>(), kTolerance);
    EXPECT_EQ(found.confusion, e["confusion"].get<std::vector<std::int64_t>>());
    for (std::size_t t = 0; t < found.per_type.size(); ++t) {
      EXPECT_NEAR(found.per_type[t].precision, e["precision"][t].get<double>(), kTolerance);
      EXPECT_NEAR(found.per_type[t].recall, e["recall"][t].get<double>(), kTolerance);
      EXPECT_NEAR(found.per_type[t].f1, e["f1"][t].get<double>(), kTolerance);
      EXPECT_EQ(found.per_type[t].support, e["support"][t].get<std::int64_t>());
    }
    const auto n_unknown = std::count(truth.begin(), truth.end(), kNoLabel);
    EXPECT_EQ(found.n_unknown_label, n_unknown);
    EXPECT_EQ(found.n_cells, static_cast<std::int64_t>(truth.size()) - n_unknown);
    Evaluation split = found;
    set_without_label(split, n_unknown);
    EXPECT_EQ(split.n_unknown_label, 0);
    EXPECT_EQ(split.n_without_label, n_unknown);
    EXPECT_EQ(found.loss, std::nullopt);
  }
}

INSTANTIATE_TEST_SUITE_P(Versions, EvaluateAgainstScikitLearn,
                         testing::Values("expected_sklearn-1.2.1.json",
                                         "expected_sklearn-1.9.1.json"),
                         [](const auto& version) { return version.index == 0 ? "Old" : "New"; });

TEST(Evaluate, ConfidencesOnABinBorderBelongBelowIt) {
  // In doubles exactly: 0.2 = 3/15 is the upper border of the third bin. A cell at 0.2 + tiny falls
  // into the next one, so the two do not share a mean.
  DenseMatrix p(2, 5);
  for (std::int64_t c = 0; c < 5; ++c) {
    p(0, c) = 1.0F;  // 1/5 of the row each
    p(1, c) = c == 0 ? 1.0F + 0x1.0p-20F : 1.0F;
  }
  const std::vector<LabelIndex> truth = {0, 1};  // the first is right, the second wrong
  const double high = (1.0 + 0x1.0p-20) / (5.0 + 0x1.0p-20);
  EXPECT_NEAR(evaluate(p.view(), truth, types_named(5)).ece, (0.8 + high) / 2, 1e-15);
}

TEST(Evaluate, ACellWithoutCountsIsWrongAndInNoColumn) {
  const auto p = matrix_of({{0, 0, 0}, {0.75, 0.25, 0}});
  const std::vector<LabelIndex> truth = {0, 0};
  const auto found = evaluate(p.view(), truth, types_named(3));
  EXPECT_EQ(found.n_cells, 2);
  EXPECT_EQ(found.n_unassigned, 1);
  EXPECT_EQ(found.confusion, (std::vector<std::int64_t>{1, 0, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(found.accuracy, 0.5);
  EXPECT_EQ(found.per_type[0].support, 2);
  EXPECT_EQ(found.per_type[0].recall, 0.5);
  EXPECT_EQ(found.per_type[0].precision, 1.0);
  EXPECT_NEAR(found.nll, (52 * std::log(2.0) - std::log(0.75)) / 2, 1e-12);
  EXPECT_NEAR(found.brier, (1.0 + 2 * 0.0625) / 2, 1e-12);
  EXPECT_NEAR(found.ece, 0.25 / 2, 1e-12);  // confidence 0 and wrong is perfectly calibrated
}

Evaluation rejecting(const DenseMatrix& p, const std::vector<LabelIndex>& labels,
                     const std::vector<LabelIndex>& truth) {
  const LabelSet types = types_named(p.n_cols());
  EvaluationSums sums(types);
  sums.add_rejecting(p.view(), truth, labels);
  return sums.scores();
}

TEST(Evaluate, ScoresDoNotDependOnTheBlocksInWhichCellsCome) {
  const auto p = matrix_of({{0.7F, 0.2F, 0.1F}, {0.1F, 0.6F, 0.3F}, {0, 0, 0}, {0.3F, 0.3F, 0.4F}});
  const std::vector<LabelIndex> truth = {0, 1, kNoLabel, 1};
  const LabelSet types = types_named(3);
  const auto whole = evaluate(p.view(), truth, types, p.view(), kernels::Loss::CrossEntropy);
  EvaluationSums sums(types, kernels::Loss::CrossEntropy);
  for (std::int64_t cell = 0; cell < 4; ++cell) {
    const DenseView row{1, 3, p.row(cell).data()};
    sums.add(row, std::span(truth).subspan(as_size(cell), 1), row);
  }
  const Evaluation found = sums.scores();
  EXPECT_EQ(found.confusion, whole.confusion);
  EXPECT_EQ(found.n_unknown_label, 1);
  EXPECT_EQ(found.loss, whole.loss);
  EXPECT_EQ(found.nll, whole.nll);
  EXPECT_EQ(found.brier, whole.brier);
  EXPECT_EQ(found.ece, whole.ece);
  EXPECT_EQ(found.macro_f1, whole.macro_f1);
}

TEST(Evaluate, ARejectedCellIsWrongWhateverItsProbabilities) {
  const auto p = matrix_of({{0.75, 0.25, 0}, {0.75, 0.25, 0}, {0, 1, 0}});
  const std::vector<LabelIndex> truth = {0, 0, 1};
  const std::vector<LabelIndex> labels = {0, kNoLabel, 1};
  EXPECT_EQ(evaluate(p.view(), truth, types_named(3)).accuracy, 1.0);
  const auto found = rejecting(p, labels, truth);
  EXPECT_EQ(found.n_unassigned, 1);
  EXPECT_DOUBLE_EQ(found.accuracy, 2.0 / 3);
  EXPECT_DOUBLE_EQ(found.macro_f1, (2.0 / 3 + 1) / 2);
}

TEST(Evaluate, ALabelThatIsGivenDecidesWhatRoundedProbabilitiesDoNot) {
  const auto p = matrix_of({{0, 0, 0}, {1, 1, 0}});  // sigmoids of -900, -200, -300 and 90, 200, -5
  const std::vector<LabelIndex> truth = {1, 1};
  EXPECT_EQ(evaluate(p.view(), truth, types_named(3)).accuracy, 0.0);
  const std::vector<LabelIndex> best = {1, 1};
  const auto found =
      evaluate(p.view(), truth, types_named(3), std::nullopt, kernels::Loss::CrossEntropy, best);
  EXPECT_EQ(found.accuracy, 1.0);
  EXPECT_EQ(found.n_unassigned, 0);
  EXPECT_EQ(rejecting(p, best, truth).accuracy, 1.0);
}

TEST(Evaluate, LossFollowsTheStatedFormula) {
  const auto logits = matrix_of({{1.0, -0.5, 0.25}, {0.0, 3.0, -2.0}, {5.0, 5.0, 5.0}});
  const std::vector<LabelIndex> truth = {0, kNoLabel, 2};
  const auto cross_entropy = [](const std::vector<double>& z, std::size_t label) {
    double sum = 0;
    for (const double value : z) sum += std::exp(value);
    return std::log(sum) - z[label];
  };
  const auto softmax_twice = [&](std::vector<double> z, std::size_t label) {
    double sum = 0;
    for (double& value : z) sum += value = std::exp(value);
    for (double& value : z) value /= sum;
    return cross_entropy(z, label);
  };
  const auto plain =
      evaluate(logits.view(), truth, types_named(3), logits.view(), kernels::Loss::CrossEntropy);
  const auto article =
      evaluate(logits.view(), truth, types_named(3), logits.view(), kernels::Loss::Article);
  EXPECT_NEAR(plain.loss.value(),
              (cross_entropy({1, -0.5, 0.25}, 0) + cross_entropy({5, 5, 5}, 2)) / 2, 1e-12);
  EXPECT_NEAR(article.loss.value(),
              (softmax_twice({1, -0.5, 0.25}, 0) + softmax_twice({5, 5, 5}, 2)) / 2, 1e-12);
}

TEST(Evaluate, NoKnownLabelIsIncompatible) {
  const auto p = matrix_of({{0.5, 0.5}, {0.25, 0.75}});
  const std::vector<LabelIndex> truth = {kNoLabel, kNoLabel};
  try {
    evaluate(p.view(), truth, types_named(2));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Incompatible);
    EXPECT_NE(std::string(error.what()).find("'type0', 'type1'"), std::string::npos);
  }
}

TEST(Evaluate, MostConfusedPairsComeFirst) {
  Evaluation evaluation;
  evaluation.per_type = {{"a"}, {"b"}, {"c"}};
  evaluation.confusion = {9, 2, 0, 5, 9, 2, 0, 1, 9};
  const auto pairs = most_confused(evaluation, 3);
  ASSERT_EQ(pairs.size(), 3U);
  EXPECT_EQ(pairs[0].truth + pairs[0].predicted, "ba");
  EXPECT_EQ(pairs[0].n_cells, 5);
  EXPECT_EQ(pairs[1].truth + pairs[1].predicted, "ab");  // ties in the order of the types
  EXPECT_EQ(pairs[2].truth + pairs[2].predicted, "bc");
  EXPECT_EQ(most_confused(evaluation, 99).size(), 4U);
  EXPECT_TRUE(most_confused(evaluation, 0).empty());
}

}  // namespace
}  // namespace saithe
