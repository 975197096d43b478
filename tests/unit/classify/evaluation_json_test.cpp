// The JSON of an Evaluation: keys, exact numbers, awkward names.

#include "saithe/classify/evaluation_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace saithe {
namespace {

Evaluation sample() {
  Evaluation evaluation;
  evaluation.n_cells = 30;
  evaluation.n_unknown_label = 2;
  evaluation.n_without_label = 5;
  evaluation.accuracy = 0.1 + 0.2;
  evaluation.macro_f1 = 1.0 / 3.0;
  evaluation.median_f1 = 2.0 / 3.0;
  evaluation.nll = 5e-324;
  evaluation.brier = 1e22;
  evaluation.ece = 0.1;
  evaluation.per_type = {{"B \"cells\"\n", 1.0 / 7.0, 0.5, 0.25, 20}, {"CD4 T", 0, 0, 0, 10}};
  evaluation.confusion = {18, 2, 10, 0};
  return evaluation;
}

TEST(EvaluationJson, NumbersReadBackExactly) {
  const Evaluation evaluation = sample();
  const auto json = nlohmann::json::parse(evaluation_json(evaluation));
  EXPECT_EQ(json["n_cells"], 30);
  EXPECT_EQ(json["n_unknown_label"], 2);
  EXPECT_EQ(json["n_without_label"], 5);
  EXPECT_EQ(json["n_unassigned"], 0);
  EXPECT_EQ(json["accuracy"].get<double>(), evaluation.accuracy);
  EXPECT_EQ(json["macro_f1"].get<double>(), evaluation.macro_f1);
  EXPECT_EQ(json["median_f1"].get<double>(), evaluation.median_f1);
  EXPECT_EQ(json["nll"].get<double>(), evaluation.nll);
  EXPECT_EQ(json["brier"].get<double>(), evaluation.brier);
  EXPECT_EQ(json["ece"].get<double>(), evaluation.ece);
  EXPECT_TRUE(json["loss"].is_null());
  const auto& type = json["per_type"]["B \"cells\"\n"];
  EXPECT_EQ(type["precision"].get<double>(), 1.0 / 7.0);
  EXPECT_EQ(type["recall"], 0.5);
  EXPECT_EQ(type["f1"], 0.25);
  EXPECT_EQ(type["support"], 20);
  EXPECT_EQ(json["confusion"], nlohmann::json::parse("[[18, 2], [10, 0]]"));
}

TEST(EvaluationJson, LossStandsWhereThereIsOne) {
  Evaluation evaluation = sample();
  evaluation.loss = 1.275;
  EXPECT_EQ(nlohmann::json::parse(evaluation_json(evaluation))["loss"], 1.275);
}

TEST(EvaluationJson, WhatRejectionCostsStandsBeside) {
  Evaluation rejecting = sample();
  rejecting.n_unassigned = 4;
  rejecting.accuracy = 0.5;
  const auto json = nlohmann::json::parse(evaluation_json(sample(), rejecting));
  EXPECT_EQ(json["rejecting"]["n_unassigned"], 4);
  EXPECT_EQ(json["rejecting"]["accuracy"], 0.5);
  EXPECT_EQ(json["rejecting"]["macro_f1"].get<double>(), rejecting.macro_f1);
  EXPECT_EQ(json["n_unassigned"], 0);
}

TEST(EvaluationJson, MetricsHoldBothSets) {
  Evaluation validation = sample();
  validation.n_cells = 7;
  const auto json = nlohmann::json::parse(metrics_json(sample(), validation));
  ASSERT_EQ(json.size(), 2U);
  EXPECT_EQ(json["train"]["n_cells"], 30);
  EXPECT_EQ(json["validation"]["n_cells"], 7);
}

TEST(EvaluationJson, ANameThatIsNoUtf8DoesNotFail) {
  Evaluation evaluation = sample();
  evaluation.per_type[1].cell_type = "T\xff";
  const auto json = nlohmann::json::parse(evaluation_json(evaluation));
  EXPECT_EQ(json["per_type"].count("T\xef\xbf\xbd"), 1U);
}

}  // namespace
}  // namespace saithe
