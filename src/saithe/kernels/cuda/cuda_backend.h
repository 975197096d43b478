#pragma once

// The operations of backend.h as kernels on a Runtime: a GPU, or in tests the processor in its
// place. No CUDA here: that is cuda_device.cu. Operations are put in a queue and start together at
// submit() or where the host wants a result.

#include <memory>

#include "saithe/kernels/backend.h"
#include "saithe/kernels/cuda/runtime.h"

namespace saithe::kernels::cuda {

std::unique_ptr<Backend> make_cuda_backend(std::unique_ptr<Runtime> runtime);

}  // namespace saithe::kernels::cuda
