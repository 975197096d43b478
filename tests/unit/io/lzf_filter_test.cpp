#include "saithe/io/lzf_filter.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "saithe/core/random.h"

namespace saithe::io {
namespace {

using Bytes = std::vector<unsigned char>;

TEST(LzfFilter, LiteralsAndCopies) {
  // 3 literals "abc", then a copy of 5 bytes from 3 back: abcab, then a long copy of 7 + 2 + 1
  // = 10.
  const Bytes packed = {2, 'a', 'b', 'c', (3 << 5), 2, (7 << 5), 1, 0};
  Bytes bytes(18);
  ASSERT_TRUE(inflate_lzf(packed, bytes));
  EXPECT_EQ(std::string(bytes.begin(), bytes.end()), "abcabcabbbbbbbbbbb");
}

TEST(LzfFilter, WrongLengthsAndDistancesAreRefused) {
  Bytes bytes(3);
  EXPECT_FALSE(inflate_lzf(Bytes{2, 'a', 'b'}, bytes));            // literals beyond the end
  EXPECT_FALSE(inflate_lzf(Bytes{1, 'a', 'b'}, bytes));            // too few
  EXPECT_FALSE(inflate_lzf(Bytes{3, 'a', 'b', 'c', 'd'}, bytes));  // too many
  EXPECT_FALSE(inflate_lzf(Bytes{0, 'a', (1 << 5), 1}, bytes));    // from before the start
  EXPECT_FALSE(inflate_lzf(Bytes{0, 'a', (7 << 5)}, bytes));       // cut in a length
  EXPECT_FALSE(inflate_lzf(Bytes{0, 'a', (1 << 5)}, bytes));       // cut in a distance
  EXPECT_TRUE(inflate_lzf(Bytes{2, 'a', 'b', 'c'}, bytes));
}

TEST(LzfFilter, TheSizeIsToldFromTheLengthsAlone) {
  EXPECT_EQ(lzf_size(Bytes{2, 'a', 'b', 'c', (3 << 5), 2, (7 << 5), 1, 0}), 18U);
  EXPECT_EQ(lzf_size(Bytes{}), 0U);
  EXPECT_EQ(lzf_size(Bytes{2, 'a', 'b'}), 0U);       // cut in literals
  EXPECT_EQ(lzf_size(Bytes{0, 'a', (7 << 5)}), 0U);  // cut in a length
  EXPECT_EQ(lzf_size(Bytes{0, 'a', (1 << 5)}), 0U);  // cut in a distance
}

TEST(LzfFilter, RandomBytesNeverLeaveTheBuffers) {
  const Random random(1, 0);
  for (std::uint64_t round = 0; round < 20000; ++round) {
    Bytes packed(random.below(round, 40));
    for (std::size_t i = 0; i < packed.size(); ++i) {
      packed[i] = static_cast<unsigned char>(random.bits(100000 + round * 64 + i));
    }
    Bytes bytes(50);
    const bool is_inflated = inflate_lzf(packed, bytes);
    EXPECT_TRUE(!is_inflated || lzf_size(packed) == bytes.size());
    Bytes as_said(lzf_size(packed));
    EXPECT_NO_THROW(static_cast<void>(inflate_lzf(packed, as_said)));
  }
}

}  // namespace
}  // namespace saithe::io
