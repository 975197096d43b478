#include "saithe/kernels/backend.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "saithe/kernels/cpu/reference.h"
#include "support/backend_fixture.h"
#include "support/random_cells.h"

namespace saithe::kernels {
namespace {

using saithe::testing::as_double;
using saithe::testing::largest_error;
using saithe::testing::random_values;

INSTANTIATE_TEST_SUITE_P(Cpu, BackendTest, ::testing::ValuesIn(kSimdTargets));
INSTANTIATE_TEST_SUITE_P(Cuda, BackendTest, ::testing::ValuesIn(kCudaBackends), backend_name);

TEST_P(BackendTest, BuffersStartAtZeroAndGiveBackWhatWasUploaded) {
  EXPECT_EQ(download(*backend_->allocate(5)), std::vector<float>(5, 0.0F));
  const auto values = random_values(70, 1);
  EXPECT_EQ(download(*upload(values)), values);
}

TEST_P(BackendTest, LinearMatchesTheReference) {
  for (const auto& [rows, in, out] :
       {std::tuple(64, 100, 70), std::tuple(1, 3, 1), std::tuple(19, 33, 128),
        std::tuple(130, 17, 65), std::tuple(2100, 5, 3), std::tuple(40, 300, 9),
        std::tuple(700, 40, 300), std::tuple(700, 300, 40), std::tuple(30, 600, 700)}) {
    const auto x = random_values(as_size(rows * in), 2);
    const auto w = random_values(as_size(out * in), 3);
    const auto b = random_values(as_size(out), 4);
    const auto dy = random_values(as_size(rows * out), 5);
    const auto y = backend_->allocate(rows * out);
    backend_->linear_forward(rows, *upload(x), in, *upload(w), *upload(b), out, *y, std::nullopt);
    EXPECT_LT(
        largest_error(download(*y), reference::linear_forward(rows, as_double(x), in, as_double(w),
                                                              as_double(b), out)),
        kTolerance);
    const auto dw = backend_->allocate(out * in);
    const auto db = backend_->allocate(out);
    const auto dx = backend_->allocate(rows * in);
    backend_->linear_backward(rows, *upload(x), in, *upload(w), *upload(dy), out, *dw, *db,
                              dx.get(), std::nullopt);
    const auto expected =
        reference::linear_backward(rows, as_double(x), in, as_double(w), as_double(dy), out);
    EXPECT_LT(largest_error(download(*dw), expected.dw), kTolerance);
    EXPECT_LT(largest_error(download(*db), expected.db), kTolerance);
    EXPECT_LT(largest_error(download(*dx), expected.dx), kTolerance);
  }
}

TEST_P(BackendTest, LinearWithReluHasTheBitsOfBothOneByOne) {
  for (const auto& [rows, in, out] :
       {std::tuple(19, 33, 28), std::tuple(700, 40, 300), std::tuple(700, 300, 40)}) {
    for (const double rate : {0.0, 0.3}) {
      const Dropout dropout{rate, 9, 17};
      const auto x = upload(random_values(as_size(rows * in), 2));
      const auto w = upload(random_values(as_size(out * in), 3));
      const auto b = upload(random_values(as_size(out), 4));
      const auto dy = upload(random_values(as_size(rows * out), 5));
      backend_->relu_dropout_forward(rows, in, dropout, *x);
      const auto y = backend_->allocate(rows * out);
      const auto apart = backend_->allocate(rows * out);
      backend_->linear_forward(rows, *x, in, *w, *b, out, *y, dropout);
      backend_->linear_forward(rows, *x, in, *w, *b, out, *apart, std::nullopt);
      backend_->relu_dropout_forward(rows, out, dropout, *apart);
      EXPECT_EQ(download(*y), download(*apart));

      const auto dw = backend_->allocate(out * in);
      const auto db = backend_->allocate(out);
      const auto dx = backend_->allocate(rows * in);
      const auto dx_apart = backend_->allocate(rows * in);
      backend_->linear_backward(rows, *x, in, *w, *dy, out, *dw, *db, dx.get(), rate);
      backend_->linear_backward(rows, *x, in, *w, *dy, out, *dw, *db, dx_apart.get(), std::nullopt);
      backend_->relu_dropout_backward(rows, in, rate, *x, *dx_apart);
      EXPECT_EQ(download(*dx), download(*dx_apart));
    }
  }
}

class CudaBackendTest : public BackendTest {};
INSTANTIATE_TEST_SUITE_P(Cuda, CudaBackendTest, ::testing::ValuesIn(kCudaBackends), backend_name);

// In either tile, of products and of their sums: where the processor has fused multiply-adds.
TEST_P(CudaBackendTest, LinearHasTheBitsOfTheCpu) {
  if (std::ranges::find(kSimdTargets, "AVX2") == kSimdTargets.end()) {
    GTEST_SKIP() << "this processor has no fused multiply-adds";
  }
  cpu::force_simd_target("AVX2");
  const auto cpu = make_backend(Device::Cpu, context_);
  for (const auto& [rows, in, out] : {std::tuple(19, 133, 28), std::tuple(700, 40, 300),
                                      std::tuple(700, 300, 40), std::tuple(30, 600, 700)}) {
    const auto results = [&, rows = rows, in = in, out = out](Backend& backend) {
      const auto sent = [&](std::int64_t n, std::uint64_t seed) {
        auto buffer = backend.allocate(n);
        backend.upload(random_values(as_size(n), seed), *buffer);
        return buffer;
      };
      const auto x = sent(rows * in, 2);
      const auto w = sent(out * in, 3);
      const auto dy = sent(rows * out, 5);
      std::vector<std::unique_ptr<Buffer>> made;
      for (const std::int64_t n : {rows * out, out * in, out, rows * in}) {
        made.push_back(backend.allocate(n));
      }
      backend.linear_forward(rows, *x, in, *w, *sent(out, 4), out, *made[0], std::nullopt);
      backend.linear_backward(rows, *x, in, *w, *dy, out, *made[1], *made[2], made[3].get(), 0.2);
      std::vector<std::vector<float>> values;
      for (const auto& buffer : made) {
        values.emplace_back(as_size(buffer->size()));
        backend.download(*buffer, values.back());
      }
      return values;
    };
    EXPECT_EQ(results(*backend_), results(*cpu)) << rows << " x " << in << " x " << out;
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
    backend_->softmax_cross_entropy(rows, types, loss, *buffer, labels, {}, gradient.get());
    const auto result = backend_->take_losses().at(0);
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
    backend_->softmax_cross_entropy(rows, types, loss, *buffer, labels, weights, gradient.get());
    const auto found = backend_->take_losses().at(0);
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
    backend_->softmax_cross_entropy(rows, types, loss, *buffer, labels, ones, nullptr);
    backend_->softmax_cross_entropy(rows, types, loss, *buffer, labels, {}, nullptr);
    const auto both = backend_->take_losses();
    ASSERT_EQ(both.size(), 2U);
    EXPECT_EQ(both[0].mean_loss, both[1].mean_loss);
    EXPECT_TRUE(backend_->take_losses().empty());
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
    const auto other = upload(start);  // a second one, with a step of its own
    const auto other_m = backend_->allocate(static_cast<std::int64_t>(n));
    const auto other_v = backend_->allocate(static_cast<std::int64_t>(n));
    auto expected_other = as_double(start);
    std::vector<double> expected_other_m(n);
    std::vector<double> expected_other_v(n);
    auto expected = as_double(start);
    std::vector<double> expected_m(n);
    std::vector<double> expected_v(n);
    for (int step = 1; step <= 20; ++step) {
      const auto gradient = random_values(n, 100 + static_cast<std::uint64_t>(step));
      const AdamStep adam{step, 1e-2, 0.9, 0.999, 1e-8, 0.1};
      const auto gradient_there = upload(gradient);
      const Backend::AdamParameter parameters[] = {
          {gradient_there.get(), parameter.get(), m.get(), v.get(), adam},
          {gradient_there.get(), other.get(), other_m.get(), other_v.get(), {step, 1e-3}}};
      backend_->adam_step(parameters);
      reference::adam_step(adam, as_double(gradient), expected, expected_m, expected_v);
      reference::adam_step({step, 1e-3}, as_double(gradient), expected_other, expected_other_m,
                           expected_other_v);
    }
    EXPECT_LT(largest_error(download(*other), expected_other), 1e-5);
    EXPECT_LT(largest_error(download(*parameter), expected), 1e-5);
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

TEST(Backend, AnUnknownSimdTargetIsRefused) {
  EXPECT_THROW(cpu::force_simd_target("MMX"), Error);
}

}  // namespace
}  // namespace saithe::kernels
