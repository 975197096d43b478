#include "saithe/kernels/backend.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "saithe/kernels/cpu/reference.h"
#include "saithe/kernels/cpu/simd.h"
#include "support/random_cells.h"

namespace saithe::kernels {
namespace {

using saithe::testing::as_double;
using saithe::testing::largest_error;
using saithe::testing::random_cells;
using saithe::testing::random_values;

// Sums of at most a few hundred products of numbers near 1 in float32: 300 * 2^-24, with room.
constexpr double kTolerance = 1e-4;

/// A backend to test: the CPU with a SIMD target.
class BackendTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    cpu::force_simd_target(GetParam());
    ASSERT_EQ(cpu::simd_target(), GetParam());
    backend_ = make_backend(Device::Cpu, context_);
  }
  std::unique_ptr<Buffer> upload(std::span<const float> values) {
    auto buffer = backend_->allocate(static_cast<std::int64_t>(values.size()));
    backend_->upload(values, *buffer);
    return buffer;
  }
  std::vector<float> download(const Buffer& buffer) {
    std::vector<float> values(static_cast<std::size_t>(buffer.size()));
    backend_->download(buffer, values);
    return values;
  }
  Context context_{2, 1};
  std::unique_ptr<Backend> backend_;
};

INSTANTIATE_TEST_SUITE_P(Cpu, BackendTest, ::testing::ValuesIn(cpu::simd_targets()));

TEST_P(BackendTest, BuffersStartAtZeroAndGiveBackWhatWasUploaded) {
  EXPECT_EQ(download(*backend_->allocate(5)), std::vector<float>(5, 0.0F));
  const auto values = random_values(70, 1);
  EXPECT_EQ(download(*upload(values)), values);
}

TEST_P(BackendTest, LinearMatchesTheReference) {
  for (const auto& [rows, in, out] : {std::tuple(64, 100, 70), std::tuple(1, 3, 1),
                                      std::tuple(19, 33, 128), std::tuple(130, 17, 65)}) {
    const auto x = random_values(as_size(rows * in), 2);
    const auto w = random_values(as_size(out * in), 3);
    const auto b = random_values(as_size(out), 4);
    const auto dy = random_values(as_size(rows * out), 5);
    const auto y = backend_->allocate(rows * out);
    backend_->linear_forward(rows, *upload(x), in, *upload(w), *upload(b), out, *y);
    EXPECT_LT(
        largest_error(download(*y), reference::linear_forward(rows, as_double(x), in, as_double(w),
                                                              as_double(b), out)),
        kTolerance);
    const auto dw = backend_->allocate(out * in);
    const auto db = backend_->allocate(out);
    const auto dx = backend_->allocate(rows * in);
    backend_->linear_backward(rows, *upload(x), in, *upload(w), *upload(dy), out, *dw, *db,
                              dx.get());
    const auto expected =
        reference::linear_backward(rows, as_double(x), in, as_double(w), as_double(dy), out);
    EXPECT_LT(largest_error(download(*dw), expected.dw), kTolerance);
    EXPECT_LT(largest_error(download(*db), expected.db), kTolerance);
    EXPECT_LT(largest_error(download(*dx), expected.dx), kTolerance);
  }
}

TEST_P(BackendTest, ReluAndDropoutMatchTheReference) {
  const std::int64_t rows = 33;
  const std::int64_t units = 21;
  const auto y = random_values(as_size(rows * units), 6);
  const auto dy = random_values(y.size(), 7);
  for (const double rate : {0.0, 0.2, 0.7}) {
    const Dropout dropout{rate, 9, 17};
    const auto out = upload(y);
    backend_->relu_dropout_forward(rows, units, dropout, *out);
    const auto expected = reference::relu_dropout_forward(rows, units, dropout, as_double(y));
    EXPECT_LT(largest_error(download(*out), expected), 1e-6);
    const auto gradient = upload(dy);
    backend_->relu_dropout_backward(rows, units, rate, *out, *gradient);
    EXPECT_LT(largest_error(download(*gradient),
                            reference::relu_dropout_backward(rate, expected, as_double(dy))),
              1e-6);
  }
}

