#pragma once

// A device without a GPU: the CUDA backend's kernels run on the processor, thread by thread.
//
// Each thread of a block has its own stack, and goes on where sync() left it when all have come
// there. Shared and device memory are filled with bytes that make NaNs before they are used, blocks
// and threads run in the order that `order` says, and with Backward what is aside as late as it
// may: a kernel that reads what nothing wrote, or that depends on the order of its threads, gives
// other results. With AddressSanitizer accesses outside of device memory are found.

#include <memory>

#include "saithe/kernels/cuda/runtime.h"

namespace saithe::testing {

/// In which order the threads of a block, and the blocks, take their turns.
enum class ThreadOrder { Forward, Backward };

/// `memory` is what the device has, in bytes.
std::unique_ptr<kernels::cuda::Runtime> make_emulated_device(
    ThreadOrder order = ThreadOrder::Forward, std::size_t memory = std::size_t{1} << 33);

}  // namespace saithe::testing
