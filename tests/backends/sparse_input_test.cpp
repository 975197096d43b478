// The first layer of every backend against plain loops.

#include <gtest/gtest.h>

#include <numeric>

#include "saithe/kernels/cpu/reference.h"
#include "support/backend_fixture.h"
#include "support/random_cells.h"

namespace saithe::kernels {
namespace {

using saithe::testing::as_double;
using saithe::testing::largest_error;
using saithe::testing::random_cells;
using saithe::testing::random_values;

INSTANTIATE_TEST_SUITE_P(Cpu, BackendTest, ::testing::ValuesIn(cpu::simd_targets()));
INSTANTIATE_TEST_SUITE_P(Cuda, BackendTest, ::testing::ValuesIn(kCudaBackends), backend_name);

/// The sparse layer beside a dense reference of it.
struct SparseCase {
  GeneIndex genes = 0;
  std::int64_t units = 0;
  CsrMatrix cells;
  std::vector<float> weights;
  std::vector<float> bias;
  std::vector<float> shift;

  SparseCase(GeneIndex n_genes, std::int64_t n_units, CellIndex n_cells = 50)
      : genes(n_genes),
        units(n_units),
        cells(random_cells(n_cells, n_genes, 0.1, 1)),
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

TEST_P(BackendTest, SparseForwardMatchesTheReference) {
  for (const auto& [genes, units] :
       {std::pair(200, 70), std::pair(333, 1028), std::pair(5, 1), std::pair(1100, 33)}) {
    const SparseCase c(genes, units);
    const auto layer = backend_->make_sparse_input(genes, units);
    layer->set_parameters(c.weights, c.bias, c.shift);
    const auto out = backend_->allocate(static_cast<std::int64_t>(kRows.size()) * units);
    layer->forward(*layer->prepare(SparseRows(c.cells.view()), kRows), *out);
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

/// Some of 160 cells, in no order; the last one twice.
std::vector<CellIndex> some_cells(int n, CellIndex first) {
  std::vector<CellIndex> cells;
  for (int i = 0; i < n; ++i) cells.push_back((first + 37 * i) % 160);
  if (n > 1) cells.back() = cells.front();
  return cells;
}

// Minibatches below, at and above the 64 rows that a GPU sorts together, and genes of several of
// its chunks.
TEST_P(BackendTest, SparseStepIsGradientAdamAndTheNextForward) {
  for (const auto& [genes, units, n_rows, n_next, n_steps] :
       {std::tuple(150, 70, 7, 4, 5), std::tuple(600, 35, 150, 70, 2),
        std::tuple(600, 35, 20, 150, 2), std::tuple(300, 9, 64, 65, 2),
        std::tuple(300, 9, 129, 1, 2)}) {
    SCOPED_TRACE(::testing::Message() << n_rows << " rows, then " << n_next);
    const SparseCase c(genes, units, 160);
    const auto rows = some_cells(n_rows, 3);
    const auto next_rows = some_cells(n_next, 8);
    const auto layer = backend_->make_sparse_input(c.genes, c.units);
    layer->set_parameters(c.weights, c.bias, c.shift);
    auto w = c.dense_weights();
    auto b = as_double(c.bias);
    std::vector<double> mw(w.size());
    std::vector<double> vw(w.size());
    std::vector<double> mb(b.size());
    std::vector<double> vb(b.size());
    const std::int64_t n = n_rows;
    const auto x = layer->prepare(SparseRows(c.cells.view()), rows);
    const auto next = layer->prepare(SparseRows(c.cells.view()), next_rows);
    const auto next_out = backend_->allocate(n_next * c.units);
    const auto dense_x = reference::centred_rows(c.cells.view(), rows, c.shift);
    for (int step = 1; step <= n_steps; ++step) {
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
        n_next, reference::centred_rows(c.cells.view(), next_rows, c.shift), c.genes, w, b,
        c.units);
    EXPECT_LT(largest_error(download(*next_out), expected_next), 10 * kTolerance);

    // The product that the step made ahead has the bits of the forward pass itself.
    const auto separate = backend_->allocate(n_next * c.units);
    layer->forward(*next, *separate);
    EXPECT_EQ(download(*separate), download(*next_out));
  }
}

TEST_P(BackendTest, SnapshotBringsBackTheWeights) {
  const SparseCase c(40, 20);
  const auto layer = backend_->make_sparse_input(c.genes, c.units);
  layer->set_parameters(c.weights, c.bias, c.shift);
  const auto x = layer->prepare(SparseRows(c.cells.view()), kRows);
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
  const auto x = one->prepare(SparseRows(c.cells.view()), kRows);
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
  other->step(*other->prepare(SparseRows(c.cells.view()), kRows), *dy, next,
              other->prepare(SparseRows(c.cells.view()), kRows).get(), y_other.get());
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
      const auto x = layer->prepare(SparseRows(c.cells.view()), kRows);
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

}  // namespace
}  // namespace saithe::kernels
