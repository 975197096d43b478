// Models of CellTypist read from their pickles, and on damage of every kind. What they predict is
// compared with CellTypist's own answers in celltypist_parity_test.cpp.

#include "saithe/classify/celltypist_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>

#include "pickle_bytes.h"
#include "saithe/core/error.h"
#include "saithe/core/random.h"
#include "saithe/core/text_io.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using namespace testing;  // NOLINT: the shared parts of these tests
using Fields = std::map<std::string, std::string>;

/// The parts of a model's pickle, each as its opcodes.
struct ModelParts {
  std::pair<std::string, std::string> classifier_class = {"sklearn.linear_model._logistic",
                                                          "LogisticRegression"};
  std::pair<std::string, std::string> scaler_class = {"sklearn.preprocessing._data",
                                                      "StandardScaler"};
  Fields classifier = {
      {"classes_", object_array({text("B"), text("NK"), text("T")})},
      {"coef_", array({3, 2}, dtype("f8"), doubles({1, 2, 3, 4, 5, 6}))},
      {"intercept_", double_array({-1, -2, -3})},
      {"features", object_array({text("CD3D"), text("MS4A1")})},
      {"n_features_in_", integer(2)},
      {"_sklearn_version", text("1.6.1")},
  };
  Fields scaler = {
      {"with_mean", boolean(true)},
      {"mean_", double_array({0.5, 0.25})},
      {"scale_", double_array({2, 4})},
      {"n_features_in_", integer(2)},
  };
  Fields description = {{"date", text("today")}, {"number_celltypes", integer(3)}};
};

std::string dict_of(const Fields& fields) {
  return dict({fields.begin(), fields.end()});
}
std::string estimator(const std::pair<std::string, std::string>& name, const Fields& fields) {
  return global(name.first, name.second) + ")\x81" + dict_of(fields) + "b";
}
std::string bytes_of(const ModelParts& parts) {
  return pickle(dict({{"Model", estimator(parts.classifier_class, parts.classifier)},
                      {"Scaler_", estimator(parts.scaler_class, parts.scaler)},
                      {"description", dict_of(parts.description)}}));
}

std::string refusal(const std::string& bytes) {
  try {
    parse_celltypist_model(bytes, "file");
    return {};
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::BadFormat) << error.what();
    EXPECT_EQ(std::string(error.what()).rfind("file: ", 0), 0U) << error.what();
    return error.what();
  }
}

std::string fixture(const std::string& name) {
  return read_file(std::string(SAITHE_TEST_FILES) + "/celltypist/" + name, 1 << 20);
}

/// What holds of every model that is let through.
void expect_sound(const CellTypistModel& model) {
  const std::size_t n_types = model.cell_types.size();
  const std::size_t n_genes = model.genes.size();
  EXPECT_GE(n_types, 2U);
  EXPECT_GE(n_genes, 1U);
  EXPECT_EQ(model.coefficients.size(), n_types * n_genes);
  EXPECT_EQ(model.intercepts.size(), n_types);
  EXPECT_EQ(model.mean.size(), n_genes);
  EXPECT_EQ(model.scale.size(), n_genes);
  for (const double weight : model.coefficients) EXPECT_TRUE(std::isfinite(weight));
  for (const double scale : model.scale) EXPECT_GT(scale, 0);
}

