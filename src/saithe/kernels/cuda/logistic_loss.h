#pragma once

// The loss of a logistic regression on the device: cells lie there by cells and by genes, and only
// parameters and gradient travel.

#include <memory>

#include "saithe/kernels/backend.h"
#include "saithe/kernels/cuda/queue.h"

namespace saithe::kernels::cuda {

std::unique_ptr<LogisticLoss> make_logistic_loss(const std::shared_ptr<Queue>& queue,
                                                 const LogisticProblem& problem,
                                                 const Context& context);

}  // namespace saithe::kernels::cuda