TEST_P(BackendTest, DropoutDropsItsShare) {
  const std::int64_t n = 100000;
  const auto y = upload(std::vector<float>(as_size(n), 1.0F));
  backend_->relu_dropout_forward(n / 100, 100, {0.2, 3, 4}, *y);
  const auto values = download(*y);
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(n);
  // The sd of the mean is 0.5 / sqrt(n) = 0.0016: six of them.
  EXPECT_NEAR(mean, 1.0, 0.01);
}

TEST_P(BackendTest, SoftmaxAndBothLossesMatchTheReference) {
  const std::int64_t rows = 40;
  const std::int64_t types = 7;
  auto logits = random_values(as_size(rows * types), 8);
  for (float& logit : logits) logit *= 30;  // far into saturation
  std::vector<LabelIndex> labels;
  for (std::int64_t r = 0; r < rows; ++r) labels.push_back(static_cast<LabelIndex>(r % types));
  const auto buffer = upload(logits);
  const auto p = backend_->allocate(rows * types);
  backend_->softmax(rows, types, *buffer, *p);
  EXPECT_LT(largest_error(download(*p), reference::softmax(rows, types, as_double(logits))), 1e-6);
  for (const Loss loss : {Loss::CrossEntropy, Loss::Article}) {
    const auto gradient = backend_->allocate(rows * types);
    const auto result =
        backend_->softmax_cross_entropy(rows, types, loss, *buffer, labels, {}, gradient.get());
    std::vector<double> expected;
    EXPECT_NEAR(result.mean_loss,
                reference::softmax_cross_entropy(rows, types, loss, as_double(logits), labels, {},
                                                 &expected),
                1e-9 * (1 + result.mean_loss));
    EXPECT_LT(largest_error(download(*gradient), expected), 1e-7);
    std::int64_t n_correct = 0;
    for (std::int64_t r = 0; r < rows; ++r) {
      const auto row = logits.begin() + r * types;
      n_correct += std::max_element(row, row + types) - row == labels[as_size(r)] ? 1 : 0;
    }
    EXPECT_EQ(result.n_correct, n_correct);
  }
}

TEST_P(BackendTest, AWeightedLossMatchesTheReferenceAndItsOwnSlope) {
  const std::int64_t rows = 33;
  const std::int64_t types = 5;
  const auto logits = random_values(as_size(rows * types), 30);
  auto weights = random_values(as_size(rows), 31);
  for (float& weight : weights) weight = 1.5F * (weight + 1);  // from 0 to 3
  std::vector<LabelIndex> labels;
  for (std::int64_t r = 0; r < rows; ++r) labels.push_back(static_cast<LabelIndex>(r % types));
  const auto buffer = upload(logits);
  for (const Loss loss : {Loss::CrossEntropy, Loss::Article}) {
    const auto gradient = backend_->allocate(rows * types);
    const auto found = backend_->softmax_cross_entropy(rows, types, loss, *buffer, labels, weights,
                                                       gradient.get());
    const auto mean_loss = [&](const std::vector<double>& at) {
      return reference::softmax_cross_entropy(rows, types, loss, at, labels, as_double(weights),
                                              nullptr);
    };
    std::vector<double> expected;
    EXPECT_NEAR(found.mean_loss,
                reference::softmax_cross_entropy(rows, types, loss, as_double(logits), labels,
                                                 as_double(weights), &expected),
                1e-9);
    EXPECT_LT(largest_error(download(*gradient), expected), 1e-7);
    for (std::size_t i = 0; i < expected.size(); i += 7) {
      auto up = as_double(logits);
      auto down = up;
      up[i] += 1e-5;
      down[i] -= 1e-5;
      EXPECT_NEAR(expected[i], (mean_loss(up) - mean_loss(down)) / 2e-5, 1e-9);
    }
    const std::vector<float> ones(as_size(rows), 1.0F);
    EXPECT_EQ(
        backend_->softmax_cross_entropy(rows, types, loss, *buffer, labels, ones, nullptr)
            .mean_loss,
        backend_->softmax_cross_entropy(rows, types, loss, *buffer, labels, {}, nullptr).mean_loss);
  }
}

