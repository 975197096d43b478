#include "saithe/kernels/loss.h"

#include <algorithm>
#include <cmath>

namespace saithe::kernels {

void softmax_of(std::span<const double> logits, std::span<double> probabilities) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    probabilities[i] = std::exp(logits[i] - largest);
    sum += probabilities[i];
  }
  for (double& value : probabilities) value /= sum;
}

namespace {

/// ln(sum of exp) without overflow.
double log_sum_exp(std::span<const double> values) {
  const double largest = *std::max_element(values.begin(), values.end());
  double sum = 0;
  for (const double value : values) sum += std::exp(value - largest);
  return largest + std::log(sum);
}

}  // namespace

double cell_loss(Loss loss, std::span<const double> logits, std::size_t label,
                 std::span<double> probabilities, std::span<double> gradient) {
  softmax_of(logits, probabilities);
  if (loss == Loss::CrossEntropy) {
    std::copy(probabilities.begin(), probabilities.end(), gradient.begin());
    gradient[label] -= 1.0;
    return log_sum_exp(logits) - logits[label];
  }
  // q = softmax(p) of p = softmax(logits); dL/dp = q - one-hot, then through p.
  softmax_of(probabilities, gradient);
  gradient[label] -= 1.0;
  double inner = 0;
  for (std::size_t i = 0; i < gradient.size(); ++i) inner += gradient[i] * probabilities[i];
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    gradient[i] = probabilities[i] * (gradient[i] - inner);
  }
  return log_sum_exp(probabilities) - probabilities[label];
}

}  // namespace saithe::kernels