TEST(CellTypistModel, EveryPartIsRead) {
  const CellTypistModel model = parse_celltypist_model(bytes_of({}), "file");
  expect_sound(model);
  EXPECT_EQ(model.cell_types, (std::vector<std::string>{"B", "NK", "T"}));
  EXPECT_EQ(model.genes, (std::vector<std::string>{"CD3D", "MS4A1"}));
  EXPECT_EQ(model.coefficients, (std::vector<double>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(model.intercepts, (std::vector<double>{-1, -2, -3}));
  EXPECT_EQ(model.mean, (std::vector<double>{0.5, 0.25}));
  EXPECT_EQ(model.scale, (std::vector<double>{2, 4}));
  EXPECT_TRUE(model.with_mean);
  EXPECT_EQ(model.classifier, "LogisticRegression");
  EXPECT_EQ(model.sklearn_version, "1.6.1");
  const std::vector<std::pair<std::string, std::string>> description = {{"date", "today"},
                                                                        {"number_celltypes", "3"}};
  EXPECT_EQ(model.description, description);
}

TEST(CellTypistModel, TwoTypesWithOneRowGetTheirOwn) {
  ModelParts parts;
  parts.classifier["classes_"] = object_array({text("B"), text("T")});
  parts.classifier["coef_"] = array({1, 2}, dtype("f8"), doubles({3, -4}));
  parts.classifier["intercept_"] = double_array({5});
  const CellTypistModel one_row = parse_celltypist_model(bytes_of(parts), "file");
  EXPECT_EQ(one_row.coefficients, (std::vector<double>{-3, 4, 3, -4}));
  EXPECT_EQ(one_row.intercepts, (std::vector<double>{-5, 5}));
  // two types kept of more have two rows already
  parts.classifier["coef_"] = array({2, 2}, dtype("f8"), doubles({1, 2, 3, 4}));
  parts.classifier["intercept_"] = double_array({5, 6});
  const CellTypistModel two_rows = parse_celltypist_model(bytes_of(parts), "file");
  EXPECT_EQ(two_rows.coefficients, (std::vector<double>{1, 2, 3, 4}));
  EXPECT_EQ(two_rows.intercepts, (std::vector<double>{5, 6}));
}

TEST(CellTypistModel, WithoutMeanTheMeanIsOfNoAccount) {
  ModelParts parts;
  parts.scaler["with_mean"] = boolean(false);
  EXPECT_EQ(parse_celltypist_model(bytes_of(parts), "file").mean, (std::vector<double>{0, 0}));
  parts.scaler["mean_"] = none();
  const CellTypistModel model = parse_celltypist_model(bytes_of(parts), "file");
  EXPECT_EQ(model.mean, (std::vector<double>{0, 0}));
  EXPECT_FALSE(model.with_mean);
}

TEST(CellTypistModel, OtherVersionsAndTheObjectItself) {
  ModelParts parts;
  parts.classifier_class = {"sklearn.linear_model.stochastic_gradient", "SGDClassifier"};
  parts.scaler_class = {"sklearn.preprocessing.data", "StandardScaler"};
  parts.classifier["loss_function_"] = object(global("sklearn.linear_model._sgd_fast", "Log"), {});
  parts.classifier.erase("n_features_in_");
  parts.classifier.erase("_sklearn_version");
  parts.description = {{"date", none()},
                       {"score", "G" + std::string("\x3f\xe0\0\0\0\0\0\0", 8)},
                       {"tags", list({text("a")})},
                       {"ok", boolean(true)}};
  const CellTypistModel model = parse_celltypist_model(bytes_of(parts), "file");
  EXPECT_EQ(model.classifier, "SGDClassifier");
  EXPECT_EQ(model.sklearn_version, "");
  const std::vector<std::pair<std::string, std::string>> description = {
      {"date", ""}, {"ok", "True"}, {"score", "0.5"}, {"tags", "(a list)"}};
  EXPECT_EQ(model.description, description);

  parts = {};
  const std::string fields =
      dict({{"classifier", estimator(parts.classifier_class, parts.classifier)},
            {"scaler", estimator(parts.scaler_class, parts.scaler)},
            {"description", dict_of(parts.description)}});
  const std::string whole = pickle(global("celltypist.models", "Model") + ")\x81" + fields + "b");
  EXPECT_EQ(parse_celltypist_model(whole, "file").coefficients,
            (std::vector<double>{1, 2, 3, 4, 5, 6}));
}

TEST(CellTypistModel, WhatDoesNotFitIsRefused) {
  struct Change {
    const char* name;
    std::function<void(ModelParts&)> make;
    const char* says;
  };
  const std::vector<Change> changes = {
      {"no features", [](auto& p) { p.classifier.erase("features"); }, "no 'features' in it"},
      {"no scale", [](auto& p) { p.scaler["scale_"] = none(); }, "None stands where an array"},
      {"other classifier",
       [](auto& p) {
         p.classifier_class = {"sklearn.svm._classes", "LinearSVC"};
       },
       "'sklearn.svm._classes.LinearSVC'"},
      {"of a GPU",
       [](auto& p) {
         p.classifier_class = {"cuml.linear_model", "LogisticRegression"};
       },
       "'cuml.linear_model.LogisticRegression'"},
      {"scaler for classifier", [](auto& p) { p.classifier_class = p.scaler_class; },
       "expected an object of sklearn.linear_model"},
      {"classifier for scaler", [](auto& p) { p.scaler_class = p.classifier_class; },
       "expected an object of sklearn.preprocessing"},
      {"a gene twice",
       [](auto& p) {
         p.classifier["features"] = object_array({text("A"), text("A")});
       },
       "'A' stands twice"},
      {"a type twice",
       [](auto& p) {
         p.classifier["classes_"] = object_array({text("A"), text("B"), text("A")});
       },
       "'A' stands twice"},
      {"one type", [](auto& p) { p.classifier["classes_"] = object_array({text("A")}); },
       "1 cell types"},
      {"no genes", [](auto& p) { p.classifier["features"] = object_array({}); }, "0 genes"},
      {"more genes",
       [](auto& p) {
         p.classifier["features"] = object_array({text("A"), text("B"), text("C")});
       },
       "fitted with 2 genes, but the model names 3"},
      {"fewer columns",
       [](auto& p) {
         p.classifier["coef_"] = array({3, 1}, dtype("f8"), doubles({1, 2, 3}));
       },
       "expected 3 cell types x 2 genes"},
      {"one row for three types",
       [](auto& p) {
         p.classifier["coef_"] = array({1, 2}, dtype("f8"), doubles({1, 2}));
       },
       "expected 3 cell types x 2 genes"},
      {"flat coefficients",
       [](auto& p) {
         p.classifier["coef_"] = double_array({1, 2, 3, 4, 5, 6});
       },
       "6 coefficients in 1 dimensions"},
      {"an infinite coefficient",
       [](auto& p) {
         p.classifier["coef_"] = array({3, 2}, dtype("f8"), doubles({1, 2, 3, 4, 5, INFINITY}));
       },
       "coef_: a value that is not finite"},
      {"one intercept", [](auto& p) { p.classifier["intercept_"] = double_array({1}); },
       "1 numbers in 1 dimensions; expected 3"},
      {"a scale of 0",
       [](auto& p) {
         p.scaler["scale_"] = double_array({1, 0});
       },
       "0 for the gene 'MS4A1'"},
      {"more means",
       [](auto& p) {
         p.scaler["mean_"] = double_array({1, 2, 3});
       },
       "3 numbers in 1 dimensions; expected 2"},
      {"another scaler's count", [](auto& p) { p.scaler["n_features_in_"] = integer(3); },
       "fitted with 3 genes"},
      {"with_mean unclear", [](auto& p) { p.scaler["with_mean"] = none(); }, "expected a boolean"},
  };
  for (const Change& change : changes) {
    ModelParts parts;
    change.make(parts);
    const std::string message = refusal(bytes_of(parts));
    EXPECT_NE(message.find(change.says), std::string::npos) << change.name << ": " << message;
  }
}

TEST(CellTypistModel, OtherFilesAreRefused) {
  EXPECT_NE(refusal("").find("cut"), std::string::npos);
  EXPECT_NE(refusal("PK\x03\x04 not one of ours"), "");
  EXPECT_NE(refusal("\x89HDF\r\n\x1a\n"), "");
  EXPECT_NE(refusal(pickle(list({}))).find("holds a list"), std::string::npos);
  EXPECT_NE(refusal(pickle(dict({}))).find("no 'Model'"), std::string::npos);
  EXPECT_NE(refusal(pickle(dict({{"Model", none()}}))).find("found None"), std::string::npos);
  EXPECT_NE(refusal(pickle(object(global("os", "system"), {text("true")}))).find("'os.system'"),
            std::string::npos);
  EXPECT_THROW(load_celltypist_model("/no/such/model.pkl"), Error);
  const testing::FolderForTest folder;
  testing::write_bytes(folder / "cells.h5ad", "\x89HDF\r\n\x1a\n....");
  EXPECT_SAITHE_ERROR(load_celltypist_model(folder / "cells.h5ad"), ErrorKind::BadFormat,
                      "is an HDF5 file; expected a model");
}

TEST(CellTypistModel, EveryTruncationIsRefused) {
  for (const char* name : {"two_types.pkl", "two_types_protocol_0.pkl", "two_types_protocol_2.pkl",
                           "two_types_protocol_5.pkl"}) {
    const std::string bytes = fixture(name);
    expect_sound(parse_celltypist_model(bytes, "file"));
    for (std::size_t n = 0; n < bytes.size(); ++n) {
      EXPECT_FALSE(refusal(bytes.substr(0, n)).empty()) << name << " cut at " << n;
    }
    EXPECT_FALSE(refusal(bytes + "x").empty()) << name;
  }
}

TEST(CellTypistModel, EveryFlippedBitIsRefusedOrAModel) {
  const std::string bytes = fixture("two_types.pkl");
  int n_accepted = 0;
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    try {
      expect_sound(parse_celltypist_model(damaged, "file"));
      ++n_accepted;  // another coefficient, or an option that does not matter
    } catch (const Error& error) {
      ASSERT_EQ(error.kind(), ErrorKind::BadFormat) << "bit " << bit << ": " << error.what();
    }
  }
  EXPECT_GT(n_accepted, 1000);
  EXPECT_LT(n_accepted, static_cast<int>(8 * bytes.size()) - 1000);
}

TEST(CellTypistModel, RandomDamageIsRefusedOrAModel) {
  int n_accepted = 0;
  int n_refused = 0;
  for (const char* name :
       {"two_types.pkl", "two_types_protocol_0.pkl", "two_types_protocol_5.pkl"}) {
    const std::string bytes = fixture(name);
    for (std::uint64_t round = 0; round < 3000; ++round) {
      const Random random(17, round);
      std::string damaged = bytes;
      const std::uint64_t n_changes = 1 + random.below(0, 4);
      for (std::uint64_t i = 0; i < n_changes; ++i) {
        const auto at = static_cast<std::size_t>(random.below(5 * i + 1, damaged.size()));
        const auto value = static_cast<char>(random.below(5 * i + 2, 256));
        const auto length = static_cast<std::size_t>(random.below(5 * i + 4, 64));
        switch (random.below(5 * i + 3, 4)) {
          case 0:
            damaged[at] = value;
            break;
          case 1:
            damaged.insert(at, 1, value);
            break;
          case 2:
            damaged.erase(at, length);
            break;
          default:  // a piece of it again elsewhere
            damaged.insert(
                at, bytes.substr(static_cast<std::size_t>(random.below(5 * i + 5, bytes.size())),
                                 length));
        }
      }
      try {
        expect_sound(parse_celltypist_model(damaged, "file"));
        ++n_accepted;
      } catch (const Error& error) {
        ASSERT_EQ(error.kind(), ErrorKind::BadFormat) << round << ": " << error.what();
        ++n_refused;
      }
    }
  }
  // both ends of the property were reached
  EXPECT_GT(n_accepted, 50);
  EXPECT_GT(n_refused, 1000);
}

}  // namespace
}  // namespace saithe
