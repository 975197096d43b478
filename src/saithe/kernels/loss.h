#pragma once

// The loss of one cell, in double precision, on the host: what every backend and every report of a
// loss agrees on.

#include <span>

#include "saithe/core/options.h"

namespace saithe::kernels {

/// Which cross-entropy is minimised.
enum class Loss {
  CrossEntropy,  ///< of the softmax of the logits
  Article  ///< of the softmax of the softmax of the logits: a softmax layer before a loss that
           ///< applies softmax itself
};

/// softmax of the logits (T) into `probabilities` (T); both may be the same memory.
void softmax_of(std::span<const double> logits, std::span<double> probabilities);

/// -ln of the label's probability, by the loss. Fills `probabilities` (T) with one softmax of the
/// logits and `gradient` (T) with the derivative by the logits.
double cell_loss(Loss loss, std::span<const double> logits, std::size_t label,
                 std::span<double> probabilities, std::span<double> gradient);

}  // namespace saithe::kernels

namespace saithe {
template <>
struct EnumNames<kernels::Loss> {
  static constexpr std::pair<kernels::Loss, const char*> values[] = {
      {kernels::Loss::CrossEntropy, "cross-entropy"}, {kernels::Loss::Article, "article"}};
};
}  // namespace saithe
