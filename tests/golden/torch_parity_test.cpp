// A small network against PyTorch (torch/expected.json, written by torch/generate.py): PyTorch's
// float64 <-> the plain double reference <-> the fast float32 path.

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>

#include <nlohmann/json.hpp>

#include "saithe/core/text_io.h"
#include "saithe/nn/minibatches.h"
#include "saithe/nn/mlp.h"
#include "support/backend_fixture.h"
#include "support/reference_mlp.h"

namespace saithe {
namespace {

using saithe::testing::as_parameters;
using saithe::testing::dense_cell;
using saithe::testing::reference_layers;
using saithe::testing::ReferenceLayer;
using saithe::testing::ReferenceMlp;

// Double sums in another order than PyTorch's; observed 2e-15.
constexpr double kReferenceTolerance = 1e-9;
// What the float32 path is allowed, of the loss and of a gradient's norm.
constexpr double kFastTolerance = 1e-4;
constexpr std::size_t kSteps = 100;

/// expected.json as saithe's types.
struct Fixture {
  nlohmann::json json;
  MlpShape shape;
  std::uint64_t seed = 0;
  CsrMatrix values;
  std::vector<float> shift;
  std::vector<LabelIndex> labels;
  std::vector<CellIndex> training;
  std::vector<std::vector<double>> cells;

  Fixture() {
    json = nlohmann::json::parse(read_file(SAITHE_TEST_FILES "/torch/expected.json", 1 << 20));
    const auto sizes = json.at("sizes").get<std::vector<int>>();
    shape.n_inputs = sizes.front();
    shape.hidden.assign(sizes.begin() + 1, sizes.end() - 1);
    shape.n_outputs = sizes.back();
    seed = json.at("seed").get<std::uint64_t>();
    labels = json.at("labels").get<std::vector<LabelIndex>>();
    training = json.at("training").get<std::vector<CellIndex>>();
    shift = json.at("shift").get<std::vector<float>>();
    values.n_rows = static_cast<CellIndex>(labels.size());
    values.n_cols = sizes.front();
    values.row_start = json.at("row_start").get<std::vector<RowPointer>>();
    values.columns = json.at("columns").get<std::vector<GeneIndex>>();
    values.values = json.at("values").get<std::vector<float>>();
    validate(values.view(), "expected.json");
    for (CellIndex c = 0; c < values.n_rows; ++c) {
      cells.push_back(dense_cell(values.view(), shift, c));
    }
  }

  /// The minibatches of the first kSteps steps.
  [[nodiscard]] std::vector<std::vector<CellIndex>> minibatches() const {
    std::vector<std::vector<CellIndex>> all;
    for (int epoch = 0; all.size() < kSteps; ++epoch) {
      const auto order =
          Minibatches::shuffled(training, json.at("minibatch").get<int>(), seed, epoch);
      for (std::int64_t i = 0; i < order.n_minibatches() && all.size() < kSteps; ++i) {
        all.emplace_back(order.at(i).begin(), order.at(i).end());
      }
    }
    return all;
  }

  double reference_step(ReferenceMlp& mlp, const std::vector<CellIndex>& rows,
                        kernels::Loss loss) const {
    std::vector<std::vector<double>> chosen;
    std::vector<std::size_t> chosen_labels;
    for (const CellIndex row : rows) {
      chosen.push_back(cells[as_size(row)]);
      chosen_labels.push_back(as_size(labels[as_size(row)]));
    }
    return mlp.loss_and_gradient(chosen, chosen_labels, loss);
  }

