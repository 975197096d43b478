#pragma once

// Storage for the numeric kernels: 64-byte aligned, and on huge pages where it is large.

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <new>
#include <vector>

namespace saithe {

/// Allocator for 64-byte aligned memory; blocks of 4 MiB and more ask for huge pages, because the
/// sparse layer touches a new page with every gene.
template <typename T>
struct AlignedAllocator {
  using value_type = T;
  static constexpr std::size_t kAlignment = 64;
  static constexpr std::size_t kHugePage = std::size_t{2} << 20;

  AlignedAllocator() = default;
  template <typename U>
  AlignedAllocator(const AlignedAllocator<U>&) noexcept {}

  T* allocate(std::size_t n) {
    if (n > static_cast<std::size_t>(-1) / 2 / sizeof(T)) throw std::bad_array_new_length();
    const bool is_large = n * sizeof(T) >= 2 * kHugePage;
    const std::size_t alignment = is_large ? kHugePage : kAlignment;
    const std::size_t n_bytes = (n * sizeof(T) + alignment - 1) / alignment * alignment;
    void* memory = std::aligned_alloc(alignment, n_bytes);
    if (memory == nullptr) throw std::bad_alloc();
    if (is_large) madvise(memory, n_bytes, MADV_HUGEPAGE);  // a wish; failure costs only time
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, std::size_t) noexcept { std::free(memory); }
  template <typename U>
  bool operator==(const AlignedAllocator<U>&) const noexcept {
    return true;
  }
};

template <typename T>
using AlignedVector = std::vector<T, AlignedAllocator<T>>;

}  // namespace saithe
