#include "saithe/classify/model_card.h"

#include <gtest/gtest.h>

namespace saithe {
namespace {

Model carded_model() {
  Model model;
  model.types = LabelSet({"B", "T|cell"});
  model.preprocessor =
      Preprocessor({}, ExpressionKind::Counts, {{"g1", "g2", "g3"}, {}, {0.2, 0.3, 0.5}, {0, 2}},
                   {0.1, 0.2}, {1, 1});
  model.members.resize(1);
  model.members[0].shape = {2, {}, {}, 2};
  model.card.sources = {"blood.h5ad"};
  model.card.input_sha256 = "abc";
  model.card.cells_of_type = {30, 12};
  model.card.n_donors = 4;
  model.card.n_suspects = 3;
  model.saithe_version = "9.9";
  model.seed = 5;
  return model;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(ModelCard, TellsWhatTheModelWasMadeFrom) {
  const std::string card = model_card_markdown(carded_model());
  for (const char* part :
       {"blood.h5ad", "| training cells | 42 |", "| donors | 4 |", "2 inputs of 3", "abc",
        "9.9, seed 5", "3 (0 not trained on)", "Not validated", "| B | 30 | - |"}) {
    EXPECT_TRUE(holds(card, part)) << part << "\n" << card;
  }
}

TEST(ModelCard, TellsScoresThresholdAndTemperature) {
  Model model = carded_model();
  model.calibration.temperature = 1.25;
  model.card.scores.validation = "by-donor";
  model.card.scores.n_cells = 40;
  model.card.scores.macro_f1 = 0.8125;
  model.card.scores.nll = 0.3125;
  model.card.scores.nll_uncalibrated = 0.4375;
  model.card.scores.brier = 0.1875;
  model.card.scores.brier_uncalibrated = 0.2031;
  model.card.scores.ece_uncalibrated = 0.0721;
  model.card.scores.f1_of_type = {0.75, 0.875};
  model.novelty.n_types = 2;
  model.novelty.n_axes = 1;
  for (std::size_t i = 0; i < kNoveltyQuantiles; ++i) {
    model.novelty.held_out_quantiles.push_back(static_cast<double>(i) / 10);
  }
  const std::string card = model_card_markdown(model);
  for (const char* part :
       {"40 cells", "by-donor", "0.8125", "(0.0721)",
        "| NLL (before calibration) | 0.3125 (0.4375) |", "| Brier (before) | 0.1875 (0.2031) |",
        "1.250", "99.00", "1.0 %", "| B | 30 | 0.7500 |"}) {
    EXPECT_TRUE(holds(card, part)) << part << "\n" << card;
  }
}

TEST(ModelCard, SaysWhereNothingIsKnown) {
  Model model = carded_model();
  EXPECT_FALSE(is_calibrated(model));
  EXPECT_EQ(calibration_text(model), "nothing: not calibrated");
  EXPECT_TRUE(holds(model_card_markdown(model), "probabilities were not calibrated"));
  model.card.scores.n_cells = 40;
  EXPECT_FALSE(is_calibrated(model));  // no cell was left to fit it on
  model.calibration.temperature = 1.25;
  EXPECT_TRUE(is_calibrated(model));
  EXPECT_TRUE(holds(model_card_markdown(model), ", fitted on these cells"));
  model.card.n_suspects_dropped = 3;
  EXPECT_TRUE(holds(model_card_markdown(model), "fitted on those of these cells that trained"));
  EXPECT_TRUE(holds(model_card_markdown(model), "3 cells with suspect labels did not train"));
  EXPECT_TRUE(holds(model_card_markdown(model), "calibrated within the reference"));
  model.options = {{"calibrate", "false"}, {"find-suspects", "false"}};
  EXPECT_FALSE(is_calibrated(model));
  EXPECT_EQ(suspects_text(model), "not looked for");
  model.card = {};  // as of an imported one
  EXPECT_EQ(training_cells_text(model), "not stated");
  EXPECT_EQ(suspects_text(model), "not stated");
}

TEST(ModelCard, TellsWhatWasLeftOut) {
  Model model = carded_model();
  EXPECT_EQ(left_out_text(model), "not stated");
  EXPECT_EQ(shallow_counts_text(model), "not stated");
  model.card.left_out = LeftOutCells{};
  EXPECT_EQ(left_out_text(model), "nothing");
  model.card.left_out = {13, 1, {{"N|K", 2}, {"Mast", 1}}};
  model.card.shallow_counts = 812.4;
  EXPECT_EQ(left_out_text(model),
            "13 cells without a label, 1 cell without counts, type 'N|K' of 2 cells, type 'Mast' "
            "of 1 cell");
  const std::string card = model_card_markdown(model);
  EXPECT_TRUE(holds(card, "type 'N\\|K' of 2 cells")) << card;
  EXPECT_TRUE(holds(card, "99 % have 812 or more")) << card;
}

TEST(ModelCard, NamesCannotBreakTheTable) {
  const std::string card = model_card_markdown(carded_model());
  EXPECT_TRUE(holds(card, "T\\|cell")) << card;
}

}  // namespace
}  // namespace saithe