TEST_P(BackendTest, LayerNormMatchesTheReference) {
  for (const auto& [rows, units] : {std::pair(33, 70), std::pair(1, 8), std::pair(130, 129)}) {
    const auto size = as_size(rows * units);
    auto y = random_values(size, 40);
    for (std::size_t i = 0; i < size; ++i) y[i] = 20 * y[i] + 100;  // mean far above the spread
    const auto gain = random_values(as_size(units), 41);
    const auto bias = random_values(as_size(units), 42);
    const auto dy = random_values(size, 43);
    const auto out = upload(y);
    const auto normalized = backend_->allocate(rows * units);
    const auto inverse_sd = backend_->allocate(rows);
    const auto gain_buffer = upload(gain);
    backend_->layer_norm_forward(rows, units, *gain_buffer, *upload(bias), *out, *normalized,
                                 *inverse_sd);
    EXPECT_LT(
        largest_error(download(*out), reference::layer_norm_forward(rows, as_double(gain),
                                                                    as_double(bias), as_double(y))),
        kTolerance);
    const auto gradient = upload(dy);
    const auto dgain = backend_->allocate(units);
    const auto dbias = backend_->allocate(units);
    backend_->layer_norm_backward(rows, units, *gain_buffer, *normalized, *inverse_sd, *gradient,
                                  *dgain, *dbias);
    const auto expected =
        reference::layer_norm_backward(rows, as_double(gain), as_double(y), as_double(dy));
    EXPECT_LT(largest_error(download(*gradient), expected.dy), kTolerance);
    EXPECT_LT(largest_error(download(*dgain), expected.dgain), kTolerance);
    EXPECT_LT(largest_error(download(*dbias), expected.dbias), kTolerance);
  }
}

TEST_P(BackendTest, LayerNormOfARowWithoutSpreadIsItsBias) {
  const auto y = upload(std::vector<float>(24, 3.0F));
  const auto gain = upload(random_values(8, 44));
  const auto bias_values = random_values(8, 45);
  const auto normalized = backend_->allocate(24);
  const auto inverse_sd = backend_->allocate(3);
  backend_->layer_norm_forward(3, 8, *gain, *upload(bias_values), *y, *normalized, *inverse_sd);
  const auto values = download(*y);
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], bias_values[i % 8]);
}

TEST(LayerNormReference, ItsGradientAgreesWithFiniteDifferences) {
  constexpr std::int64_t kRowsOfY = 5;
  constexpr std::size_t kUnits = 7;
  const auto start_y = as_double(random_values(kRowsOfY * kUnits, 46));
  const auto start_gain = as_double(random_values(kUnits, 47));
  const auto start_bias = as_double(random_values(kUnits, 48));
  const auto slope = as_double(random_values(kRowsOfY * kUnits, 49));
  const auto value = [&](const auto& y, const auto& gain, const auto& bias) {
    const auto out = reference::layer_norm_forward(kRowsOfY, gain, bias, y);
    return std::inner_product(out.begin(), out.end(), slope.begin(), 0.0);
  };
  const auto found = reference::layer_norm_backward(kRowsOfY, start_gain, start_y, slope);
  constexpr double kStep = 1e-5;
  // A central difference errs by h^2 and rounding / h.
  constexpr double kSlopeTolerance = 1e-8;
  const auto differ = [&](std::vector<double> x, std::size_t i, const auto& at) {
    x[i] += kStep;
    const double up = at(x);
    x[i] -= 2 * kStep;
    return (up - at(x)) / (2 * kStep);
  };
  for (std::size_t i = 0; i < start_y.size(); ++i) {
    const double expected =
        differ(start_y, i, [&](const auto& y) { return value(y, start_gain, start_bias); });
    EXPECT_NEAR(found.dy[i], expected, kSlopeTolerance);
  }
  for (std::size_t i = 0; i < kUnits; ++i) {
    EXPECT_NEAR(
        found.dgain[i],
        differ(start_gain, i, [&](const auto& gain) { return value(start_y, gain, start_bias); }),
        kSlopeTolerance);
    EXPECT_NEAR(
        found.dbias[i],
        differ(start_bias, i, [&](const auto& bias) { return value(start_y, start_gain, bias); }),
        kSlopeTolerance);
  }
}

TEST_P(BackendTest, AdamMatchesTheReference) {
  for (const std::size_t n : {std::size_t{1}, std::size_t{37}, std::size_t{40000}}) {
    const auto start = random_values(n, 9);
    const auto parameter = upload(start);
    const auto m = backend_->allocate(static_cast<std::int64_t>(n));
    const auto v = backend_->allocate(static_cast<std::int64_t>(n));
    auto expected = as_double(start);
    std::vector<double> expected_m(n);
    std::vector<double> expected_v(n);
    for (int step = 1; step <= 20; ++step) {
      const auto gradient = random_values(n, 100 + static_cast<std::uint64_t>(step));
      const AdamStep adam{step, 1e-2, 0.9, 0.999, 1e-8, 0.1};
      backend_->adam_step(adam, *upload(gradient), *parameter, *m, *v);
      reference::adam_step(adam, as_double(gradient), expected, expected_m, expected_v);
    }
    EXPECT_LT(largest_error(download(*parameter), expected), 1e-5);
  }
}

