#include "saithe/nn/mlp_shape.h"

#include <cmath>

#include "saithe/core/random.h"
#include "saithe/core/types.h"

namespace saithe {

std::int64_t MlpShape::inputs_of(int layer) const {
  return layer == 0 ? n_inputs : hidden[as_size(layer) - 1];
}

std::int64_t MlpShape::outputs_of(int layer) const {
  return layer + 1 == n_layers() ? n_outputs : hidden[as_size(layer)];
}

double MlpShape::dropout_after(int layer) const {
  return as_size(layer) < dropout.size() ? dropout[as_size(layer)] : 0.0;
}

std::int64_t MlpShape::n_parameters() const {
  std::int64_t n = 0;
  for (int layer = 0; layer < n_layers(); ++layer) {
    n += outputs_of(layer) * (inputs_of(layer) + 1);
    if (layer_norm && layer + 1 < n_layers()) n += 2 * outputs_of(layer);
  }
  return n;
}

std::string MlpShape::summary(std::string_view output) const {
  std::string text;
  for (int layer = 0; layer < n_layers(); ++layer) {
    text += fmt::format("Linear({} -> {})\n", inputs_of(layer), outputs_of(layer));
    if (layer + 1 == n_layers()) break;
    if (layer_norm) text += fmt::format("LayerNorm({})\n", outputs_of(layer));
    text += "ReLU\n";
    if (dropout_after(layer) > 0) text += fmt::format("Dropout({})\n", dropout_after(layer));
  }
  return text + fmt::format("{} over {} types; {} parameters\n", output, n_outputs, n_parameters());
}

MlpParameters initial_parameters(const MlpShape& shape, std::uint64_t seed) {
  MlpParameters parameters;
  for (int layer = 0; layer < shape.n_layers(); ++layer) {
    const std::int64_t n_in = shape.inputs_of(layer);
    const std::int64_t n_out = shape.outputs_of(layer);
    const Random random(seed, stream::kInitialWeights + static_cast<std::uint64_t>(layer));
    const double bound = 1.0 / std::sqrt(static_cast<double>(n_in));
    const auto draw = [&](std::int64_t index) {
      const auto u = static_cast<double>(random.uniform_float(static_cast<std::uint64_t>(index)));
      return static_cast<float>((2.0 * u - 1.0) * bound);
    };
    AlignedVector<float> weights(as_size(checked_multiply(n_in, n_out, "weights of a layer")));
    // The first layer is stored by gene.
    const bool is_by_input = layer == 0;
    for (std::size_t position = 0; position < weights.size(); ++position) {
      const auto at = static_cast<std::int64_t>(position);
      weights[position] = draw(is_by_input ? at % n_out * n_in + at / n_out : at);
    }
    AlignedVector<float> biases(as_size(n_out));
    for (std::int64_t o = 0; o < n_out; ++o) biases[as_size(o)] = draw(n_out * n_in + o);
    parameters.weights.push_back(std::move(weights));
    parameters.biases.push_back(std::move(biases));
    if (shape.layer_norm && layer + 1 < shape.n_layers()) {
      parameters.norm_gains.emplace_back(as_size(n_out), 1.0F);
      parameters.norm_biases.emplace_back(as_size(n_out), 0.0F);
    }
  }
  return parameters;
}

MlpParameters zero_parameters(const MlpShape& shape) {
  MlpParameters zeros;
  for (int layer = 0; layer < shape.n_layers(); ++layer) {
    zeros.weights.emplace_back(as_size(shape.inputs_of(layer) * shape.outputs_of(layer)));
    zeros.biases.emplace_back(as_size(shape.outputs_of(layer)));
    if (!shape.layer_norm || layer + 1 == shape.n_layers()) continue;
    zeros.norm_gains.emplace_back(as_size(shape.outputs_of(layer)));
    zeros.norm_biases.emplace_back(as_size(shape.outputs_of(layer)));
  }
  return zeros;
}

}  // namespace saithe
