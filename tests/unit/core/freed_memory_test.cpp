#include "saithe/core/freed_memory.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <vector>

namespace saithe {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kHasOtherMalloc = true;
#elif defined(__has_feature)
constexpr bool kHasOtherMalloc =
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kHasOtherMalloc = false;
#endif

/// Pages that the system had to clear while blocks of 20 and 30 MB came and went.
long pages_of_blocks() {
  rusage before = {};
  rusage after = {};
  getrusage(RUSAGE_SELF, &before);
  for (int i = 0; i < 10; ++i) {
    const std::vector<char> block(20'000'000, 'a');
    const std::vector<char> other(30'000'000, 'b');
  }
  getrusage(RUSAGE_SELF, &after);
  return after.ru_minflt - before.ru_minflt;
}

TEST(FreedMemory, IsKeptForTheNextBlock) {
  if (kHasOtherMalloc) GTEST_SKIP() << "a sanitizer's malloc has rules of its own";
  keep_freed_memory();
  pages_of_blocks();
  EXPECT_LT(pages_of_blocks(), 100);
}

}  // namespace
}  // namespace saithe