/// The sparse layer beside a dense reference of it.
struct SparseCase {
  GeneIndex genes = 0;
  std::int64_t units = 0;
  CsrMatrix cells;
  std::vector<float> weights;
  std::vector<float> bias;
  std::vector<float> shift;

  SparseCase(GeneIndex n_genes, std::int64_t n_units)
      : genes(n_genes),
        units(n_units),
        cells(random_cells(50, n_genes, 0.1, 1)),
        weights(random_values(as_size(n_genes * n_units), 10)),
        bias(random_values(as_size(n_units), 11)),
        shift(random_values(as_size(n_genes), 12)) {
    for (std::size_t g = 0; g < shift.size(); g += 3) shift[g] = 0;  // genes that are not centred
  }
  /// (O, I) as the dense reference wants it.
  [[nodiscard]] std::vector<double> dense_weights() const {
    std::vector<double> dense(weights.size());
    for (std::int64_t g = 0; g < genes; ++g) {
      for (std::int64_t u = 0; u < units; ++u) {
        dense[as_size(u * genes + g)] = static_cast<double>(weights[as_size(g * units + u)]);
      }
    }
    return dense;
  }
};

const std::vector<CellIndex> kRows = {3, 0, 49, 17, 4, 3, 21};
const std::vector<CellIndex> kNextRows = {8, 9, 10, 48};

TEST_P(BackendTest, SparseForwardMatchesTheReference) {
  for (const auto& [genes, units] : {std::pair(200, 70), std::pair(333, 1028), std::pair(5, 1)}) {
    const SparseCase c(genes, units);
    const auto layer = backend_->make_sparse_input(genes, units);
    layer->set_parameters(c.weights, c.bias, c.shift);
    const auto out = backend_->allocate(static_cast<std::int64_t>(kRows.size()) * units);
    layer->forward(*layer->prepare(c.cells.view(), kRows), *out);
    const auto n = static_cast<std::int64_t>(kRows.size());
    const auto expected =
        reference::linear_forward(n, reference::centred_rows(c.cells.view(), kRows, c.shift), genes,
                                  c.dense_weights(), as_double(c.bias), units);
    EXPECT_LT(largest_error(download(*out), expected), kTolerance);

    std::vector<float> weights(c.weights.size());
    std::vector<float> bias(c.bias.size());
    layer->get_parameters(weights, bias);
    EXPECT_EQ(weights, c.weights);
    EXPECT_EQ(bias, c.bias);

    // forward_rows gives every cell the same bits, alone or among others.
    const auto all = backend_->allocate(50 * units);
    layer->forward_rows(c.cells.view(), 0, 50, *all);
    const auto all_values = download(*all);
    const auto some_values = download(*out);
    for (std::size_t i = 0; i < kRows.size(); ++i) {
      for (std::int64_t u = 0; u < units; ++u) {
        ASSERT_EQ(some_values[i * as_size(units) + as_size(u)],
                  all_values[as_size(kRows[i] * units + u)]);
      }
    }
  }
}

