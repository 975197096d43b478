#include "saithe/classify/pickle_text.h"

#include <gtest/gtest.h>

#include <vector>

namespace saithe {
namespace {

TEST(PickleText, EveryCodePointGoesThere_AndBack) {
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

TEST(PickleText, KnowsWhatIsNotUtf8) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("na\xc3\xafve T \xf0\x9f\xa7\xac"));
  EXPECT_TRUE(is_utf8(std::string_view("\0", 1)));
  for (const char* text :
       {"\x80", "a\xff", "\xc3", "\xc3(", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
        "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xe2\x82"}) {
    EXPECT_FALSE(is_utf8(text)) << text;
  }
}

TEST(PickleText, RawUnicodeEscapes) {
  std::string text;
  // Python: 'a\\b\n\u00e9\u03b1\U0001f9ec'.encode in protocol 0
  ASSERT_TRUE(decode_raw_unicode_escape("a\\u005cb\\u000a\xe9\\u03b1\\U0001f9ec\\x", text));
  EXPECT_EQ(text, "a\\b\n\xc3\xa9\xce\xb1\xf0\x9f\xa7\xac\\x");
  for (const char* line : {"\\u12", "\\u", "\\U0001f9e", "\\u12g4", "\\ud800", "\\U00110000"}) {
    EXPECT_FALSE(decode_raw_unicode_escape(line, text)) << line;
  }
}

}  // namespace
}  // namespace saithe
