#pragma once

// The operations of backend.h on this machine's processors.

#include <memory>

#include "saithe/core/aligned_vector.h"
#include "saithe/kernels/backend.h"
#include "saithe/kernels/cpu/simd.h"

namespace saithe::kernels::cpu {

/// Memory of the host.
class CpuBuffer final : public Buffer {
 public:
  explicit CpuBuffer(std::int64_t size) : values_(as_size(size)) {}
  [[nodiscard]] std::int64_t size() const override {
    return static_cast<std::int64_t>(values_.size());
  }
  [[nodiscard]] float* data() { return values_.data(); }
  [[nodiscard]] const float* data() const { return values_.data(); }

 private:
  AlignedVector<float> values_;
};

/// The values of a buffer that this backend allocated.
float* data_of(Buffer& buffer);
const float* data_of(const Buffer& buffer);

/// The constants of a step, from its options.
AdamConstants adam_constants(const AdamStep& adam);

std::unique_ptr<Backend> make_cpu_backend(const Context& context);

}  // namespace saithe::kernels::cpu