TEST_P(BackendTest, SparseStepIsGradientAdamAndTheNextForward) {
  const SparseCase c(150, 70);
  const auto layer = backend_->make_sparse_input(c.genes, c.units);
  layer->set_parameters(c.weights, c.bias, c.shift);
  auto w = c.dense_weights();
  auto b = as_double(c.bias);
  std::vector<double> mw(w.size());
  std::vector<double> vw(w.size());
  std::vector<double> mb(b.size());
  std::vector<double> vb(b.size());
  const auto n = static_cast<std::int64_t>(kRows.size());
  const auto n_next = static_cast<std::int64_t>(kNextRows.size());
  const auto x = layer->prepare(c.cells.view(), kRows);
  const auto next = layer->prepare(c.cells.view(), kNextRows);
  const auto next_out = backend_->allocate(n_next * c.units);
  const auto dense_x = reference::centred_rows(c.cells.view(), kRows, c.shift);
  for (int step = 1; step <= 5; ++step) {
    const AdamStep adam{step, 1e-2, 0.9, 0.999, 1e-8, 0.01};
    const auto dy = random_values(as_size(n * c.units), 200 + static_cast<std::uint64_t>(step));
    const auto expected =
        reference::linear_backward(n, dense_x, c.genes, w, as_double(dy), c.units);
    std::vector<float> dw(c.weights.size());
    std::vector<float> db(c.bias.size());
    layer->gradient(*x, *upload(dy), dw, db);
    std::vector<double> expected_dw(dw.size());  // turned to (gene, unit)
    for (std::int64_t g = 0; g < c.genes; ++g) {
      for (std::int64_t u = 0; u < c.units; ++u) {
        expected_dw[as_size(g * c.units + u)] = expected.dw[as_size(u * c.genes + g)];
      }
    }
    EXPECT_LT(largest_error(dw, expected_dw), kTolerance);
    EXPECT_LT(largest_error(db, expected.db), kTolerance);

    layer->step(*x, *upload(dy), adam, next.get(), next_out.get());
    reference::adam_step(adam, expected.dw, w, mw, vw);
    reference::adam_step(adam, expected.db, b, mb, vb);
  }
  const auto expected_next = reference::linear_forward(
      n_next, reference::centred_rows(c.cells.view(), kNextRows, c.shift), c.genes, w, b, c.units);
  EXPECT_LT(largest_error(download(*next_out), expected_next), 10 * kTolerance);

  // The product that the step made ahead has the bits of the forward pass itself.
  const auto separate = backend_->allocate(n_next * c.units);
  layer->forward(*next, *separate);
  EXPECT_EQ(download(*separate), download(*next_out));
}

TEST_P(BackendTest, SnapshotBringsBackTheWeights) {
  const SparseCase c(40, 20);
  const auto layer = backend_->make_sparse_input(c.genes, c.units);
  layer->set_parameters(c.weights, c.bias, c.shift);
  const auto x = layer->prepare(c.cells.view(), kRows);
  const auto before = backend_->allocate(static_cast<std::int64_t>(kRows.size()) * c.units);
  layer->forward(*x, *before);
  layer->save_snapshot();
  layer->step(*x, *before, {1, 0.1, 0.9, 0.999, 1e-8, 0}, nullptr, nullptr);
  const auto moved = backend_->allocate(before->size());
  layer->forward(*x, *moved);
  EXPECT_NE(download(*moved), download(*before));
  layer->restore_snapshot();
  layer->forward(*x, *moved);
  EXPECT_EQ(download(*moved), download(*before));
}

TEST_P(BackendTest, MomentsCarryASparseLayerToAnother) {
  const SparseCase c(40, 70);
  const auto one = backend_->make_sparse_input(c.genes, c.units);
  one->set_parameters(c.weights, c.bias, c.shift);
  const std::size_t n_weights = c.weights.size();
  const std::size_t n_units = c.bias.size();
  std::vector<float> first(n_weights, 1.0F);
  std::vector<float> second(n_weights, 1.0F);
  std::vector<float> first_bias(n_units, 1.0F);
  std::vector<float> second_bias(n_units, 1.0F);
  one->get_moments(first, second, first_bias, second_bias);
  for (const auto* moment : {&first, &second, &first_bias, &second_bias}) {
    EXPECT_EQ(*moment, std::vector<float>(moment->size()));  // zero before the first step
  }
  const auto x = one->prepare(c.cells.view(), kRows);
  const auto dy = upload(random_values(kRows.size() * n_units, 14));
  const AdamStep adam{1, 0.1, 0.9, 0.999, 1e-8, 0.01};
  one->step(*x, *dy, adam, nullptr, nullptr);
  one->get_moments(first, second, first_bias, second_bias);
  // The moments of a first step are (1 - beta) g and (1 - beta) g^2.
  std::vector<float> dw(n_weights);
  std::vector<float> db(n_units);
  one->gradient(*x, *dy, dw, db);
  double largest = 0;
  const auto compare = [&](float moment, double expected) {
    largest = std::max(largest, std::abs(static_cast<double>(moment) - expected));
  };
  for (std::size_t i = 0; i < n_weights; ++i) {
    const auto g = static_cast<double>(dw[i]);
    compare(first[i], 0.1 * g);
    compare(second[i], 0.001 * g * g);
  }
  for (std::size_t i = 0; i < n_units; ++i) {
    const auto g = static_cast<double>(db[i]);
    compare(first_bias[i], 0.1 * g);
    compare(second_bias[i], 0.001 * g * g);
  }
  EXPECT_LT(largest, 1e-5);

  std::vector<float> weights(n_weights);
  std::vector<float> bias(n_units);
  one->get_parameters(weights, bias);
  const auto other = backend_->make_sparse_input(c.genes, c.units);
  other->set_parameters(weights, bias, c.shift);
  other->set_moments(first, second, first_bias, second_bias);
  const AdamStep next{2, 0.1, 0.9, 0.999, 1e-8, 0.01};
  const auto y_one = backend_->allocate(dy->size());
  const auto y_other = backend_->allocate(dy->size());
  one->step(*x, *dy, next, x.get(), y_one.get());
  other->step(*other->prepare(c.cells.view(), kRows), *dy, next,
              other->prepare(c.cells.view(), kRows).get(), y_other.get());
  EXPECT_EQ(download(*y_one), download(*y_other));
}

