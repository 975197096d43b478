// The words of a model as JSON. Refused words: model_file_damage_test.cpp.

#include "saithe/classify/model_json.h"

#include <gtest/gtest.h>

#include "support/reference_genes.h"

namespace saithe {
namespace {

Model worded_model() {
  Model model;
  model.types = LabelSet({"A \"quoted\"", "B"});
  ReferenceGenes genes{
      {"g\\1", "g\n2", "not an input"}, {"", "id2", "id3"}, {0.5, 0.25, 0.25}, {0, 1}};
  model.preprocessor = Preprocessor(
      {.n_variable_genes = 2, .target_sum = 0.1 + 0.2, .scale = false, .max_value = 1e-300},
      ExpressionKind::LogNormalized, std::move(genes), {0, 0}, {0, 0});
  model.members.resize(2);
  model.members[0].shape = {2, {}, {}, 2};
  model.members[1].shape = {2, {3}, {1.0 / 3.0}, 2, true};
  model.output = OutputKind::OneVsRest;
  model.calibration = {1.0 / 3.0, {-0.5, 0.25}};
  model.novelty.n_types = 2;
  model.novelty.n_axes = 7;
  model.novelty.misfit = {1, 2, 3};
  model.novelty.unseen_type = {1.0 / 3.0, 0};
  model.novelty.held_out_quantiles.assign(kNoveltyQuantiles, 1.0);
  model.one_vs_rest = {{1, 2}, {3, 4}};
  model.card.sources = {"a \"file\".h5ad"};
  model.card.input_sha256 = std::string(64, 'a');
  model.card.cells_of_type = {5, 1LL << 40};
  model.card.n_donors = 3;
  model.card.n_suspects = 4;
  model.card.n_suspects_dropped = 2;
  model.card.scores = {"5-fold", 6, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, {1.0 / 3.0, 1}};
  model.loss = kernels::Loss::CrossEntropy;
  model.options = {{"z", "1"}, {"a", ""}};
  model.saithe_version = "0.1.0";
  model.seed = 1ULL << 63;
  return model;
}

TEST(ModelJson, WordsComeBackExactly) {
  const auto words =
      parse_model_json(format_model_json(describe_model(worded_model()), "model"), "model");
  EXPECT_EQ(words.types, worded_model().types.names());
  ReferenceGenes genes = worded_model().preprocessor.reference();
  genes.count_share.clear();  // a tensor of its own
  EXPECT_EQ(words.genes, genes);
  EXPECT_TRUE(words.has_count_share);
  EXPECT_EQ(words.kind, ExpressionKind::LogNormalized);
  EXPECT_EQ(words.preprocessing.n_variable_genes, 2);
  EXPECT_EQ(words.preprocessing.target_sum, 0.1 + 0.2);
  EXPECT_EQ(words.preprocessing.max_value, 1e-300);
  EXPECT_FALSE(words.preprocessing.scale);
  ASSERT_EQ(words.members.size(), 2U);
  EXPECT_TRUE(words.members[0].hidden.empty());
  EXPECT_FALSE(words.members[0].layer_norm);
  EXPECT_EQ(words.members[1].hidden, std::vector<int>{3});
  EXPECT_EQ(words.members[1].dropout, std::vector<double>{1.0 / 3.0});
  EXPECT_TRUE(words.members[1].layer_norm);
  EXPECT_EQ(words.output, OutputKind::OneVsRest);
  EXPECT_EQ(words.calibration, worded_model().calibration);
  EXPECT_TRUE(words.has_novelty);
  EXPECT_EQ(words.n_novelty_axes, 7);
  EXPECT_TRUE(words.has_misfit);
  EXPECT_EQ(words.unseen_type, worded_model().novelty.unseen_type);
  EXPECT_TRUE(words.has_held_out_distances);
  EXPECT_TRUE(words.has_one_vs_rest);
  EXPECT_EQ(words.card, worded_model().card);
  EXPECT_EQ(words.options, worded_model().options);  // in their order
  EXPECT_EQ(words.seed, 1ULL << 63);
  EXPECT_EQ(words.loss, kernels::Loss::CrossEntropy);
  EXPECT_FALSE(words.was_interrupted);
}

TEST(ModelJson, WhatALoaderWouldRefuseIsNotStorable) {
  EXPECT_NO_THROW(require_storable(describe_model(worded_model()), "reference.h5ad"));
  Model nameless = worded_model();
  nameless.preprocessor =
      Preprocessor({}, ExpressionKind::Counts, testing::reference_genes({"", "b"}), {0, 0}, {1, 1});
  Model latin1 = worded_model();
  latin1.types = LabelSet({"A", "caf\xe9"});
  Model one_type = worded_model();
  one_type.types = LabelSet({"A"});
  Model with_tab = worded_model();
  with_tab.types = LabelSet({"A", "b\tc"});
  for (const Model& model : {nameless, latin1, one_type, with_tab}) {
    try {
      require_storable(describe_model(model), "reference.h5ad");
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::BadFormat);
      EXPECT_EQ(std::string(error.what()).rfind("reference.h5ad: ", 0), 0U) << error.what();
    }
  }
}

}  // namespace
}  // namespace saithe
