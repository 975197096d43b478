#pragma once

// The sizes of a network, and its weights on the host.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "saithe/core/aligned_vector.h"

namespace saithe {

/// Sizes of a network.
struct MlpShape {
  std::int64_t n_inputs = 0;
  std::vector<int> hidden;      ///< units of each hidden layer; empty: a linear model
  std::vector<double> dropout;  ///< rate after each hidden layer; missing entries are 0
  int n_outputs = 0;
  bool layer_norm = false;  ///< normalise each hidden layer before its ReLU

  [[nodiscard]] int n_layers() const { return static_cast<int>(hidden.size()) + 1; }
  [[nodiscard]] std::int64_t inputs_of(int layer) const;
  [[nodiscard]] std::int64_t outputs_of(int layer) const;
  [[nodiscard]] double dropout_after(int layer) const;
  [[nodiscard]] std::int64_t n_parameters() const;
  /// The network layer by layer, as the article prints it.
  [[nodiscard]] std::string summary(std::string_view output = "Softmax") const;
};

/// Weights and biases on the host. weights[0] is (genes, units); the others are (outputs, inputs).
/// With layer normalisation, a gain and a bias for each unit of each hidden layer.
struct MlpParameters {
  std::vector<AlignedVector<float>> weights;
  std::vector<AlignedVector<float>> biases;
  std::vector<AlignedVector<float>> norm_gains;
  std::vector<AlignedVector<float>> norm_biases;

  bool operator==(const MlpParameters&) const = default;
};

/// PyTorch's default initialisation: weights and biases uniform in +-1/sqrt(inputs), drawn by
/// Random(seed, kInitialWeights + layer): weight (output o, input i) at o * inputs + i, bias o at
/// outputs * inputs + o; gains 1 and biases 0 of the normalisation. Source:
/// torch.nn.Linear.reset_parameters.
MlpParameters initial_parameters(const MlpShape& shape, std::uint64_t seed);

/// Arrays of the network's sizes, all 0.
MlpParameters zero_parameters(const MlpShape& shape);

}  // namespace saithe
