#include "saithe/kernels/cpu/gemm.h"

#include <gtest/gtest.h>

#include "saithe/core/types.h"
#include "support/random_cells.h"

namespace saithe::kernels::cpu {
namespace {

using saithe::testing::random_values;

TEST(Gemm, ARowsBitsDependOnThatRowAlone) {
  const std::int64_t n_in = 301;
  const std::int64_t n_out = 70;
  const std::int64_t rows = 300;
  const auto x = random_values(as_size(rows * n_in), 1);
  const auto w = random_values(as_size(n_out * n_in), 2);
  std::vector<float> all(as_size(rows * n_out));
  multiply_by_transposed(rows, n_in, n_out, x.data(), w.data(), all.data(), Context(2));
  for (const auto& [begin, n] : {std::pair(0, 1), std::pair(3, 7), std::pair(250, 50)}) {
    std::vector<float> some(as_size(n * n_out));
    multiply_by_transposed(n, n_in, n_out, x.data() + begin * n_in, w.data(), some.data(),
                           Context(1));
    EXPECT_TRUE(std::equal(some.begin(), some.end(), all.begin() + begin * n_out));
  }
}

TEST(Gemm, EmptyInnerDimensionGivesZeros) {
  std::vector<float> y(6, 7.0F);
  multiply_by_transposed(2, 0, 3, nullptr, nullptr, y.data(), Context(1));
  EXPECT_EQ(y, std::vector<float>(6, 0.0F));
}

}  // namespace
}  // namespace saithe::kernels::cpu
