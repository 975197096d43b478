#pragma once

// Which device computes: what the user says, and its text; and how one says that it has no room.

#include <string>
#include <string_view>

#include "saithe/core/error.h"

namespace saithe::kernels {

enum class DeviceKind { Auto, Cpu, Cuda };

/// Where to compute.
struct Device {
  DeviceKind kind = DeviceKind::Auto;
  int index = 0;  ///< of several GPUs

  static const Device Auto;
  static const Device Cpu;
  static const Device Cuda;

  bool operator==(const Device&) const = default;
};
inline constexpr Device Device::Auto{DeviceKind::Auto, 0};
inline constexpr Device Device::Cpu{DeviceKind::Cpu, 0};
inline constexpr Device Device::Cuda{DeviceKind::Cuda, 0};

/// The device of "auto", "cpu", "cuda" or "cuda:1". Throws Error(InvalidArgument) that lists these.
Device parse_device(std::string_view text);

/// "auto", "cpu", "cuda:0".
std::string device_name(Device device);

/// The device has no room for what is asked of it. Less at a time may fit.
class OutOfDeviceMemory : public Error {
 public:
  explicit OutOfDeviceMemory(const std::string& message) : Error(ErrorKind::Device, message) {}
};

}  // namespace saithe::kernels
