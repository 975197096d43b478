// fit_logistic_regression() against scikit-learn (tests/golden/logistic), and what must hold for
// it.

#include "saithe/nn/logistic_regression.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "saithe/core/random.h"
#include "saithe/core/text_io.h"

namespace saithe {
namespace {

// Both stop where the mean loss has a gradient below 1e-9; ours are rounded to float32.
constexpr double kTolerance = 2e-6;

/// expected.json as saithe's types.
struct Fixture {
  nlohmann::json json =
      nlohmann::json::parse(read_file(SAITHE_TEST_FILES "/logistic/expected.json", 1 << 20));
  CsrMatrix values;
  std::vector<float> shift;
  std::vector<float> no_shift;
  std::vector<LabelIndex> labels;
  std::vector<CellIndex> training;

  Fixture() {
    labels = json.at("labels").get<std::vector<LabelIndex>>();
    shift = json.at("shift").get<std::vector<float>>();
    no_shift.assign(shift.size(), 0.0F);
    values.n_rows = static_cast<CellIndex>(labels.size());
    values.n_cols = static_cast<GeneIndex>(shift.size());
    values.row_start = json.at("row_start").get<std::vector<RowPointer>>();
    values.columns = json.at("columns").get<std::vector<GeneIndex>>();
    values.values = json.at("values").get<std::vector<float>>();
    validate(values.view(), "expected.json");
    training.resize(json.at("n_training").get<std::size_t>());
    std::iota(training.begin(), training.end(), CellIndex{0});
  }

