#include "saithe/classify/pickle_text.h"

#include <gtest/gtest.h>

#include <vector>

namespace saithe {
namespace {

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
