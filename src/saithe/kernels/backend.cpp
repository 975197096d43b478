#include "saithe/kernels/backend.h"

#include "saithe/kernels/cpu/cpu_backend.h"
#ifdef SAITHE_HAVE_CUDA
#include "saithe/kernels/cuda/cuda_backend.h"
#include "saithe/kernels/cuda/cuda_device.h"
#endif

// The only file that knows which backends were built.

namespace saithe::kernels {

Device best_device() {
#ifdef SAITHE_HAVE_CUDA
  if (cuda::has_working_device()) return Device::Cuda;
#endif
  return Device::Cpu;
}

std::unique_ptr<Backend> make_backend(Device device, const Context& context) {
  if (device == Device::Auto) device = best_device();
  if (device.kind == DeviceKind::Cpu) return cpu::make_cpu_backend(context);
#ifdef SAITHE_HAVE_CUDA
  return cuda::make_cuda_backend(cuda::open_device(device.index));
#else
  fail(ErrorKind::Device, "--device {}: this build of saithe has no CUDA backend; use --device cpu",
       device_name(device));
#endif
}

}  // namespace saithe::kernels
