#include "saithe/core/huge_pages.h"

#include <sys/mman.h>

#include <cstdint>

namespace saithe {
namespace {

constexpr std::uintptr_t kHugePage = std::uintptr_t{1} << 21;  // of x86-64, and of most of arm64
constexpr std::uintptr_t kSmallPage = std::uintptr_t{1} << 12;
// Less is often memory that was used before, whose pages are there.
constexpr std::size_t kWorthAsking = std::size_t{1} << 22;

}  // namespace

void ask_for_huge_pages(void* begin, std::size_t n_bytes) {
  if (n_bytes < kWorthAsking) return;
  const auto address = reinterpret_cast<std::uintptr_t>(begin);
  const std::uintptr_t first = (address + kHugePage - 1) / kHugePage * kHugePage;
  const std::uintptr_t last = (address + n_bytes) / kHugePage * kHugePage;
  // What it answers changes nothing: kernels without huge pages refuse.
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#ifdef MADV_POPULATE_WRITE
  // The small pages around them, at once instead of one by one; from Linux 5.14 on.
  const std::uintptr_t first_small = (address + kSmallPage - 1) / kSmallPage * kSmallPage;
  const std::uintptr_t last_small = (address + n_bytes) / kSmallPage * kSmallPage;
  madvise(reinterpret_cast<void*>(first_small), last_small - first_small, MADV_POPULATE_WRITE);
#endif
}

}  // namespace saithe