  [[nodiscard]] kernels::AdamStep adam(std::size_t step) const {
    kernels::AdamStep adam;
    adam.step = static_cast<std::int64_t>(step) + 1;
    adam.learning_rate = json.at("learning_rate").get<double>();
    return adam;
  }
};

const Fixture& fixture() {
  static const Fixture loaded;
  return loaded;
}

double norm(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum);
}

/// What one run of the reference says: computed once for each loss, used by several tests.
struct ReferenceRun {
  std::vector<double> losses;
  std::map<std::size_t, std::vector<ReferenceLayer>> layers;    // before that step
  std::map<std::size_t, std::vector<ReferenceLayer>> gradient;  // of that step
};

ReferenceRun run_reference(kernels::Loss loss) {
  const Fixture& f = fixture();
  ReferenceRun run;
  ReferenceMlp mlp(reference_layers(f.shape, initial_parameters(f.shape, f.seed)));
  const auto minibatches = f.minibatches();
  for (std::size_t step = 0; step < kSteps; ++step) {
    if (step % 50 == 0) run.layers.emplace(step, mlp.layers);
    run.losses.push_back(f.reference_step(mlp, minibatches[step], loss));
    if (step % 50 == 0) run.gradient.emplace(step, mlp.gradient);
    mlp.adam_step(f.adam(step));
  }
  return run;
}

class TorchParity : public ::testing::TestWithParam<kernels::Loss> {
 protected:
  static const ReferenceRun& reference() {
    static const ReferenceRun runs[] = {run_reference(kernels::Loss::CrossEntropy),
                                        run_reference(kernels::Loss::Article)};
    return runs[GetParam() == kernels::Loss::CrossEntropy ? 0 : 1];
  }
  static const nlohmann::json& expected() {
    return fixture().json.at("losses").at(to_text(GetParam()));
  }
  /// The largest relative difference of a backend's losses from the reference's.
  static double loss_difference(kernels::Backend& backend) {
    const Fixture& f = fixture();
    Mlp mlp(f.shape, initial_parameters(f.shape, f.seed), f.shift, backend);
    const auto rows = mlp.upload_rows(f.values.view());
    const auto minibatches = f.minibatches();
    for (std::size_t step = 0; step < kSteps; ++step) {
      const auto next = step + 1 < kSteps ? minibatches[step + 1] : std::vector<CellIndex>{};
      mlp.start_step(*rows, f.labels, minibatches[step], next, GetParam(), f.adam(step), f.seed);
    }
    double largest = 0;
    std::size_t step = 0;
    for (const auto& result : mlp.finish_steps()) {
      const double expected = reference().losses[step++];
      largest = std::max(largest, std::abs(result.mean_loss - expected) / expected);
    }
    EXPECT_EQ(step, kSteps);
    return largest;
  }
};

TEST_P(TorchParity, TheReferenceFollowsPyTorchsLosses) {
  const auto losses = expected().at("float64").get<std::vector<double>>();
  ASSERT_EQ(losses.size(), kSteps);
  double largest = 0;
  for (std::size_t step = 0; step < kSteps; ++step) {
    largest = std::max(largest, std::abs(reference().losses[step] - losses[step]));
  }
  RecordProperty("largest_difference", format_number(largest));
  EXPECT_LT(largest, kReferenceTolerance);
}

TEST_P(TorchParity, TheReferenceHasPyTorchsGradients) {
  for (const std::size_t step : {std::size_t{0}, std::size_t{50}}) {
    const auto& parts = expected().at("gradients").at(std::to_string(step));
    ASSERT_EQ(parts.size(), 2 * as_size(fixture().shape.n_layers()));
    for (const auto& part : parts) {
      const auto& layer = reference().gradient.at(step)[part.at("layer").get<std::size_t>()];
      const auto& ours = part.at("kind") == "weight" ? layer.weight : layer.bias;
      const auto length = part.at("norm").get<double>();
      ASSERT_GT(length, 0.0);
      EXPECT_NEAR(norm(ours), length, kReferenceTolerance * length);
      const auto at = part.at("at").get<std::vector<std::size_t>>();
      for (std::size_t k = 0; k < at.size(); ++k) {
        EXPECT_NEAR(ours[at[k]], part.at("value")[k].get<double>(), kReferenceTolerance * length);
      }
    }
  }
}

TEST_P(TorchParity, FiniteDifferencesAgreeWithTheReferencesGradient) {
  const Fixture& f = fixture();
  const auto rows = f.minibatches()[0];
  ReferenceMlp mlp(reference().layers.at(50));
  f.reference_step(mlp, rows, GetParam());
  const std::vector<ReferenceLayer> gradient = mlp.gradient;
  // A central difference errs by h^2 and by rounding / h: both below 1e-9 here. A ReLU that
  // switches inside the step would show as a larger error; none does at these weights.
  constexpr double kStep = 1e-5;
  for (std::size_t l = 0; l < gradient.size(); ++l) {
    for (const bool is_weight : {true, false}) {
      auto& parameter = is_weight ? mlp.layers[l].weight : mlp.layers[l].bias;
      const auto& slope = is_weight ? gradient[l].weight : gradient[l].bias;
      for (std::size_t i = 0; i < parameter.size(); i += 1 + parameter.size() / 11) {
        const double start = parameter[i];
        parameter[i] = start + kStep;
        const double up = f.reference_step(mlp, rows, GetParam());
        parameter[i] = start - kStep;
        const double down = f.reference_step(mlp, rows, GetParam());
        parameter[i] = start;
        EXPECT_NEAR((up - down) / (2 * kStep), slope[i], 1e-7 * norm(slope)) << l << " " << i;
      }
    }
  }
}

TEST_P(TorchParity, TheFastPathFollowsTheReferencesLosses) {
  const auto backend = kernels::make_backend(kernels::Device::Cpu, Context(2, fixture().seed));
  const double largest = loss_difference(*backend);
  RecordProperty("largest_relative_difference", format_number(largest));
  EXPECT_LT(largest, kFastTolerance);
}

TEST_P(TorchParity, TheKernelsOfAGpuFollowTheReferencesLosses) {
  const auto backend = kernels::cuda::make_cuda_backend(testing::make_emulated_device());
  const double largest = loss_difference(*backend);
  RecordProperty("largest_relative_difference", format_number(largest));
  EXPECT_LT(largest, kFastTolerance);
}

TEST_P(TorchParity, AGpuFollowsTheReferencesLosses) {
  std::string why;
  const auto backend = kernels::make_gpu_backend(why);
  if (backend == nullptr) GTEST_SKIP() << why;
  const double largest = loss_difference(*backend);
  RecordProperty("largest_relative_difference", format_number(largest));
  EXPECT_LT(largest, kFastTolerance);
}

TEST_P(TorchParity, TheFastPathHasTheReferencesGradientAtTheSameWeights) {
  const Fixture& f = fixture();
  const Context context(2, f.seed);
  const auto backend = kernels::make_backend(kernels::Device::Cpu, context);
  double largest = 0;
  for (const std::size_t step : {std::size_t{0}, std::size_t{50}}) {
    const auto rows = f.minibatches()[step];
    // Weights that both can hold: the reference's, rounded to float32.
    const MlpParameters weights = as_parameters(reference().layers.at(step));
    ReferenceMlp plain(reference_layers(f.shape, weights));
    f.reference_step(plain, rows, GetParam());
    Mlp mlp(f.shape, weights, f.shift, *backend);
    const auto ours =
        reference_layers(f.shape, mlp.gradient(f.values.view(), f.labels, rows, GetParam()));
    for (std::size_t l = 0; l < ours.size(); ++l) {
      const auto relative = [](const std::vector<double>& a, const std::vector<double>& b) {
        std::vector<double> difference(a.size());
        std::transform(a.begin(), a.end(), b.begin(), difference.begin(), std::minus<>());
        return norm(difference) / norm(b);
      };
      largest = std::max(largest, relative(ours[l].weight, plain.gradient[l].weight));
      largest = std::max(largest, relative(ours[l].bias, plain.gradient[l].bias));
    }
  }
  RecordProperty("largest_difference_in_norms", format_number(largest));
  EXPECT_LT(largest, kFastTolerance);
}

/// A network with layer normalisation on the same cells (torch/layer_norm.json).
class TorchLayerNorm : public ::testing::Test {
 protected:
  TorchLayerNorm() {
    const auto sizes = json_.at("sizes").get<std::vector<int>>();
    shape_.n_inputs = sizes.front();
    shape_.hidden.assign(sizes.begin() + 1, sizes.end() - 1);
    shape_.n_outputs = sizes.back();
    shape_.layer_norm = true;
    parameters_ = initial_parameters(shape_, fixture().seed);
    for (std::size_t layer = 0; layer < shape_.hidden.size(); ++layer) {
      const auto gains = json_.at("gains")[layer].get<std::vector<float>>();
      const auto biases = json_.at("biases")[layer].get<std::vector<float>>();
      parameters_.norm_gains[layer].assign(gains.begin(), gains.end());
      parameters_.norm_biases[layer].assign(biases.begin(), biases.end());
    }
    cells_ = json_.at("cells").get<std::vector<CellIndex>>();
  }
  [[nodiscard]] Mlp network() const { return {shape_, parameters_, fixture().shift, *backend_}; }

