// The loss of a logistic regression, on every backend, against plain loops and finite differences.

#include <gtest/gtest.h>

#include <cmath>

#include "saithe/kernels/cpu/reference.h"
#include "support/backend_fixture.h"
#include "support/random_cells.h"

namespace saithe::kernels {
namespace {

using saithe::testing::random_cells;
using saithe::testing::random_values;

INSTANTIATE_TEST_SUITE_P(Cpu, BackendTest, ::testing::ValuesIn(cpu::simd_targets()));
INSTANTIATE_TEST_SUITE_P(Cuda, BackendTest, ::testing::ValuesIn(kCudaBackends), backend_name);

struct LogisticCase {
  CellIndex n_cells;
  LabelIndex n_types;
  std::size_t n_genes;
  double c = 0.3;
  CsrMatrix cells;
  std::vector<float> shift;
  std::vector<float> weights;
  std::vector<LabelIndex> labels;
  std::vector<double> x;

  LogisticCase(CellIndex cells_of_case, LabelIndex types, std::size_t genes = 30,
               double density = 0.3)
      : n_cells(cells_of_case),
        n_types(types),
        n_genes(genes),
        cells(random_cells(n_cells, static_cast<GeneIndex>(n_genes), density, 60)),
        shift(random_values(n_genes, 61)),
        weights(random_values(as_size(n_cells), 62)) {
    for (float& weight : weights) weight += 1.5F;
    for (std::size_t gene = 0; gene < n_genes; gene += 3) shift[gene] = 0;
    for (CellIndex cell = 0; cell < n_cells; ++cell) {
      labels.push_back(static_cast<LabelIndex>(cell % n_types));
    }
    const auto values = random_values((n_genes + 1) * as_size(n_types), 63);
    x.assign(values.begin(), values.end());
  }
  [[nodiscard]] LogisticProblem problem(bool is_weighted) const {
    return {cells.view(), shift,
            labels,       is_weighted ? std::span<const float>(weights) : std::span<const float>(),
            n_types,      c};
  }
  /// The loss at x, by dense rows.
  [[nodiscard]] double plain_loss(const std::vector<double>& at, bool is_weighted) const {
    std::vector<CellIndex> rows;
    for (CellIndex cell = 0; cell < n_cells; ++cell) rows.push_back(cell);
    const auto dense = reference::centred_rows(cells.view(), rows, shift);
    const auto types = as_size(n_types);
    std::vector<double> turned(n_genes * types);
    double squares = 0;
    for (std::size_t gene = 0; gene < n_genes; ++gene) {
      for (std::size_t t = 0; t < types; ++t) {
        turned[t * n_genes + gene] = at[gene * types + t];
        squares += at[gene * types + t] * at[gene * types + t];
      }
    }
    const std::span bias(at.data() + n_genes * types, types);
    const auto logits = reference::linear_forward(
        n_cells, dense, static_cast<std::int64_t>(n_genes), turned, bias, n_types);
    const auto own = is_weighted ? saithe::testing::as_double(weights) : std::vector<double>();
    return reference::softmax_cross_entropy(n_cells, n_types, Loss::CrossEntropy, logits, labels,
                                            own, nullptr) +
           0.5 * squares / (c * static_cast<double>(n_cells));
  }
};

TEST_P(BackendTest, LogisticLossMatchesTheReferenceAndItsOwnSlope) {
  for (const auto& [n_cells, n_types] : {std::pair(33, 3), std::pair(120, 11), std::pair(2, 2)}) {
    const LogisticCase own(n_cells, n_types);
    for (const bool is_weighted : {false, true}) {
      const auto loss = backend_->make_logistic_loss(own.problem(is_weighted), context_);
      ASSERT_EQ(loss->n_parameters(), own.x.size());
      std::vector<double> gradient(own.x.size());
      EXPECT_NEAR((*loss)(own.x, gradient), own.plain_loss(own.x, is_weighted), 1e-10);
      for (std::size_t i = 0; i < own.x.size(); i += 5) {
        auto up = own.x;
        auto down = own.x;
        up[i] += 1e-5;
        down[i] -= 1e-5;
        // A central difference errs by h^2 and rounding / h.
        EXPECT_NEAR(gradient[i],
                    (own.plain_loss(up, is_weighted) - own.plain_loss(down, is_weighted)) / 2e-5,
                    1e-8);
      }
    }
  }
}

TEST_P(BackendTest, LogisticLossAddsUpManyCells) {
  const LogisticCase own(1100, 2);  // more than one stretch of rows
  const auto loss = backend_->make_logistic_loss(own.problem(true), context_);
  std::vector<double> gradient(own.x.size());
  EXPECT_NEAR((*loss)(own.x, gradient), own.plain_loss(own.x, true), 1e-10);
  const auto cpu =
      make_backend(Device::Cpu, context_)->make_logistic_loss(own.problem(true), context_);
  std::vector<double> expected(own.x.size());
  (*cpu)(own.x, expected);
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(gradient[i], expected[i], 1e-12);
  std::vector<double> again(own.x.size());
  (*loss)(own.x, again);
  EXPECT_EQ(again, gradient);
}

TEST_P(BackendTest, LogisticLossGoesOnInTheNextBlock) {
  // A block has a million values, of 1 310 cells (a fifth has none): it ends within a chunk of 256.
  const LogisticCase own(1500, 2, 1000, 1.0);
  const double expected = own.plain_loss(own.x, true);
  std::vector<double> gradient(own.x.size());
  std::vector<double> from_file(own.x.size());
  Context little(2);
  little.max_memory = 1;
  const auto loss = backend_->make_logistic_loss(own.problem(true), little);
  const double found = (*loss)(own.x, from_file);
  EXPECT_NEAR(found, expected, 1e-9);
  if (!GetParam().starts_with("Emulated")) {  // which takes seconds for each
    const auto in_memory = backend_->make_logistic_loss(own.problem(true), Context(2));
    EXPECT_EQ((*in_memory)(own.x, gradient), found);
    EXPECT_EQ(gradient, from_file);
  }
  for (const std::size_t i : {std::size_t{0}, own.x.size() / 3, own.x.size() - 1}) {
    auto up = own.x;
    auto down = own.x;
    up[i] += 1e-5;
    down[i] -= 1e-5;
    EXPECT_NEAR(from_file[i], (own.plain_loss(up, true) - own.plain_loss(down, true)) / 2e-5, 1e-7);
  }
}

}  // namespace
}  // namespace saithe::kernels
