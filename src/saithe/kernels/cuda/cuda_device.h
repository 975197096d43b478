#pragma once

// GPUs as Runtimes: the door to the one file that is written in CUDA.

#include <memory>

#include "saithe/kernels/cuda/runtime.h"

namespace saithe::kernels::cuda {

/// Whether open_device(0) would succeed.
bool has_working_device();

/// A GPU. Throws Error(Device) that says what is missing: the driver, a device, or code for it.
std::unique_ptr<Runtime> open_device(int index);

}  // namespace saithe::kernels::cuda
