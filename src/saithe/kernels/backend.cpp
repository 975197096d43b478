#include "saithe/kernels/backend.h"

#include "saithe/kernels/cpu/cpu_backend.h"

// The only file that knows which backends were built.

namespace saithe::kernels {

std::unique_ptr<Backend> make_backend(Device device, const Context& context) {
  if (device == Device::Cuda) {
    fail(ErrorKind::Device,
         "--device cuda: this build of saithe has no CUDA backend; use --device cpu");
  }
  return cpu::make_cpu_backend(context);
}

}  // namespace saithe::kernels
