#pragma once

// Memory for large arrays. A page of 4 KiB that is touched first costs more than the values that
// are read into it; huge pages are 512 times fewer.

#include <cstddef>
#include <vector>

namespace saithe {

/// Asks the system to back [begin, begin + n_bytes) with huge pages where whole ones fit. A wish:
/// what the memory holds stays, and a system without them goes on as before.
void ask_for_huge_pages(void* begin, std::size_t n_bytes);

/// Makes `values` n zeros, in huge pages where that saves time.
template <typename Value>
void assign_zeros(std::vector<Value>& values, std::size_t n) {
  values.clear();
  values.reserve(n);
  ask_for_huge_pages(values.data(), n * sizeof(Value));
  values.resize(n);
}

}  // namespace saithe
