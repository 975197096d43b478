#pragma once

// A backend to test, with every SIMD target of this processor.

#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "saithe/kernels/backend.h"
#include "saithe/kernels/cpu/simd.h"

namespace saithe::kernels {

// Sums of at most a few hundred products of numbers near 1 in float32: 300 * 2^-24, with room.
inline constexpr double kTolerance = 1e-4;

/// A backend to test: the CPU with a SIMD target.
class BackendTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    cpu::force_simd_target(GetParam());
    ASSERT_EQ(cpu::simd_target(), GetParam());
    backend_ = make_backend(Device::Cpu, context_);
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

}  // namespace saithe::kernels
