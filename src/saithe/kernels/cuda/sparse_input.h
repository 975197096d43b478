#pragma once

// The first layer of the CUDA backend: weights and moments on the device in tiles of units, passed
// over once a step (sparse_step.h).

#include <memory>

#include "saithe/kernels/backend.h"
#include "saithe/kernels/cuda/queue.h"

namespace saithe::kernels::cuda {

/// The constants of a step, from its options.
AdamConstants adam_constants(const AdamStep& adam);

std::unique_ptr<SparseInputLayer> make_sparse_input(const std::shared_ptr<Queue>& queue,
                                                    std::int64_t n_genes, std::int64_t n_units);

}  // namespace saithe::kernels::cuda
