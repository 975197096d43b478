#pragma once

// A plain multilayer perceptron in double precision: dense input, simple loops, no cleverness. What
// the fast float32 path is measured against, and what is itself measured against PyTorch.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "saithe/kernels/backend.h"
#include "saithe/nn/mlp.h"

namespace saithe::testing {

/// One layer's weights (outputs, inputs) and biases, or their gradient, or their moments.
struct ReferenceLayer {
  std::size_t n_in = 0;
  std::size_t n_out = 0;
  std::vector<double> weight;
  std::vector<double> bias;

  ReferenceLayer(std::size_t inputs, std::size_t outputs)
      : n_in(inputs), n_out(outputs), weight(inputs * outputs), bias(outputs) {}
};

/// Layers from saithe's parameters, whose first weight is stored (genes, units).
inline std::vector<ReferenceLayer> reference_layers(const MlpShape& shape,
                                                    const MlpParameters& parameters) {
  std::vector<ReferenceLayer> layers;
  for (int number = 0; number < shape.n_layers(); ++number) {
    const auto at = as_size(number);
    ReferenceLayer layer(as_size(shape.inputs_of(number)), as_size(shape.outputs_of(number)));
    for (std::size_t o = 0; o < layer.n_out; ++o) {
      for (std::size_t i = 0; i < layer.n_in; ++i) {
        const std::size_t source = number == 0 ? i * layer.n_out + o : o * layer.n_in + i;
        layer.weight[o * layer.n_in + i] = static_cast<double>(parameters.weights[at][source]);
      }
      layer.bias[o] = static_cast<double>(parameters.biases[at][o]);
    }
    layers.push_back(std::move(layer));
  }
  return layers;
}

/// The same weights for the fast path, rounded to float32.
inline MlpParameters as_parameters(const std::vector<ReferenceLayer>& layers) {
  MlpParameters parameters;
  for (std::size_t number = 0; number < layers.size(); ++number) {
    const ReferenceLayer& layer = layers[number];
    AlignedVector<float> weights(layer.weight.size());
    for (std::size_t o = 0; o < layer.n_out; ++o) {
      for (std::size_t i = 0; i < layer.n_in; ++i) {
        const std::size_t target = number == 0 ? i * layer.n_out + o : o * layer.n_in + i;
        weights[target] = static_cast<float>(layer.weight[o * layer.n_in + i]);
      }
    }
    AlignedVector<float> biases(layer.n_out);
    std::transform(layer.bias.begin(), layer.bias.end(), biases.begin(),
                   [](double value) { return static_cast<float>(value); });
    parameters.weights.push_back(std::move(weights));
    parameters.biases.push_back(std::move(biases));
  }
  return parameters;
}

/// ln of the sum of the exponentials.
inline double log_sum_exp(const std::vector<double>& values) {
  const double largest = *std::max_element(values.begin(), values.end());
  double sum = 0;
  for (const double value : values) sum += std::exp(value - largest);
  return largest + std::log(sum);
}

inline std::vector<double> softmax_of(const std::vector<double>& logits) {
  const double log_sum = log_sum_exp(logits);
  std::vector<double> probabilities;
  for (const double logit : logits) probabilities.push_back(std::exp(logit - log_sum));
  return probabilities;
}

/// The loss of one cell; `gradient` becomes its derivative by the logits.
inline double reference_loss(kernels::Loss loss, const std::vector<double>& logits,
                             std::size_t label, std::vector<double>& gradient) {
  const std::vector<double> p = softmax_of(logits);
  gradient = p;
  if (loss == kernels::Loss::CrossEntropy) {
    gradient[label] -= 1;
    return log_sum_exp(logits) - logits[label];
  }
  std::vector<double> q = softmax_of(p);  // derivative by p
  q[label] -= 1;
  double mean = 0;
  for (std::size_t t = 0; t < p.size(); ++t) mean += p[t] * q[t];
  for (std::size_t t = 0; t < p.size(); ++t) gradient[t] = p[t] * (q[t] - mean);
  return log_sum_exp(p) - p[label];
}

/// Dense z = values - shift of one cell: x sparse as Features holds it.
inline std::vector<double> dense_cell(const CsrView& values, std::span<const float> shift,
                                      CellIndex cell) {
  std::vector<double> z;
  for (const float s : shift) z.push_back(-static_cast<double>(s));
  const auto columns = values.row_columns(cell);
  for (std::size_t k = 0; k < columns.size(); ++k) {
    z[as_size(columns[k])] += static_cast<double>(values.row_values(cell)[k]);
  }
  return z;
}

/// The network with its gradient and Adam's moments.
class ReferenceMlp {
 public:
  explicit ReferenceMlp(std::vector<ReferenceLayer> start)
      : layers(std::move(start)), gradient(layers), first_(layers), second_(layers) {
    for (auto* moments : {&gradient, &first_, &second_}) clear(*moments);
  }