  nlohmann::json json_ =
      nlohmann::json::parse(read_file(SAITHE_TEST_FILES "/torch/layer_norm.json", 1 << 20));
  MlpShape shape_;
  MlpParameters parameters_;
  std::vector<CellIndex> cells_;
  Context context_{2, 1};
  std::unique_ptr<kernels::Backend> backend_ =
      kernels::make_backend(kernels::Device::Cpu, context_);
};

TEST_F(TorchLayerNorm, LogitsAndLossesArePyTorchs) {
  const Fixture& f = fixture();
  const CsrMatrix rows = select_rows(f.values.view(), cells_);
  const DenseMatrix logits = network().forward(rows.view(), false, context_).logits;
  const auto expected = json_.at("logits").get<std::vector<std::vector<double>>>();
  ASSERT_EQ(logits.n_rows(), static_cast<std::int64_t>(expected.size()));
  for (std::size_t r = 0; r < expected.size(); ++r) {
    for (std::size_t t = 0; t < expected[r].size(); ++t) {
      EXPECT_NEAR(
          static_cast<double>(logits(static_cast<std::int64_t>(r), static_cast<std::int64_t>(t))),
          expected[r][t], kFastTolerance);
    }
  }
  const auto weights = json_.at("cell_weights").get<std::vector<float>>();
  const auto loss_of = [&](std::span<const float> of_cells) {
    Mlp mlp = network();
    return mlp
        .train_step(f.values.view(), f.labels, cells_, {}, kernels::Loss::CrossEntropy, f.adam(0),
                    1, of_cells)
        .mean_loss;
  };
  EXPECT_NEAR(loss_of({}), json_.at("mean_loss").get<double>(), kFastTolerance);
  EXPECT_NEAR(loss_of(weights), json_.at("weighted_loss").get<double>(), kFastTolerance);
}

TEST_F(TorchLayerNorm, GradientsArePyTorchs) {
  const Fixture& f = fixture();
  Mlp mlp = network();
  const MlpParameters gradient =
      mlp.gradient(f.values.view(), f.labels, cells_, kernels::Loss::CrossEntropy);
  const auto compare = [&](const char* kind, const std::vector<AlignedVector<float>>& ours) {
    const auto& layers = json_.at("gradients").at(kind);
    ASSERT_EQ(layers.size(), ours.size());
    for (std::size_t layer = 0; layer < ours.size(); ++layer) {
      const auto length = layers[layer].at("norm").get<double>();
      const auto at = layers[layer].at("at").get<std::vector<std::size_t>>();
      // PyTorch's first weight is (units, genes), ours (genes, units)
      const bool is_turned = std::string(kind) == "weights" && layer == 0;
      const auto n_in = as_size(shape_.n_inputs);
      const auto n_out = as_size(shape_.hidden[0]);
      for (std::size_t k = 0; k < at.size(); ++k) {
        const std::size_t place = is_turned ? at[k] % n_in * n_out + at[k] / n_in : at[k];
        EXPECT_NEAR(static_cast<double>(ours[layer][place]),
                    layers[layer].at("value")[k].get<double>(), kFastTolerance * length)
            << kind << " " << layer << " " << at[k];
      }
    }
  };
  compare("weights", gradient.weights);
  compare("biases", gradient.biases);
  compare("norm_gains", gradient.norm_gains);
  compare("norm_biases", gradient.norm_biases);
}

INSTANTIATE_TEST_SUITE_P(BothLosses, TorchParity,
                         ::testing::Values(kernels::Loss::CrossEntropy, kernels::Loss::Article),
                         [](const auto& instance) {
                           return instance.param == kernels::Loss::Article ? "Article"
                                                                           : "CrossEntropy";
                         });

}  // namespace
}  // namespace saithe