TEST(Backend, BitsDoNotDependOnThreadsOrTarget) {
  const SparseCase c(300, 200);
  std::vector<float> first;
  for (const std::string& target : cpu::simd_targets()) {
    // Targets without a fused multiply-add round twice.
    if (target == "SSE4" || target == "SSSE3" || target == "SCALAR") continue;
    cpu::force_simd_target(target);
    for (const int threads : {1, 2, 5}) {
      const auto backend = make_backend(Device::Cpu, Context(threads, 1));
      const auto layer = backend->make_sparse_input(c.genes, c.units);
      layer->set_parameters(c.weights, c.bias, c.shift);
      const auto x = layer->prepare(c.cells.view(), kRows);
      const auto y = backend->allocate(static_cast<std::int64_t>(kRows.size()) * c.units);
      layer->forward(*x, *y);
      layer->step(*x, *y, {1, 1e-3, 0.9, 0.999, 1e-8, 0}, x.get(), y.get());
      std::vector<float> values(as_size(y->size()));
      backend->download(*y, values);
      if (first.empty()) first = values;
      EXPECT_EQ(values, first) << target << ", " << threads << " threads";
    }
  }
}

TEST(Backend, LayerNormBitsDoNotDependOnThreads) {
  constexpr std::int64_t kRowsOfY = 300;
  constexpr std::int64_t kUnits = 50;
  std::vector<std::vector<float>> first;
  for (const int threads : {1, 2, 5}) {
    const auto backend = make_backend(Device::Cpu, Context(threads, 1));
    const auto upload = [&](const std::vector<float>& values) {
      auto buffer = backend->allocate(static_cast<std::int64_t>(values.size()));
      backend->upload(values, *buffer);
      return buffer;
    };
    const auto y = upload(random_values(kRowsOfY * kUnits, 50));
    const auto dy = upload(random_values(kRowsOfY * kUnits, 51));
    const auto gain = upload(random_values(kUnits, 52));
    const auto normalized = backend->allocate(kRowsOfY * kUnits);
    const auto inverse_sd = backend->allocate(kRowsOfY);
    const auto dgain = backend->allocate(kUnits);
    const auto dbias = backend->allocate(kUnits);
    backend->layer_norm_forward(kRowsOfY, kUnits, *gain, *gain, *y, *normalized, *inverse_sd);
    backend->layer_norm_backward(kRowsOfY, kUnits, *gain, *normalized, *inverse_sd, *dy, *dgain,
                                 *dbias);
    std::vector<std::vector<float>> values;
    for (const auto* buffer : {&y, &dy, &dgain, &dbias}) {
      values.emplace_back(as_size((*buffer)->size()));
      backend->download(**buffer, values.back());
    }
    if (first.empty()) first = values;
    EXPECT_EQ(values, first) << threads << " threads";
  }
}

TEST(Backend, CudaIsRefusedByABuildWithoutIt) {
  try {
    make_backend(Device::Cuda, Context(1, 0));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Device);
  }
}

TEST(Backend, AnUnknownSimdTargetIsRefused) {
  EXPECT_THROW(cpu::force_simd_target("MMX"), Error);
}

}  // namespace
}  // namespace saithe::kernels
