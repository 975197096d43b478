#include "saithe/kernels/device.h"

#include <fmt/core.h>

#include <cstdint>

#include "saithe/core/error.h"
#include "saithe/core/option_text.h"

namespace saithe::kernels {

Device parse_device(std::string_view text) {
  if (text == "auto") return Device::Auto;
  if (text == "cpu") return Device::Cpu;
  if (text == "cuda") return Device::Cuda;
  constexpr std::string_view kPrefix = "cuda:";
  constexpr std::int64_t kMaxIndex = 1023;
  std::int64_t index = 0;
  if (text.starts_with(kPrefix) && is_whole_number(text.substr(kPrefix.size())) &&
      parse_number(text.substr(kPrefix.size()), index) && index >= 0 && index <= kMaxIndex) {
    return {DeviceKind::Cuda, static_cast<int>(index)};
  }
  fail(ErrorKind::InvalidArgument,
       "--device: '{}' is not one of auto, cpu, cuda, cuda:0, cuda:1, ...", text);
}

std::string device_name(Device device) {
  if (device.kind == DeviceKind::Cuda) return fmt::format("cuda:{}", device.index);
  return device.kind == DeviceKind::Cpu ? "cpu" : "auto";
}

}  // namespace saithe::kernels
