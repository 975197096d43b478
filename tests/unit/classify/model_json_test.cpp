// The words of a model as JSON. Refused words: model_file_damage_test.cpp.

#include "saithe/classify/model_json.h"

#include <gtest/gtest.h>

namespace saithe {
namespace {

Model worded_model() {
  Model model;
  model.types = LabelSet({"A \"quoted\"", "B"});
  model.preprocessor = Preprocessor({.target_sum = 0.1 + 0.2, .scale = false, .max_value = 1e-300},
                                    {"g\\1", "g\n2"}, {"", "id2"}, {0, 0}, {0, 0});
  model.shape = {2, {3}, {1.0 / 3.0}, 2};
  model.loss = kernels::Loss::CrossEntropy;
  model.options = {{"z", "1"}, {"a", ""}};
  model.saithe_version = "0.1.0";
  model.seed = 1ULL << 63;
  return model;
}

TEST(ModelJson, WordsComeBackExactly) {
  const auto words = parse_model_json(format_model_json(worded_model(), "model"), "model");
  EXPECT_EQ(words.types, worded_model().types.names());
  EXPECT_EQ(words.gene_names, worded_model().preprocessor.gene_names());
  EXPECT_EQ(words.gene_ids, worded_model().preprocessor.gene_ids());
  EXPECT_EQ(words.preprocessing.target_sum, 0.1 + 0.2);
  EXPECT_EQ(words.preprocessing.max_value, 1e-300);
  EXPECT_FALSE(words.preprocessing.scale);
  EXPECT_EQ(words.shape.hidden, std::vector<int>{3});
  EXPECT_EQ(words.shape.dropout, std::vector<double>{1.0 / 3.0});
  EXPECT_EQ(words.options, worded_model().options);  // in their order
  EXPECT_EQ(words.seed, 1ULL << 63);
  EXPECT_EQ(words.loss, kernels::Loss::CrossEntropy);
  EXPECT_FALSE(words.was_interrupted);
}

TEST(ModelJson, WhatALoaderWouldRefuseIsNotStorable) {
  EXPECT_NO_THROW(require_storable(worded_model(), "reference.h5ad"));
  Model nameless = worded_model();
  nameless.preprocessor = Preprocessor({}, {"", "b"}, {}, {0, 0}, {1, 1});
  Model latin1 = worded_model();
  latin1.types = LabelSet({"A", "caf\xe9"});
  Model one_type = worded_model();
  one_type.types = LabelSet({"A"});
  for (const Model& model : {nameless, latin1, one_type}) {
    try {
      require_storable(model, "reference.h5ad");
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::BadFormat);
      EXPECT_EQ(std::string(error.what()).rfind("reference.h5ad: ", 0), 0U) << error.what();
    }
  }
}

}  // namespace
}  // namespace saithe
