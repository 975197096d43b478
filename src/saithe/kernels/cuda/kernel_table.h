#pragma once

// The kernels as the CUDA runtime starts them: what the compiler of CUDA makes, and all that it
// sees of saithe.

#include <span>

namespace saithe::kernels::cuda {

/// The function of each kernel of AllKernels, by its number.
std::span<const void* const> kernel_table();

}  // namespace saithe::kernels::cuda
