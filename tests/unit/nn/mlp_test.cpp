#include "saithe/nn/mlp.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "support/random_cells.h"

namespace saithe {
namespace {

using saithe::testing::random_cells;
using saithe::testing::random_values;

MlpShape small_shape() {
  MlpShape shape;
  shape.n_inputs = 60;
  shape.hidden = {20, 12};
  shape.dropout = {0.2};
  shape.n_outputs = 4;
  return shape;
}

struct Fixture {
  MlpShape shape = small_shape();
  CsrMatrix cells = random_cells(90, 60, 0.2, 5);
  std::vector<float> shift = random_values(60, 6);
  std::vector<LabelIndex> labels;
  Fixture() {
    for (int c = 0; c < 90; ++c) labels.push_back(c % 4);
  }
};

TEST(Mlp, ReturnsTheParametersItWasGiven) {
  const Fixture f;
  const Context context(2, 1);
  const auto backend = kernels::make_backend(kernels::Device::Cpu, context);
  const auto given = initial_parameters(f.shape, 4);
  const auto returned = Mlp(f.shape, given, f.shift, *backend).parameters();
  for (std::size_t layer = 0; layer < 3; ++layer) {
    EXPECT_EQ(returned.weights[layer], given.weights[layer]);
    EXPECT_EQ(returned.biases[layer], given.biases[layer]);
  }
}

/// Mean loss of the first 30 cells at these weights.
double mean_loss(const Fixture& f, const MlpParameters& parameters, kernels::Loss loss,
                 kernels::Backend& backend) {
  const Context context(2, 1);
  const Mlp mlp(f.shape, parameters, f.shift, backend);
  std::vector<CellIndex> rows(30);
  std::iota(rows.begin(), rows.end(), 0);
  const auto logits = mlp.forward(select_rows(f.cells.view(), rows).view(), false, context).logits;
  double sum = 0;
  std::vector<double> row(4);
  std::vector<double> p(4);
  std::vector<double> d(4);
  for (std::int64_t r = 0; r < logits.n_rows(); ++r) {
    std::copy(logits.row(r).begin(), logits.row(r).end(), row.begin());
    sum += kernels::cell_loss(loss, row, as_size(f.labels[as_size(rows[as_size(r)])]), p, d);
  }
  return sum / static_cast<double>(rows.size());
}

/// Some entries of one kind of parameters against the loss's slope.
void expect_slopes(const Fixture& f, const MlpParameters& start, const MlpParameters& gradient,
                   std::vector<AlignedVector<float>> MlpParameters::*kind, kernels::Loss loss,
                   kernels::Backend& backend) {
  for (std::size_t layer = 0; layer < (start.*kind).size(); ++layer) {
    const std::size_t n = (start.*kind)[layer].size();
    for (std::size_t i = n > 7 ? 1 : 0; i < n; i += std::max<std::size_t>(1, n / 7)) {
      // The loss is float32 inside: this step leaves about 5e-5 of noise in the slope. A longer one
      // would meet the kinks of the ReLU, above all for biases, which move all cells.
      const float h = 2e-3F;
      auto up = start;
      auto down = start;
      (up.*kind)[layer][i] += h;
      (down.*kind)[layer][i] -= h;
      const double slope =
          (mean_loss(f, up, loss, backend) - mean_loss(f, down, loss, backend)) / (2.0 * 2e-3);
      EXPECT_NEAR(static_cast<double>((gradient.*kind)[layer][i]), slope, 2e-3)
          << "layer " << layer << " entry " << i;
    }
  }
}

TEST(Mlp, GradientAgreesWithFiniteDifferencesOfTheLoss) {
  for (const bool layer_norm : {false, true}) {
    SCOPED_TRACE(layer_norm);
    Fixture f;
    f.shape.layer_norm = layer_norm;
    const Context context(2, 1);
    const auto backend = kernels::make_backend(kernels::Device::Cpu, context);
    std::vector<CellIndex> rows(30);
    std::iota(rows.begin(), rows.end(), 0);
    auto start = initial_parameters(f.shape, 4);
    for (auto* kind : {&start.norm_gains, &start.norm_biases}) {
      for (std::size_t layer = 0; layer < kind->size(); ++layer) {  // away from 1 and 0
        const auto change = random_values((*kind)[layer].size(), 60 + layer);
        for (std::size_t u = 0; u < change.size(); ++u) (*kind)[layer][u] += 0.5F * change[u];
      }
    }
    EXPECT_EQ(start.norm_gains.size(), layer_norm ? 2U : 0U);
    for (const auto loss : {kernels::Loss::CrossEntropy, kernels::Loss::Article}) {
      Mlp mlp(f.shape, start, f.shift, *backend);
      const auto gradient = mlp.gradient(f.cells.view(), f.labels, rows, loss);
      for (const auto kind : {&MlpParameters::weights, &MlpParameters::biases,
                              &MlpParameters::norm_gains, &MlpParameters::norm_biases}) {
        expect_slopes(f, start, gradient, kind, loss, *backend);
      }
    }
  }
}

TEST(Mlp, LayerNormIsSavedWithTheSnapshotAndTrained) {
  Fixture f;
  f.shape.layer_norm = true;
  const Context context(2, 1);
  const auto backend = kernels::make_backend(kernels::Device::Cpu, context);
  const auto start = initial_parameters(f.shape, 4);
  Mlp mlp(f.shape, start, f.shift, *backend);
  EXPECT_EQ(mlp.parameters(), start);
  mlp.save_snapshot();
  const std::vector<CellIndex> rows = {0, 1, 2, 3, 5, 6};
  kernels::AdamStep adam;
  adam.learning_rate = 1e-2;
  for (adam.step = 1; adam.step <= 3; ++adam.step) {
    mlp.train_step(f.cells.view(), f.labels, rows, rows, kernels::Loss::CrossEntropy, adam, 1);
  }
  const auto moved = mlp.parameters();
  for (std::size_t layer = 0; layer < 2; ++layer) {
    EXPECT_NE(moved.norm_gains[layer], start.norm_gains[layer]);
    EXPECT_NE(moved.norm_biases[layer], start.norm_biases[layer]);
  }
  mlp.restore_snapshot();
  EXPECT_EQ(mlp.parameters(), start);
}

TEST(Mlp, WeightDecayCanSpareBiasesAndGains) {
  Fixture f;
  f.shape.layer_norm = true;
  f.shape.dropout.clear();
  const Context context(1, 1);
  const auto backend = kernels::make_backend(kernels::Device::Cpu, context);
  auto start = initial_parameters(f.shape, 4);
  for (auto& biases : start.norm_biases) std::fill(biases.begin(), biases.end(), 0.25F);
  const std::vector<CellIndex> rows = {0, 1, 2, 3};
  const auto after_step = [&](double decay, bool decays_vectors) {
    Mlp mlp(f.shape, start, f.shift, *backend);
    kernels::AdamStep adam;
    adam.learning_rate = 1e-2;
    adam.weight_decay = decay;
    adam.decays_vectors = decays_vectors;
    mlp.train_step(f.cells.view(), f.labels, rows, {}, kernels::Loss::CrossEntropy, adam, 1);
    return mlp.parameters();
  };
  const auto plain = after_step(0, true);
  const auto spared = after_step(1, false);
  const auto all = after_step(1, true);
  EXPECT_EQ(spared.biases, plain.biases);
  EXPECT_EQ(spared.norm_gains, plain.norm_gains);
  EXPECT_EQ(spared.norm_biases, plain.norm_biases);
  EXPECT_EQ(spared.weights, all.weights);
  for (std::size_t layer = 0; layer < 3; ++layer) {
    EXPECT_NE(spared.weights[layer], plain.weights[layer]);
    EXPECT_NE(all.biases[layer], plain.biases[layer]);
  }
  for (std::size_t layer = 0; layer < 2; ++layer) {
    EXPECT_NE(all.norm_gains[layer], plain.norm_gains[layer]);
    EXPECT_NE(all.norm_biases[layer], plain.norm_biases[layer]);
  }
}

TEST(Mlp, ForwardDoesNotDependOnThreadsOrNeighbours) {
  const Fixture f;
  const auto parameters = initial_parameters(f.shape, 4);
  const auto run = [&](int threads, const CsrView& cells) {
    const Context context(threads, 1);
    const auto backend = kernels::make_backend(kernels::Device::Cpu, context);
    return Mlp(f.shape, parameters, f.shift, *backend).forward(cells, true, context);
  };
  const auto all = run(1, f.cells.view());
  EXPECT_EQ(all.hidden.n_cols(), 12);
  const auto threaded = run(3, f.cells.view());
  EXPECT_TRUE(std::equal(all.logits.data(), all.logits.data() + 90 * 4, threaded.logits.data()));
  for (const CellIndex cell : {CellIndex{0}, CellIndex{4}, CellIndex{89}}) {
    const auto one = select_rows(f.cells.view(), std::vector<CellIndex>{cell});
    const auto alone = run(2, one.view());
    EXPECT_TRUE(std::ranges::equal(alone.logits.row(0), all.logits.row(cell)));
    EXPECT_TRUE(std::ranges::equal(alone.hidden.row(0), all.hidden.row(cell)));
  }
}

TEST(Mlp, TheForwardMadeAheadChangesNoBit) {
  const Fixture f;
  const Context context(2, 1);
  const auto backend = kernels::make_backend(kernels::Device::Cpu, context);
  const std::vector<std::vector<CellIndex>> minibatches = {{1, 2, 3, 4}, {5, 6, 7}, {8, 1, 20, 30}};
  const auto run = [&](bool ahead) {
    Mlp mlp(f.shape, initial_parameters(f.shape, 4), f.shift, *backend);
    std::vector<double> losses;
    kernels::AdamStep adam;
    for (int step = 0; step < 9; ++step) {
      adam.step = step + 1;
      adam.learning_rate = 1e-2;
      const auto& next = minibatches[as_size((step + 1) % 3)];
      losses.push_back(
          mlp.train_step(f.cells.view(), f.labels, minibatches[as_size(step % 3)],
                         ahead ? std::span<const CellIndex>(next) : std::span<const CellIndex>(),
                         kernels::Loss::CrossEntropy, adam, 11)
              .mean_loss);
    }
    return losses;
  };
  EXPECT_EQ(run(true), run(false));
}

TEST(Mlp, ALinearModelHasNoHiddenLayer) {
  const Fixture f;
  MlpShape shape = f.shape;
  shape.hidden.clear();
  const Context context(1, 1);
  const auto backend = kernels::make_backend(kernels::Device::Cpu, context);
  Mlp mlp(shape, initial_parameters(shape, 4), f.shift, *backend);
  const std::vector<CellIndex> rows = {0, 1, 2, 3};
  double first = 0;
  double last = 0;
  for (int step = 1; step <= 60; ++step) {
    kernels::AdamStep adam;
    adam.step = step;
    adam.learning_rate = 1e-2;
    last =
        mlp.train_step(f.cells.view(), f.labels, rows, rows, kernels::Loss::CrossEntropy, adam, 1)
            .mean_loss;
    if (step == 1) first = last;
  }
  EXPECT_LT(last, 0.2 * first);
  EXPECT_EQ(mlp.forward(f.cells.view(), true, context).hidden.n_rows(), 0);
}

TEST(Mlp, MomentsGoWithTheTrainingAndNotASingleBitIsLost) {
  // Steps with pauses, each on a new network that is given weights and moments, are the same steps.
  MlpShape shape;
  shape.n_inputs = 50;
  shape.hidden = {70, 9};
  shape.dropout = {0.3};
  shape.n_outputs = 3;
  shape.layer_norm = true;
  const CsrMatrix cells = random_cells(40, 50, 0.2, 5);
  std::vector<LabelIndex> labels;
  for (int c = 0; c < 40; ++c) labels.push_back(c % 3);
  const std::vector<float> shift(50, 0.2F);
  const Context context(2);
  const auto backend = kernels::make_backend(kernels::Device::Cpu, context);
  const auto step = [&](Mlp& mlp, std::int64_t number) {
    std::vector<CellIndex> rows;
    for (CellIndex row = number % 3; row < 40; row += 3) rows.push_back(row);
    kernels::AdamStep adam;
    adam.step = number;
    adam.learning_rate = 1e-2;
    adam.weight_decay = 0.1;
    mlp.train_step(cells.view(), labels, rows, {}, kernels::Loss::CrossEntropy, adam, 8);
  };
  const auto start = initial_parameters(shape, 4);
  Mlp whole(shape, start, shift, *backend);
  EXPECT_EQ(whole.moments().first, zero_parameters(shape));
  EXPECT_EQ(whole.moments().second, zero_parameters(shape));
  auto paused = std::make_unique<Mlp>(shape, start, shift, *backend);
  for (std::int64_t number = 1; number <= 6; ++number) {
    step(whole, number);
    step(*paused, number);
    const Mlp::Moments moments = paused->moments();
    EXPECT_NE(moments.second, zero_parameters(shape));
    const MlpParameters parameters = paused->parameters();
    paused = std::make_unique<Mlp>(shape, parameters, shift, *backend);
    paused->set_moments(moments);
    EXPECT_EQ(paused->moments().first, moments.first);
    EXPECT_EQ(paused->moments().second, moments.second);
  }
  EXPECT_EQ(whole.parameters(), paused->parameters());
}

TEST(Mlp, WrongShapesAreRefused) {
  const Fixture f;
  const Context context(1, 1);
  const auto backend = kernels::make_backend(kernels::Device::Cpu, context);
  MlpShape shape = f.shape;
  shape.dropout = {1.0};
  EXPECT_THROW(Mlp(shape, initial_parameters(shape, 1), f.shift, *backend), Error);
  shape = f.shape;
  shape.hidden[1] = 0;
  EXPECT_THROW(Mlp(shape, initial_parameters(shape, 1), f.shift, *backend), Error);
}

TEST(Softmax, RowsSumToOneAndKeepTheArticlesExample) {
  DenseMatrix logits(1, 5);
  const std::vector<float> values = {1.3F, 5.1F, 2.2F, 0.7F, 1.1F};
  std::copy(values.begin(), values.end(), logits.row(0).begin());
  const auto p = softmax(logits.view());
  // torch.softmax(torch.tensor([1.3, 5.1, 2.2, 0.7, 1.1], dtype=torch.float64), 0), PyTorch 2.13
  const std::vector<double> expected = {0.020190465, 0.902537689, 0.049660530, 0.011080762,
                                        0.016530554};
  double sum = 0;
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(static_cast<double>(p.row(0)[i]), expected[i], 1e-7);
    sum += static_cast<double>(p.row(0)[i]);
  }
  EXPECT_NEAR(sum, 1.0, 1e-6);
}

}  // namespace
}  // namespace saithe
