#pragma once

// Buffers of the CUDA backend.

#include <algorithm>

#include "saithe/kernels/backend.h"
#include "saithe/kernels/cuda/queue.h"

namespace saithe::kernels::cuda {

class DeviceBuffer final : public Buffer {
 public:
  /// Zeros.
  DeviceBuffer(const std::shared_ptr<Queue>& queue, std::int64_t size)
      : size_(size), memory_(queue, size * static_cast<std::int64_t>(sizeof(float))) {
    if (size == 0) return;
    queue->submit();
    queue->runtime().clear(memory_.as<float>(), as_size(memory_.n_bytes()));
  }
  [[nodiscard]] std::int64_t size() const override { return size_; }
  [[nodiscard]] float* data() const { return memory_.as<float>(); }

 private:
  std::int64_t size_;
  DeviceMemory memory_;
};

inline float* data_of(Buffer& buffer) {
  return static_cast<DeviceBuffer&>(buffer).data();
}
inline const float* data_of(const Buffer& buffer) {
  return static_cast<const DeviceBuffer&>(buffer).data();
}

/// n values of a type on the device.
template <typename T>
DeviceMemory device_array(const std::shared_ptr<Queue>& queue, std::int64_t n) {
  return {queue, checked_multiply(n, sizeof(T), "memory of the GPU")};
}

/// Copies of host memory, in the order of what was asked for before.
template <typename T>
void copy_in(Queue& queue, T* target, std::span<const T> source) {
  queue.submit();
  if (!source.empty()) queue.runtime().copy_to_device(target, source.data(), source.size_bytes());
}
template <typename T>
void copy_out(Queue& queue, const T* source, std::span<T> target) {
  queue.submit();
  if (!target.empty()) queue.runtime().copy_to_host(target.data(), source, target.size_bytes());
}

/// Sums of the columns of values (n_rows, n), or of their products with factors, into out (n).
/// `scratch` grows as it is needed.
template <typename Value>
void add_column_sums(const std::shared_ptr<Queue>& queue, std::int64_t n_rows, std::int64_t n,
                     const Value* values, const Value* factors, Value* out, DeviceMemory& scratch) {
  using Sums = ColumnSums<Value>;
  const auto stretches = [](std::int64_t rows) {
    return std::max<std::int64_t>(1, (rows + Sums::kStretch - 1) / Sums::kStretch);
  };
  std::int64_t n_partial = 0;
  for (std::int64_t rows = stretches(n_rows); rows > 1; rows = stretches(rows)) n_partial += rows;
  scratch.grow(queue, n_partial * n * static_cast<std::int64_t>(sizeof(Value)));
  Value* partial = scratch.as<Value>();
  while (true) {
    const std::int64_t n_stretches = stretches(n_rows);
    Value* const target = n_stretches == 1 ? out : partial;
    queue->add<Sums>((n + Sums::kCols - 1) / Sums::kCols, n_stretches, Sums::kThreads,
                     Sums::kThreads * sizeof(Value), {n_rows, n, values, factors, target});
    if (n_stretches == 1) return;
    partial += n_stretches * n;
    n_rows = n_stretches;
    values = target;
    factors = nullptr;
  }
}

}  // namespace saithe::kernels::cuda
