// predict() where it decides: cells of no known type, allowed and denied types, the runner-up, the
// kind of the values.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "saithe/classify/ensemble.h"
#include "saithe/classify/missing_genes.h"
#include "saithe/classify/predict.h"
#include "saithe/classify/train.h"
#include "saithe/classify/type_misfit.h"
#include "saithe/prep/normalize.h"
#include "support/marker_cells.h"

namespace saithe {
namespace {

using testing::empty_cell;
using testing::marker_cells;

/// The fast preset on marker cells of four types.
const Model& small_model() {
  static const Model model = [] {
    const TrainOptions options = TrainOptions::preset("fast");
    const Dataset dataset = marker_cells(400, 40, 4);
    return train(prepare_training_data(dataset, dataset.obs().as_text("cell_type"), options,
                                       Context(1)),
                 options, kernels::Device::Cpu, Context(1))
        .model;
  }();
  return model;
}

/// Other cells of the same types, one of them without counts.
Dataset query() {
  Dataset dataset = marker_cells(300, 40, 4, 8);
  empty_cell(dataset, 7);
  return dataset;
}

Predictions said(const PredictOptions& options = {}, const Model& model = small_model(),
                 Dataset dataset = query()) {
  return predict(model, dataset, options, kernels::Device::Cpu, Context(1));
}

/// What a novelty score says of cells as the model sees them.
std::vector<double> distances_of(const Model& model, const Dataset& dataset,
                                 const NoveltyModel& novelty) {
  const Context context(1);
  const auto backend = kernels::make_backend(kernels::Device::Cpu, context);
  const GeneMatch genes = model.preprocessor.match_genes(dataset.var());
  const Features features =
      model.preprocessor.apply(dataset.counts.view(), genes, ExpressionKind::Counts, context);
  const EnsembleOutput output =
      Ensemble(model, features.shift, *backend).forward(features.values.view(), false, context);
  const auto profiles =
      make_type_profiles(small_model().novelty, model.preprocessor.center(), genes.is_present);
  return novelty_distances(
      novelty, output.scores.view(), output.logits.view(),
      standard_misfits(novelty, profiles, output.scores.view(), output.sums.view(), Context(1)),
      Context(1));
}

std::int64_t n_unassigned(const Predictions& predictions) {
  return std::ranges::count(predictions.labels, kNoLabel);
}

TEST(PredictReject, CellsAboveTheThresholdAreUnassignedAndKeepTheirBestLabel) {
  PredictOptions options;
  options.false_reject_rate = 0.1;
  const Predictions found = said(options);
  const double threshold = novelty_threshold(small_model().novelty, 0.1);
  const auto distances = distances_of(small_model(), query(), small_model().novelty);
  EXPECT_GT(n_unassigned(found), 5);
  EXPECT_LT(n_unassigned(found), 80);
  for (std::size_t cell = 0; cell < 300; ++cell) {
    if (cell == 7) continue;
    EXPECT_EQ(found.labels[cell] == kNoLabel, distances[cell] > threshold) << cell;
    EXPECT_NEAR(static_cast<double>(found.novelty[cell]), distances[cell] / threshold, 1e-5);
    ASSERT_NE(found.best_labels[cell], kNoLabel);
    EXPECT_TRUE(found.labels[cell] == kNoLabel || found.labels[cell] == found.best_labels[cell]);
    const auto row = found.probabilities.row(static_cast<std::int64_t>(cell));
    EXPECT_EQ(found.confidence[cell], *std::ranges::max_element(row));
    EXPECT_EQ(found.confidence[cell], row[as_size(found.best_labels[cell])]);
  }
}

TEST(PredictReject, AHigherRateRejectsMoreAndNoneWhatOnlyEmptyCellsAre) {
  std::int64_t before = 1;  // the cell without counts
  for (const double rate : {0.0, 0.02, 0.1, 0.5}) {
    PredictOptions options;
    options.false_reject_rate = rate;
    const auto n = n_unassigned(said(options));
    EXPECT_TRUE(rate == 0 ? n == 1 : n >= before) << rate << ": " << n;
    before = n;
  }
  EXPECT_GT(before, 100);
  PredictOptions options;
  options.false_reject_rate = 0.5;
  options.reject = false;
  const Predictions all = said(options);
  EXPECT_EQ(n_unassigned(all), 1);
  EXPECT_EQ(all.labels, all.best_labels);
  EXPECT_GT(*std::ranges::max_element(all.novelty, {}, [](float n) { return n > 0 ? n : 0; }), 1);
  for (const double rate : {-0.1, 1.0}) {
    options.false_reject_rate = rate;
    EXPECT_THROW(said(options), Error);
  }
}

TEST(PredictReject, ACellWithoutCountsIsNothing) {
  for (const bool reject : {true, false}) {
    PredictOptions options;
    options.reject = reject;
    options.labels_deny = "type0";
    const Predictions found = said(options);
    EXPECT_EQ(found.labels[7], kNoLabel);
    EXPECT_EQ(found.best_labels[7], kNoLabel);
    EXPECT_EQ(found.runners_up[7], kNoLabel);
    EXPECT_EQ(found.confidence[7], 0.0F);
    EXPECT_EQ(found.runner_up_confidence[7], 0.0F);
    EXPECT_TRUE(std::isnan(found.novelty[7]));
    for (const float p : found.probabilities.row(7)) EXPECT_EQ(p, 0.0F);
  }
}

TEST(PredictReject, CellsThatLackGenesAreComparedWithTypesThatLackThem) {
  const Model& model = small_model();
  std::vector<GeneIndex> kept;
  for (GeneIndex gene = 0; gene < 40; ++gene) {
    if (gene % 3 != 0) kept.push_back(gene);
  }
  const Dataset poor = select_genes(query(), kept);
  const auto match = model.preprocessor.match_genes(poor.var());
  const auto completed = with_expected_genes(model, match.is_present);
  ASSERT_TRUE(completed.has_value());
  const auto distances = distances_of(*completed, poor, completed->novelty);
  const double threshold = novelty_threshold(model.novelty, 0.01);
  const Predictions found = said({}, model, poor);
  for (std::size_t cell = 0; cell < 300; ++cell) {
    if (cell == 7) continue;
    EXPECT_NEAR(static_cast<double>(found.novelty[cell]), distances[cell] / threshold, 1e-5);
  }
  EXPECT_LT(n_unassigned(found), 20);
  // They are as far as the same cells with all genes are, which they would not be from the types as
  // all genes see them.
  const auto median = [](std::vector<double> values) {
    std::ranges::nth_element(values, values.begin() + 150);
    return values[150];
  };
  const double whole = median(distances_of(model, query(), model.novelty));
  const double as_if_whole = median(distances_of(model, poor, model.novelty));
  EXPECT_LT(std::abs(median(distances) - whole), 0.5 * std::abs(as_if_whole - whole));
}

TEST(PredictReject, AModelWithoutNoveltyRejectsNothing) {
  Model model = small_model();
  model.novelty = {};
  const Predictions found = said({}, model);
  EXPECT_EQ(n_unassigned(found), 1);
  EXPECT_TRUE(std::ranges::all_of(found.novelty, [](float n) { return std::isnan(n); }));
}

TEST(RunnerUp, IsTheSecondMostProbableAndTiesGoToTheFirst) {
  const std::vector<float> p = {0.1F, 0.4F, 0.2F, 0.2F, 0.1F};
  const std::vector<bool> all(5, true);
  EXPECT_EQ(runner_up_of(p, 1, all), std::pair(LabelIndex{2}, 0.2F));
  const std::vector<float> even = {0.5F, 0.5F};
  EXPECT_EQ(runner_up_of(even, 0, all), std::pair(LabelIndex{1}, 0.5F));
  const std::vector<float> certain = {0, 0, 1};
  EXPECT_EQ(runner_up_of(certain, 2, all), std::pair(LabelIndex{0}, 0.0F));
  EXPECT_EQ(runner_up_of(certain, 2, {false, true, true}), std::pair(LabelIndex{1}, 0.0F));
  EXPECT_EQ(runner_up_of(certain, 2, {false, false, true}), std::pair(kNoLabel, 0.0F));
  // Decisions tell apart what sigmoids round to 0.
  const std::vector<float> decisions = {-900, -200, 30};
  EXPECT_EQ(runner_up_of(certain, 2, all, decisions), std::pair(LabelIndex{1}, 0.0F));
  const Predictions found = said();
  for (std::size_t cell = 0; cell < 300; ++cell) {
    if (cell == 7) continue;
    const auto row = found.probabilities.row(static_cast<std::int64_t>(cell));
    std::vector<float> sorted(row.begin(), row.end());
    std::ranges::sort(sorted, std::greater<>());
    EXPECT_EQ(found.runner_up_confidence[cell], sorted[1]);
    EXPECT_EQ(row[as_size(found.runners_up[cell])], sorted[1]);
    EXPECT_NE(found.runners_up[cell], found.best_labels[cell]);
  }
}

TEST(AllowedTypes, TheOthersAreZeroAndTheRestIsScaledToOne) {
  const Predictions all = said();
  PredictOptions allow;
  allow.labels_allow = "type3,type1";
  PredictOptions deny;
  deny.labels_deny = "type0,type2";
  PredictOptions both;
  both.labels_allow = "type0,type1,type3";
  both.labels_deny = "type0";
  for (const PredictOptions& options : {allow, deny, both}) {
    const Predictions found = said(options);
    for (CellIndex cell = 0; cell < 300; ++cell) {
      if (cell == 7) continue;
      EXPECT_EQ(found.probabilities(cell, 0), 0.0F);
      EXPECT_EQ(found.probabilities(cell, 2), 0.0F);
      const double rest = static_cast<double>(all.probabilities(cell, 1)) +
                          static_cast<double>(all.probabilities(cell, 3));
      for (const std::int64_t type : {1, 3}) {
        EXPECT_NEAR(static_cast<double>(found.probabilities(cell, type)),
                    static_cast<double>(all.probabilities(cell, type)) / rest, 1e-6);
      }
      const LabelIndex best = found.best_labels[as_size(cell)];
      EXPECT_TRUE(best == 1 || best == 3);
      EXPECT_EQ(found.novelty[as_size(cell)], all.novelty[as_size(cell)]);
    }
  }
}

TEST(AllowedTypes, WhereAllThatIsAllowedIsZeroNothingIsKnownAmongIt) {
  Model model = small_model();
  model.members[0].parameters.biases[0][0] += 2000;  // certain of type0
  PredictOptions options;
  options.labels_deny = "type0";
  const Predictions found = said(options, model);
  for (const std::int64_t type : {1, 2, 3}) {
    EXPECT_FLOAT_EQ(found.probabilities(0, type), 1.0F / 3);
  }
}

TEST(AllowedTypes, UnknownNamesAndNoTypeLeftAreRefused) {
  const auto refusal = [](const PredictOptions& options) -> std::string {
    try {
      said(options);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
      return error.what();
    }
    ADD_FAILURE() << "no error";
    return "";
  };
  PredictOptions options;
  options.labels_allow = "type1,Martian";
  const std::string message = refusal(options);
  EXPECT_NE(message.find("--labels-allow"), std::string::npos) << message;
  EXPECT_NE(message.find("'Martian'"), std::string::npos) << message;
  EXPECT_NE(message.find("type0, type1, type2, type3"), std::string::npos) << message;
  options = {};
  options.labels_deny = "Martian";
  EXPECT_NE(refusal(options).find("--labels-deny"), std::string::npos);
  options.labels_deny = "type0,type1,type2,type3";
  EXPECT_NE(refusal(options).find("leave no type"), std::string::npos);
  options.labels_allow = "type1";
  options.labels_deny = "type1";
  EXPECT_NE(refusal(options).find("leave no type"), std::string::npos);
  options.labels_deny = "type2";  // is not given anyway
  EXPECT_NE(refusal(options).find("--labels-deny has no effect on 'type2'"), std::string::npos);
}

TEST(TypeList, ANameMayHoldCommas) {
  const LabelSet types({"T cells", "T cells, CD4+", "T cells, CD4+, naive", "a,b"});
  const auto parsed = [&](const std::string& text) { return parse_type_list(text, types, "x"); };
  EXPECT_TRUE(parsed("").empty());
  EXPECT_EQ(parsed("T cells"), std::vector<LabelIndex>{0});
  EXPECT_EQ(parsed("T cells, CD4+"), std::vector<LabelIndex>{1});
  EXPECT_EQ(parsed("T cells,T cells, CD4+, naive,a,b"), (std::vector<LabelIndex>{0, 2, 3}));
  for (const char* text : {"T cells,", ",T cells", "T cells,naive", "t cells", " T cells"}) {
    EXPECT_THROW((void)parsed(text), Error) << text;
  }
}

TEST(MultiLabel, EveryTypeAboveTheThresholdIsNamed) {
  PredictOptions options;
  options.multi_label = 0.3;
  options.with_logits = true;
  const Predictions found = said(options);
  ASSERT_EQ(found.multi_labels.size(), 300U);
  EXPECT_TRUE(found.multi_labels[7].empty());  // without counts
  for (std::size_t cell = 0; cell < 300; ++cell) {
    if (cell == 7) continue;
    const auto row = static_cast<std::int64_t>(cell);
    EXPECT_EQ(found.multi_labels[cell],
              types_above(small_model().one_vs_rest, found.logits.row(row), 0.3));
  }
  PredictOptions denied = options;
  denied.labels_deny = "type0,type2";
  denied.multi_label = 0.001;
  for (const auto& types : said(denied).multi_labels) {
    for (const LabelIndex type : types) EXPECT_TRUE(type == 1 || type == 3);
  }
  EXPECT_TRUE(said().multi_labels.empty());
  Model model = small_model();
  model.one_vs_rest = {};
  try {
    said(options, model);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Incompatible);
  }
  for (const double threshold : {-0.1, 1.0}) {
    options.multi_label = threshold;
    EXPECT_THROW(said(options), Error);
  }
}

TEST(PredictKind, LogarithmsOfTheQueryAreTakenAsTheyAre) {
  Dataset logs = query();
  normalize_total(logs.counts, 1e4, Context(1));
  log1p_in_place(logs.counts, Context(1));
  const Predictions of_counts = said();
  const Predictions of_logs = said({}, small_model(), logs);
  EXPECT_EQ(of_counts.kind, ExpressionKind::Counts);
  EXPECT_EQ(of_logs.kind, ExpressionKind::LogNormalized);
  for (CellIndex cell = 0; cell < 300; ++cell) {
    for (std::int64_t type = 0; type < 4; ++type) {
      EXPECT_NEAR(static_cast<double>(of_logs.probabilities(cell, type)),
                  static_cast<double>(of_counts.probabilities(cell, type)), 1e-4);
    }
  }
  // Counts after the cells that are looked at, in a file that began with logarithms, are located.
  std::vector<CellIndex> many;
  for (CellIndex cell = 0; cell < 4500; ++cell) many.push_back(cell % 300);
  const CsrMatrix repeated = select_rows(logs.counts.view(), many);
  std::vector<std::string> names;
  for (CellIndex cell = 0; cell < 4500; ++cell) names.push_back(fmt::format("cell{}", cell));
  Dataset mixed("many", repeated, Table(names), logs.var());
  testing::stored_value(mixed, 4250, testing::first_gene(mixed, 4250)) = 30;
  try {
    said({}, small_model(), mixed);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::BadFormat);
    EXPECT_NE(std::string(error.what()).find("'cell4250'"), std::string::npos) << error.what();
  }
}

TEST(PredictBlocks, DecisionsDoNotDependOnThem) {
  PredictOptions options;
  options.false_reject_rate = 0.1;
  options.labels_deny = "type2";
  const Predictions whole = said(options);
  for (const std::int64_t block_cells : {1, 13, 299}) {
    options.block_cells = block_cells;
    const Predictions found = said(options);
    EXPECT_EQ(found.labels, whole.labels);
    EXPECT_EQ(found.best_labels, whole.best_labels);
    EXPECT_EQ(found.runners_up, whole.runners_up);
    EXPECT_EQ(found.runner_up_confidence, whole.runner_up_confidence);
    for (std::size_t cell = 0; cell < 300; ++cell) {
      if (cell == 7) continue;
      EXPECT_EQ(found.novelty[cell], whole.novelty[cell]);
    }
  }
}

}  // namespace
}  // namespace saithe
