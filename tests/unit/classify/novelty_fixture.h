#pragma once

// tests/golden/novelty/expected.json.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "saithe/classify/type_misfit.h"
#include "saithe/core/text_io.h"

namespace saithe::testing {

// Sums of 60 products in double, another order of additions than NumPy's.
inline constexpr double kNoveltyTolerance = 1e-10;

inline DenseMatrix dense_of(const nlohmann::json& json) {
  const auto rows = json.get<std::vector<std::vector<float>>>();
  DenseMatrix matrix(static_cast<std::int64_t>(rows.size()),
                     static_cast<std::int64_t>(rows[0].size()));
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::ranges::copy(rows[r], matrix.row(static_cast<std::int64_t>(r)).begin());
  }
  return matrix;
}

/// All entries, also the zeros.
inline CsrMatrix sparse_of(const DenseMatrix& dense) {
  CsrMatrix matrix;
  matrix.n_rows = static_cast<CellIndex>(dense.n_rows());
  matrix.n_cols = static_cast<GeneIndex>(dense.n_cols());
  for (std::int64_t r = 0; r < dense.n_rows(); ++r) {
    for (GeneIndex c = 0; c < matrix.n_cols; ++c) matrix.columns.push_back(c);
    matrix.values.insert(matrix.values.end(), dense.row(r).begin(), dense.row(r).end());
    matrix.row_start.push_back(static_cast<RowPointer>(matrix.columns.size()));
  }
  return matrix;
}

inline void expect_near(const std::vector<double>& found, const nlohmann::json& expected,
                        double tolerance = kNoveltyTolerance) {
  std::vector<double> values;
  for (const auto& entry : expected) {
    if (entry.is_array()) {
      for (const auto& value : entry) values.push_back(value.get<double>());
    } else {
      values.push_back(entry.get<double>());
    }
  }
  ASSERT_EQ(found.size(), values.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found[i], values[i], tolerance * (1 + std::abs(values[i]))) << i;
  }
}

/// Cells with labels, features, axes, scores and logits, and what NumPy makes of them.
struct NoveltyFixture {
  nlohmann::json json =
      nlohmann::json::parse(read_file(SAITHE_TEST_FILES "/novelty/expected.json", 1 << 20));
  std::vector<LabelIndex> labels = json.at("labels").get<std::vector<LabelIndex>>();
  std::vector<CellIndex> training;
  CsrMatrix features = sparse_of(dense_of(json.at("features")));
  DenseMatrix axes = dense_of(json.at("axes"));
  DenseMatrix scores = dense_of(json.at("scores"));
  DenseMatrix logits = dense_of(json.at("logits"));

  NoveltyFixture() : training(json.at("n_training").get<std::size_t>()) {
    std::iota(training.begin(), training.end(), CellIndex{0});
  }
  [[nodiscard]] NoveltyModel fit(std::span<const CellIndex> cells) const {
    NoveltyModel novelty;
    novelty.n_axes = axes.n_cols();
    novelty.axes.assign(axes.data(), axes.data() + axes.n_rows() * axes.n_cols());
    novelty.feature_variance = json.at("feature_variance").get<std::vector<double>>();
    fit_novelty(novelty, scores.view(), logits.view(), labels, cells);
    return novelty;
  }
  [[nodiscard]] NoveltyModel fit() const { return fit(training); }
  [[nodiscard]] std::vector<double> distances(const NoveltyModel& novelty) const {
    return novelty_distances(novelty, scores.view(), logits.view(), {}, Context(2));
  }
};

}  // namespace saithe::testing
