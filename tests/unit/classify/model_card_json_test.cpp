// The card of a model as JSON. More refused cards: model_file_damage_test.cpp.

#include "saithe/classify/model_card_json.h"

#include <gtest/gtest.h>

#include "saithe/core/error.h"

namespace saithe {
namespace {

ModelCard filled_card() {
  ModelCard card;
  card.sources = {"a \"file\".h5ad", "b.h5ad"};
  card.input_sha256 = std::string(64, 'a');
  card.cells_of_type = {5, 1LL << 40};
  card.n_donors = 3;
  card.n_suspects = 4;
  card.n_suspects_dropped = 2;
  card.left_out = LeftOutCells{
      .n_without_label = 7, .n_without_counts = 1, .small_types = {{"mast", 2}, {"pDC", 4}}};
  card.shallow_counts = 1.0 / 3.0;
  card.scores = {"5-fold", 6, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, {1.0 / 3.0, 1}};
  return card;
}

nlohmann::json json_of(const ModelCard& card) {
  return nlohmann::json::parse(model_card_json(card).dump());
}

TEST(ModelCardJson, ACardComesBackExactly) {
  EXPECT_EQ(read_model_card(json_of(filled_card()), "model"), filled_card());
  EXPECT_EQ(read_model_card(json_of(ModelCard()), "model"), ModelCard());
}

TEST(ModelCardJson, WhatNoTrainingGivesIsRefusedWithItsPlace) {
  const auto expect_refused = [](nlohmann::json json, const std::string& message) {
    try {
      (void)read_model_card(json, "model: card");
      ADD_FAILURE() << "no error about " << message;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::BadFormat);
      EXPECT_EQ(std::string(error.what()).rfind("model: card", 0), 0U) << error.what();
      EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
    }
  };
  auto json = json_of(filled_card());
  json["n_donors"] = -1;
  expect_refused(json, "n_donors");
  json = json_of(filled_card());
  json["left_out"]["cells_of_type"] = nlohmann::json::parse("[2]");
  expect_refused(json, "2 types with cells of 1");
  json = json_of(filled_card());
  json["scores"].erase("nll");
  expect_refused(json, "nll");
  json = json_of(filled_card());
  json["author"] = "me";
  expect_refused(json, "author");
  expect_refused(nlohmann::json::array(), "object");
}

}  // namespace
}  // namespace saithe
