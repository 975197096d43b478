#include "saithe/report/shown_text.h"

#include <gtest/gtest.h>

#include <limits>

#include "saithe/core/random.h"

namespace saithe {
namespace {

const std::string kReplacement = "\xEF\xBF\xBD";

TEST(ShownText, KeepsWhatCanBeShown) {
  for (const std::string text :
       {"CD4+ T", "\xCE\xB3\xCE\xB4 T-Zelle", "\xE7\xB4\xB0\xE8\x83\x9E", "\xF0\x9F\xA7\xAC", ""}) {
    EXPECT_EQ(shown_text(text), text);
  }
}

TEST(ShownText, ReplacesWhatCannot) {
  EXPECT_EQ(shown_text("a\xFF"), "a" + kReplacement);
  EXPECT_EQ(shown_text("line\nend\t"), "line" + kReplacement + "end" + kReplacement);
  EXPECT_EQ(shown_text("\xE2\x80\xAE"
                       "abc"),
            kReplacement + "abc");                                        // right to left
  EXPECT_EQ(shown_text("\xE2\x80\xA8"), kReplacement);                    // line separator
  EXPECT_EQ(shown_text("\xC0\x80"), kReplacement + kReplacement);         // overlong 0
  EXPECT_EQ(shown_text("\xED\xA0\x80").find("\xED"), std::string::npos);  // surrogate
  EXPECT_EQ(shown_text(std::string("a\0b", 3)), "a" + kReplacement + "b");
  EXPECT_EQ(shown_text("B\xE4"), "B" + kReplacement);  // cut off
}

TEST(ShownText, AnyBytesBecomeValidText) {
  const Random random(11, 0);
  for (std::uint64_t round = 0; round < 2000; ++round) {
    std::string bytes;
    for (std::uint64_t i = 0; i < 12; ++i) {
      bytes += static_cast<char>(random.below(round * 12 + i, 256));
    }
    const std::string shown = shown_text(bytes);
    for (std::string_view rest = shown; !rest.empty();) {
      const std::size_t length = utf8_length(rest);
      ASSERT_GT(length, 0U);
      rest.remove_prefix(length);
    }
    EXPECT_EQ(shown_text(shown), shown);
  }
}

TEST(EscapeHtml, NoMarkupIsLeft) {
  EXPECT_EQ(escape_html("<script>alert(\"x\") & 'y'</script>"),
            "&lt;script&gt;alert(&quot;x&quot;) &amp; &#39;y&#39;&lt;/script&gt;");
}

TEST(FormatCount, GroupsThousands) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(12345), "12,345");
  EXPECT_EQ(format_count(-1234567), "-1,234,567");
  EXPECT_EQ(format_count(std::numeric_limits<long long>::min()), "-9,223,372,036,854,775,808");
}

}  // namespace
}  // namespace saithe
