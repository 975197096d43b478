// The chunks that were used last stay, as many as memory allows.

#include "saithe/io/chunk_cache.h"

#include <gtest/gtest.h>

namespace saithe {
namespace {

using io::ChunkBytes;
using io::ChunkCache;

ChunkBytes chunk_of(std::size_t n_bytes, unsigned char value) {
  return std::make_shared<const std::vector<unsigned char>>(n_bytes, value);
}

TEST(ChunkCache, KeepsWhatWasUsedLast) {
  ChunkCache cache;
  cache.keep("a", 0, chunk_of(10, 1), 30);
  cache.keep("a", 1, chunk_of(10, 2), 30);
  cache.keep("b", 0, chunk_of(10, 3), 30);
  ASSERT_NE(cache.find("a", 0), nullptr);
  EXPECT_EQ(cache.find("a", 0)->front(), 1);
  EXPECT_EQ(cache.find("b", 0)->front(), 3);
  EXPECT_EQ(cache.find("b", 1), nullptr);
  cache.keep("b", 1, chunk_of(15, 4), 30);  // takes the place of the two that were used first
  EXPECT_EQ(cache.find("a", 1), nullptr);
  EXPECT_EQ(cache.find("a", 0), nullptr);
  EXPECT_NE(cache.find("b", 0), nullptr);
  EXPECT_EQ(cache.bytes_kept(), 25);
}

TEST(ChunkCache, KeepsNoChunkThatPassesItsMemory) {
  ChunkCache cache;
  cache.keep("a", 0, chunk_of(10, 1), 30);
  cache.keep("a", 1, chunk_of(31, 1), 30);
  EXPECT_EQ(cache.find("a", 1), nullptr);
  EXPECT_NE(cache.find("a", 0), nullptr);
  cache.keep("a", 2, chunk_of(4, 1), 5);  // less memory than before
  EXPECT_EQ(cache.bytes_kept(), 4);
}

TEST(ChunkCache, AChunkIsKeptOnceAndStaysWithWhoHasIt) {
  ChunkCache cache;
  cache.keep("a", 0, chunk_of(10, 1), 10);
  const ChunkBytes held = cache.find("a", 0);
  cache.keep("a", 0, chunk_of(10, 2), 10);
  EXPECT_EQ(cache.bytes_kept(), 10);
  EXPECT_EQ(cache.find("a", 0), held);
  cache.keep("a", 1, chunk_of(10, 2), 10);
  EXPECT_EQ(held->size(), 10U);
}

}  // namespace
}  // namespace saithe
