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

}  // namespace
}  // namespace saithe
