#pragma once

// What the backend needs of a device: memory, copies, and lists of kernels to run. cuda_device.cpp
// is the one for GPUs; the tests have one that runs the same kernels on the processor.
//
// A device does what it is asked in two lanes, each in its order: Compute, which all but copies
// ahead of time use, and Copy.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "saithe/core/error.h"
#include "saithe/kernels/cuda/kernel_list.h"

namespace saithe::kernels::cuda {

enum class Lane { Compute, Copy };

/// A place in a lane that another lane, or the host, can wait for.
class Mark {
 public:
  virtual ~Mark() = default;
};

class Runtime {
 public:
  virtual ~Runtime() = default;
  /// The model of the device.
  [[nodiscard]] virtual std::string model() const = 0;

  /// Device memory. Throws OutOfDeviceMemory.
  [[nodiscard]] virtual void* allocate(std::size_t n_bytes) = 0;
  /// Gives it back when the Compute lane is done with what it was asked before.
  virtual void release(void* memory) noexcept = 0;
  [[nodiscard]] virtual std::size_t free_bytes() = 0;
  /// Memory of the host that the device copies from while both go on.
  [[nodiscard]] virtual void* allocate_host(std::size_t n_bytes) = 0;
  virtual void release_host(void* memory) noexcept = 0;

  // In the Compute lane. Copies to the host wait until they are done.
  virtual void clear(void* memory, std::size_t n_bytes) = 0;
  virtual void copy_to_device(void* target, const void* source, std::size_t n_bytes) = 0;
  virtual void copy_to_host(void* target, const void* source, std::size_t n_bytes) = 0;
  virtual void copy_on_device(void* target, const void* source, std::size_t n_bytes) = 0;

  /// A copy in the Copy lane, from memory of allocate_host(): what it reads must stay as it is
  /// until a mark behind it is reached.
  virtual void copy_ahead(void* target, const void* source, std::size_t n_bytes) = 0;
  [[nodiscard]] virtual std::unique_ptr<Mark> make_mark() = 0;
  virtual void set(Mark& mark, Lane lane) = 0;
  /// Lets a lane wait for what was before the mark when it was last set, if it ever was.
  virtual void wait(const Mark& mark, Lane lane) = 0;
  virtual void wait_on_host(const Mark& mark) = 0;

  /// A block of device memory of at least this size that run() fills. It moves only when it grows.
  [[nodiscard]] virtual std::byte* argument_block(std::size_t n_bytes) = 0;
  /// Copies the arguments into the block and runs the commands in the Compute lane, in their order
  /// but for what is aside; does not wait for them. What follows waits for all of them.
  virtual void run(std::span<const std::byte> arguments, std::span<const Command> commands) = 0;
};

}  // namespace saithe::kernels::cuda