  /// Mean loss over the cells; fills `gradient` with its derivative by every parameter.
  double loss_and_gradient(const std::vector<std::vector<double>>& cells,
                           const std::vector<std::size_t>& labels, kernels::Loss loss) {
    clear(gradient);
    double sum = 0;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      sum += add_cell(cells[c], labels[c], loss, 1.0 / static_cast<double>(cells.size()));
    }
    return sum / static_cast<double>(cells.size());
  }

  /// Adam as Kingma & Ba state it, with the gradient that is there.
  void adam_step(const kernels::AdamStep& adam) {
    const auto step = static_cast<double>(adam.step);
    const double correction1 = 1 - std::pow(adam.beta1, step);
    const double correction2 = 1 - std::pow(adam.beta2, step);
    const auto update = [&](std::vector<double>& p, const std::vector<double>& g,
                            std::vector<double>& m, std::vector<double>& v) {
      for (std::size_t i = 0; i < p.size(); ++i) {
        m[i] = adam.beta1 * m[i] + (1 - adam.beta1) * g[i];
        v[i] = adam.beta2 * v[i] + (1 - adam.beta2) * g[i] * g[i];
        p[i] -= adam.learning_rate * (m[i] / correction1) /
                (std::sqrt(v[i] / correction2) + adam.epsilon);
      }
    };
    for (std::size_t l = 0; l < layers.size(); ++l) {
      update(layers[l].weight, gradient[l].weight, first_[l].weight, second_[l].weight);
      update(layers[l].bias, gradient[l].bias, first_[l].bias, second_[l].bias);
    }
  }

  std::vector<ReferenceLayer> layers;
  std::vector<ReferenceLayer> gradient;

 private:
  static void clear(std::vector<ReferenceLayer>& values) {
    for (ReferenceLayer& layer : values) {
      std::fill(layer.weight.begin(), layer.weight.end(), 0.0);
      std::fill(layer.bias.begin(), layer.bias.end(), 0.0);
    }
  }

  double add_cell(const std::vector<double>& cell, std::size_t label, kernels::Loss loss,
                  double share) {
    std::vector<std::vector<double>> inputs = {cell};
    for (std::size_t l = 0; l < layers.size(); ++l) {
      const ReferenceLayer& layer = layers[l];
      std::vector<double> y = layer.bias;
      for (std::size_t o = 0; o < layer.n_out; ++o) {
        for (std::size_t i = 0; i < layer.n_in; ++i) {
          y[o] += layer.weight[o * layer.n_in + i] * inputs[l][i];
        }
        if (l + 1 < layers.size()) y[o] = std::max(y[o], 0.0);
      }
      inputs.push_back(std::move(y));
    }
    std::vector<double> dy;
    const double value = reference_loss(loss, inputs.back(), label, dy);
    for (double& d : dy) d *= share;
    for (std::size_t l = layers.size(); l-- > 0;) dy = add_layer(l, inputs[l], dy);
    return value;
  }

  /// Adds a layer's gradient; gives the derivative by the layer's input before its ReLU.
  std::vector<double> add_layer(std::size_t l, const std::vector<double>& x,
                                const std::vector<double>& dy) {
    const ReferenceLayer& layer = layers[l];
    std::vector<double> dx(layer.n_in);
    for (std::size_t o = 0; o < layer.n_out; ++o) {
      gradient[l].bias[o] += dy[o];
      for (std::size_t i = 0; i < layer.n_in; ++i) {
        gradient[l].weight[o * layer.n_in + i] += dy[o] * x[i];
        if (l > 0 && x[i] > 0) dx[i] += dy[o] * layer.weight[o * layer.n_in + i];
      }
    }
    return dx;
  }

  std::vector<ReferenceLayer> first_;
  std::vector<ReferenceLayer> second_;
};

}  // namespace saithe::testing
