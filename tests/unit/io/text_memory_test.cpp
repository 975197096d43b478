#include "saithe/io/text_memory.h"

#include <gtest/gtest.h>

#include <vector>

#include "saithe/core/usable_memory.h"
#include "support/folder_for_test.h"

namespace saithe::io {
namespace {

constexpr std::int64_t kMemory = std::int64_t{16} << 20;

TEST(TextMemory, ShortTextsAreCountedByTheirNumber) {
  TextMemory memory("cells/obs/batch", 1'000'000, kMemory);
  const std::vector<std::string> texts(1000, std::string(30, 'a'));
  const auto n_that_fit = most_bytes_of_cells(kMemory) / (1000 * 110);
  for (std::int64_t i = 0; i < n_that_fit; ++i) memory.add(texts);
  EXPECT_SAITHE_ERROR(memory.add(texts), ErrorKind::InvalidArgument,
                      "cells/obs/batch: its 1000000 texts take about 105M while they are read, "
                      "more than --memory (16M) allows: the first 763000 take 81M. Give --memory "
                      "52M.");
}

TEST(TextMemory, LongOnesByTheirLength) {
  const std::vector<std::string> texts(1000, std::string(3000, 'a'));
  TextMemory memory("a", 20'000, kMemory);
  for (int i = 0; i < 13; ++i) memory.add(texts);
  EXPECT_SAITHE_ERROR(memory.add(texts), ErrorKind::InvalidArgument, "Give --memory");
  // With as much as it says they fit.
  TextMemory enough("a", 20'000, std::int64_t{66} << 20);
  for (int i = 0; i < 20; ++i) enough.add(texts);
}

}  // namespace
}  // namespace saithe::io
