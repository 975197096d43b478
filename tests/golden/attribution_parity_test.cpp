// Integrated gradients and gradients against PyTorch's autograd on dense cells
// (attribution/expected.json, written by attribution/generate.py).

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "saithe/classify/attribution.h"
#include "saithe/core/text_io.h"

namespace saithe {
namespace {

// Both are float64 sums of the same 4096 steps in other orders; observed 4e-15.
constexpr double kTolerance = 1e-10;
// What the default of 32 steps may cost, of the difference between the ends of the path.
constexpr double kFewSteps = 0.01;

nlohmann::json expected_file() {
  return nlohmann::json::parse(read_file(SAITHE_TEST_FILES "/attribution/expected.json", 1 << 20));
}

AlignedVector<float> floats(const nlohmann::json& values) {
  const auto read = values.get<std::vector<float>>();
  return {read.begin(), read.end()};
}

std::vector<AlignedVector<float>> all_floats(const nlohmann::json& arrays) {
  std::vector<AlignedVector<float>> all;
  for (const auto& array : arrays) all.push_back(floats(array));
  return all;
}

/// (outputs, inputs) as PyTorch has it -> (inputs, outputs).
AlignedVector<float> by_gene(const AlignedVector<float>& weights, std::size_t n_genes) {
  const std::size_t n_units = weights.size() / n_genes;
  AlignedVector<float> turned(weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    turned[i % n_genes * n_units + i / n_genes] = weights[i];
  }
  return turned;
}

Model model_of(const nlohmann::json& file) {
  Model model;
  const int n_types = file.at("n_types").get<int>();
  std::vector<std::string> names;
  for (int t = 0; t < n_types; ++t) names.push_back("type" + std::to_string(t));
  model.types = LabelSet(names);
  for (const auto& json : file.at("members")) {
    Member member;
    member.shape.n_inputs = file.at("n_genes").get<std::int64_t>();
    member.shape.hidden = json.at("hidden").get<std::vector<int>>();
    member.shape.n_outputs = n_types;
    member.shape.layer_norm = json.at("layer_norm").get<bool>();
    member.parameters.weights = all_floats(json.at("weights"));
    member.parameters.weights.front() =
        by_gene(member.parameters.weights.front(), as_size(member.shape.n_inputs));
    member.parameters.biases = all_floats(json.at("biases"));
    if (member.shape.layer_norm) {
      member.parameters.norm_gains = all_floats(json.at("gains"));
      member.parameters.norm_biases = all_floats(json.at("norm_biases"));
    }
    model.members.push_back(std::move(member));
  }
  share_out(model.members, 1 / static_cast<double>(model.members.size()));
  return model;
}

CsrMatrix rows_of(const nlohmann::json& rows, GeneIndex n_genes) {
  CsrMatrix matrix;
  matrix.n_cols = n_genes;
  for (const auto& row : rows) {
    for (const auto& entry : row) {
      matrix.columns.push_back(entry.at(0).get<GeneIndex>());
      matrix.values.push_back(entry.at(1).get<float>());
    }
    matrix.row_start.push_back(static_cast<RowPointer>(matrix.columns.size()));
    ++matrix.n_rows;
  }
  return matrix;
}

Attributor attributor_of(const Model& model, const nlohmann::json& json, int n_steps) {
  Background background;
  background.values =
      rows_of(json.at("background"), static_cast<GeneIndex>(json.at("offset").size()));
  background.offset = json.at("offset").get<std::vector<float>>();
  return {model, std::move(background), json.at("shift").get<std::vector<float>>(), n_steps};
}

void expect_near(const std::vector<double>& values, const nlohmann::json& expected,
                 const char* what) {
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t gene = 0; gene < values.size(); ++gene) {
    EXPECT_NEAR(values[gene], expected[gene].get<double>(), kTolerance) << what << " " << gene;
  }
}

TEST(AttributionParity, SameAsAutogradOfDenseCells) {
  const auto file = expected_file();
  const Model model = model_of(file);
  for (const auto& json : file.at("cases")) {
    SCOPED_TRACE(json.at("name").get<std::string>());
    const Attributor exact = attributor_of(model, json, file.at("n_steps").get<int>());
    const Attributor coarse = attributor_of(model, json, 32);
    const CsrMatrix cells =
        rows_of(json.at("cells"), static_cast<GeneIndex>(json.at("offset").size()));
    for (const auto& expected : json.at("expected")) {
      const auto row = expected.at("cell").get<CellIndex>();
      const CellFeatures cell{cells.view().row_columns(row), cells.view().row_values(row)};
      const auto contrast = expected.at("contrast").get<std::vector<double>>();
      EXPECT_NEAR(exact.value(cell, contrast), expected.at("value").get<double>(), kTolerance);
      expect_near(exact.gradient(cell, contrast), expected.at("gradient"), "gradient");
      std::vector<double> attributions(json.at("offset").size());
      const Completeness complete = exact.attribute(cell, contrast, attributions);
      expect_near(attributions, expected.at("attribution"), "attribution");
      const double difference = expected.at("difference").get<double>();
      EXPECT_NEAR(complete.difference, difference, kTolerance);
      EXPECT_NEAR(coarse.attribute(cell, contrast, attributions).sum, difference,
                  kFewSteps * std::max(std::abs(difference), 0.1));
    }
  }
}

}  // namespace
}  // namespace saithe
