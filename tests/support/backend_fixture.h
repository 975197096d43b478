#pragma once

// A backend to test: the CPU with every SIMD target of this processor, the CUDA backend on an
// emulated device, and on a GPU where there is one.

#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "saithe/kernels/backend.h"
#include "saithe/kernels/cpu/simd.h"
#include "saithe/kernels/cuda/cuda_backend.h"
#include "support/emulated_device.h"

namespace saithe::kernels {

// Sums of at most a few hundred products of numbers near 1 in float32: 300 * 2^-24, with room.
inline constexpr double kTolerance = 1e-4;

/// The CUDA backend on a GPU; null, and `why` says what is missing, where there is none.
inline std::unique_ptr<Backend> make_gpu_backend(std::string& why) {
  try {
    return make_backend(Device::Cuda, Context(1, 1));
  } catch (const Error& error) {
    why = std::string("no GPU: ") + error.what();
    return nullptr;
  }
}

/// All of them: once one is forced, the processor seems to have no other.
inline const std::vector<std::string> kSimdTargets = cpu::simd_targets();

/// A backend to test, by the name of a SIMD target or one of kCudaBackends.
class BackendTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const std::string& name = GetParam();
    if (name == "Gpu") {
      std::string why;
      backend_ = make_gpu_backend(why);
      if (backend_ == nullptr) GTEST_SKIP() << why;
    } else if (name == "EmulatedForward" || name == "EmulatedBackward") {
      backend_ = cuda::make_cuda_backend(testing::make_emulated_device(
          name == "EmulatedForward" ? testing::ThreadOrder::Forward
                                    : testing::ThreadOrder::Backward));
    } else {
      cpu::force_simd_target(name);
      ASSERT_EQ(cpu::simd_target(), name);
      backend_ = make_backend(Device::Cpu, context_);
    }
  }
  std::unique_ptr<Buffer> upload(std::span<const float> values) {
    auto buffer = backend_->allocate(static_cast<std::int64_t>(values.size()));
    backend_->upload(values, *buffer);
    return buffer;
  }
  std::vector<float> download(const Buffer& buffer) {
    std::vector<float> values(static_cast<std::size_t>(buffer.size()));
    backend_->download(buffer, values);
    return values;
  }
  Context context_{2, 1};
  std::unique_ptr<Backend> backend_;
};

/// The parameters that are not SIMD targets.
inline const std::vector<std::string> kCudaBackends = {"EmulatedForward", "EmulatedBackward",
                                                       "Gpu"};

inline std::string backend_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::erase_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
  return name;
}

}  // namespace saithe::kernels
