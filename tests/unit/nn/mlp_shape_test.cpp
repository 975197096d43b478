// Sizes and first weights of a network.

#include "saithe/nn/mlp_shape.h"

#include <gtest/gtest.h>

#include <cmath>

#include "saithe/core/random.h"
#include "saithe/core/types.h"

namespace saithe {
namespace {

MlpShape small_shape() {
  MlpShape shape;
  shape.n_inputs = 60;
  shape.hidden = {20, 12};
  shape.dropout = {0.2};
  shape.n_outputs = 4;
  return shape;
}

TEST(MlpShape, CountsAndDescribesItsLayers) {
  MlpShape shape;
  shape.n_inputs = 13656;
  shape.hidden = {1028, 256, 128};
  shape.dropout = {0.2, 0.2};
  shape.n_outputs = 8;
  EXPECT_EQ(shape.n_parameters(),
            13656 * 1028 + 1028 + 1028 * 256 + 256 + 256 * 128 + 128 + 128 * 8 + 8);
  const std::string summary = shape.summary();
  EXPECT_NE(summary.find("Linear(13656 -> 1028)"), std::string::npos);
  EXPECT_NE(summary.find("Dropout(0.2)"), std::string::npos);
}

TEST(InitialParameters, AreUniformInTheBoundOfPyTorch) {
  const auto parameters = initial_parameters(small_shape(), 3);
  for (std::size_t layer = 0; layer < 3; ++layer) {
    const double bound =
        1.0 / std::sqrt(static_cast<double>(small_shape().inputs_of(static_cast<int>(layer))));
    double largest = 0;
    double sum = 0;
    for (const float weight : parameters.weights[layer]) {
      largest = std::max(largest, std::abs(static_cast<double>(weight)));
      sum += static_cast<double>(weight);
    }
    const auto n = static_cast<double>(parameters.weights[layer].size());
    EXPECT_LE(largest, bound);
    EXPECT_GT(largest, 0.8 * bound);
    EXPECT_NEAR(sum / n, 0.0, 6 * bound / std::sqrt(3 * n));
  }
}

TEST(ZeroParameters, HaveTheSizesOfTheNetwork) {
  MlpShape shape;
  shape.n_inputs = 5;
  shape.hidden = {4, 3};
  shape.n_outputs = 2;
  shape.layer_norm = true;
  const auto zeros = zero_parameters(shape);
  const auto initial = initial_parameters(shape, 1);
  std::int64_t n = 0;
  for (const auto& [a, b] :
       {std::pair(&zeros.weights, &initial.weights), std::pair(&zeros.biases, &initial.biases),
        std::pair(&zeros.norm_gains, &initial.norm_gains),
        std::pair(&zeros.norm_biases, &initial.norm_biases)}) {
    ASSERT_EQ(a->size(), b->size());
    for (std::size_t i = 0; i < a->size(); ++i) {
      EXPECT_EQ((*a)[i].size(), (*b)[i].size());
      n += static_cast<std::int64_t>((*a)[i].size());
      for (const float value : (*a)[i]) EXPECT_EQ(value, 0);
    }
  }
  EXPECT_EQ(n, shape.n_parameters());
}

}  // namespace
}  // namespace saithe
