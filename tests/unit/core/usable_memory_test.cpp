#include "saithe/core/usable_memory.h"

#include <gtest/gtest.h>

#include <limits>

#include "support/folder_for_test.h"

namespace saithe {
namespace {

TEST(UsableMemory, WhatDoesNotFitIsRefusedWithItsSize) {
  EXPECT_GT(usable_memory(), std::int64_t{1} << 26);
  EXPECT_NO_THROW(require_memory("x.h5ad: /X", 1000, 8));
  EXPECT_NO_THROW(require_memory("x.h5ad: /X", usable_memory() / 8, 8));
  EXPECT_SAITHE_ERROR(require_memory("x.h5ad: /X", usable_memory() / 8 + 1, 8),
                      ErrorKind::BadFormat, "x.h5ad: /X");
  EXPECT_SAITHE_ERROR(require_memory("x.h5ad: /X", std::int64_t{1} << 44, 8), ErrorKind::BadFormat,
                      "140737.5 GB");
  EXPECT_SAITHE_ERROR(require_memory("x", std::numeric_limits<std::int64_t>::max(), 8),
                      ErrorKind::BadFormat, "64 bits");
}

TEST(UsableMemory, WhatIsHeldForAllCellsIsRefusedWithTheMemoryThatItNeeds) {
  constexpr std::int64_t kMebibyte = std::int64_t{1} << 20;
  EXPECT_EQ(most_bytes_of_cells(16 * kMebibyte), 80 * kMebibyte);
  EXPECT_NO_THROW(require_memory_for_cells("x", kMebibyte, 80, 16 * kMebibyte));
  EXPECT_SAITHE_ERROR(require_memory_for_cells("x: reading", kMebibyte, 82, 16 * kMebibyte),
                      ErrorKind::InvalidArgument,
                      "x: reading takes 82 bytes for each of 1048576 cells, 82M in all, more than "
                      "--memory (16M) allows. Give --memory 18M, or fewer cells.");
  EXPECT_NO_THROW(require_memory_for_cells("x", kMebibyte, 82, 18 * kMebibyte));
  EXPECT_NO_THROW(require_memory_so_far("x", kMebibyte, 80, 16 * kMebibyte));
  EXPECT_SAITHE_ERROR(require_memory_so_far("x", kMebibyte, 81, 16 * kMebibyte),
                      ErrorKind::InvalidArgument,
                      "more than --memory (16M) allows: 81M for 1048576 of them so far");
}

}  // namespace
}  // namespace saithe
