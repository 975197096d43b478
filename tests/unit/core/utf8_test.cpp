// Every code point goes to UTF-8 and back; what is no UTF-8 is known.

#include "saithe/core/utf8.h"

#include <gtest/gtest.h>

namespace saithe {
namespace {

TEST(Utf8, EveryCodePointGoesThere_AndBack) {
  for (std::uint32_t code = 0; code < 0x110000; ++code) {
    std::string text;
    const bool exists = code < 0xD800 || code > 0xDFFF;
    ASSERT_EQ(append_utf8(code, text), exists) << code;
    if (!exists) continue;
    std::uint32_t back = 0;
    std::string_view rest = text;
    ASSERT_TRUE(take_utf8(rest, back)) << code;
    ASSERT_EQ(back, code);
    ASSERT_TRUE(rest.empty()) << code;
  }
  std::string text;
  EXPECT_FALSE(append_utf8(0x110000, text));
}

TEST(Utf8, KnowsWhatIsNotUtf8) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("na\xc3\xafve T \xf0\x9f\xa7\xac"));
  EXPECT_TRUE(is_utf8(std::string_view("\0", 1)));
  for (const char* text :
       {"\x80", "a\xff", "\xc3", "\xc3(", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
        "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xe2\x82"}) {
    EXPECT_FALSE(is_utf8(text)) << text;
  }
}

TEST(Utf8, AByteAbove127IsFoundWhereverItStands) {
  for (std::size_t length = 0; length < 40; ++length) {
    std::string text(length, '\x7f');
    EXPECT_TRUE(is_ascii(text));
    for (std::size_t i = 0; i < length; ++i) {
      text[i] = '\x80';
      EXPECT_FALSE(is_ascii(text)) << length << " " << i;
      EXPECT_FALSE(is_utf8(text));
      text[i] = '\x7f';
    }
  }
}

}  // namespace
}  // namespace saithe
