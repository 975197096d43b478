#pragma once

// The loss of a logistic regression on this machine's processors: products over sparse rows, by
// cells for the logits and by genes for the gradient.

#include <memory>

#include "saithe/core/context.h"
#include "saithe/kernels/backend.h"

namespace saithe::kernels::cpu {

/// Same bits for any number of threads and any context.max_memory.
std::unique_ptr<LogisticLoss> make_logistic_loss(const LogisticProblem& problem,
                                                 const Context& context);

}  // namespace saithe::kernels::cpu
