#include "saithe/core/freed_memory.h"

#include <malloc.h>

namespace saithe {

void keep_freed_memory() {
#ifdef __GLIBC__
  static constexpr int kLargestBlock = 1 << 26;
  mallopt(M_MMAP_THRESHOLD, kLargestBlock);
  mallopt(M_TRIM_THRESHOLD, 2 * kLargestBlock);
#endif
}

}  // namespace saithe