  [[nodiscard]] MlpParameters fit(double c, std::span<const float> subtracted,
                                  std::span<const float> weights, int n_threads = 1) const {
    LogisticOptions options;
    options.c = c;
    options.max_iterations = 5000;
    options.tolerance = 1e-10;
    const Context context(n_threads);
    return fit_logistic_regression(values.view(), subtracted, labels, training, weights, 4, options,
                                   *kernels::make_backend(kernels::Device::Cpu, context), context);
  }
};

/// Coefficients, intercepts (less their mean, which no probability depends on) and probabilities of
/// all cells are those of the fixture.
void expect_fit(const Fixture& f, const MlpParameters& found, std::span<const float> subtracted,
                const nlohmann::json& expected) {
  const auto coefficients = expected.at("coefficients").get<std::vector<std::vector<double>>>();
  const auto intercepts = expected.at("intercepts").get<std::vector<double>>();
  const auto& biases = found.biases.front();
  const double mean = std::accumulate(biases.begin(), biases.end(), 0.0) / 4;
  for (std::size_t type = 0; type < 4; ++type) {
    EXPECT_NEAR(static_cast<double>(biases[type]) - mean, intercepts[type], kTolerance);
    for (std::size_t gene = 0; gene < f.shift.size(); ++gene) {
      EXPECT_NEAR(static_cast<double>(found.weights.front()[gene * 4 + type]),
                  coefficients[type][gene], kTolerance);
    }
  }
  const Context context(1);
  const auto backend = kernels::make_backend(kernels::Device::Cpu, context);
  const MlpShape shape{static_cast<std::int64_t>(f.shift.size()), {}, {}, 4};
  const Mlp mlp(shape, found, subtracted, *backend);
  const DenseMatrix p = softmax(mlp.forward(f.values.view(), false, context).logits.view());
  const auto probabilities = expected.at("probabilities").get<std::vector<std::vector<double>>>();
  for (CellIndex cell = 0; cell < f.values.n_rows; ++cell) {
    for (std::int64_t type = 0; type < 4; ++type) {
      EXPECT_NEAR(static_cast<double>(p(cell, type)), probabilities[as_size(cell)][as_size(type)],
                  kTolerance);
    }
  }
}

TEST(LogisticRegression, IsScikitLearns) {
  const Fixture f;
  for (const char* name : {"plain", "balanced"}) {
    SCOPED_TRACE(name);
    const auto& expected = f.json.at("fits").at(name);
    const auto weights = expected.at("weights").get<std::vector<float>>();
    expect_fit(f, f.fit(expected.at("c").get<double>(), f.no_shift, weights), f.no_shift, expected);
  }
}

TEST(LogisticRegression, WithoutWeightsAllCellsWeighOne) {
  const Fixture f;
  const auto& expected = f.json.at("fits").at("plain");
  EXPECT_EQ(f.fit(1.0, f.no_shift, {}),
            f.fit(1.0, f.no_shift, expected.at("weights").get<std::vector<float>>()));
}

TEST(LogisticRegression, AShiftIsTheDenseDifference) {
  const Fixture f;
  expect_fit(f, f.fit(0.1, f.shift, {}), f.shift, f.json.at("fits").at("centred"));
}

TEST(LogisticRegression, TheBitsDoNotDependOnThreadsOrMemory) {
  // Enough cells for two blocks and many chunks of 256, and genes for several of 64.
  CsrMatrix values;
  values.n_rows = 5000;
  values.n_cols = 150;
  std::vector<LabelIndex> labels;
  std::vector<float> weights;
  const Random random(3, 1);
  std::uint64_t index = 0;
  for (CellIndex cell = 0; cell < values.n_rows; ++cell) {
    labels.push_back(static_cast<LabelIndex>(random.below(index++, 3)));
    weights.push_back(0.5F + random.uniform_float(index++));
    for (GeneIndex gene = 0; gene < values.n_cols; ++gene) {
      if (random.uniform(index++) >= (gene % 3 == labels.back() ? 0.3 : 0.1)) continue;
      values.columns.push_back(gene);
      values.values.push_back(random.uniform_float(index++));
    }
    values.row_start.push_back(static_cast<RowPointer>(values.columns.size()));
  }
  std::vector<CellIndex> cells(4950);
  std::iota(cells.begin(), cells.end(), CellIndex{50});
  const std::vector<float> shift(150, 0.05F);
  const auto fit = [&](int n_threads, std::int64_t memory = kDefaultMemory) {
    Context context(n_threads);
    context.max_memory = memory;
    return fit_logistic_regression(values.view(), shift, labels, cells, weights, 3, {},
                                   *kernels::make_backend(kernels::Device::Cpu, context), context);
  };
  const auto one = fit(1);
  EXPECT_EQ(fit(2), one);
  EXPECT_EQ(fit(5), one);
  EXPECT_EQ(fit(2, 1), one);          // from the temporary file
  EXPECT_EQ(fit(1, 7'400'000), one);  // the second block alone: the first has 1.7 MB
}

TEST(LogisticRegression, OtherCellsAreNotLookedAt) {
  Fixture f;
  const auto before = f.fit(0.1, f.no_shift, {});
  for (auto i = as_size(f.values.row_start[f.training.size()]); i < f.values.values.size(); ++i) {
    f.values.values[i] = 1000;
  }
  for (std::size_t cell = f.training.size(); cell < f.labels.size(); ++cell) f.labels[cell] = 0;
  EXPECT_EQ(f.fit(0.1, f.no_shift, {}), before);
}

TEST(LogisticRegression, StopsWhenCancelledAndRefusesAPenaltyWithoutSense) {
  const Fixture f;
  const std::atomic<bool> cancelled = true;
  Context context(1);
  context.cancelled = &cancelled;
  try {
    (void)fit_logistic_regression(f.values.view(), f.no_shift, f.labels, f.training, {}, 4, {},
                                  *kernels::make_backend(kernels::Device::Cpu, context), context);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Cancelled);
  }
  for (const double c : {0.0, -1.0, std::nan(""), HUGE_VAL}) {
    try {
      (void)f.fit(c, f.no_shift, {});
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
    }
  }
}

}  // namespace
}  // namespace saithe
