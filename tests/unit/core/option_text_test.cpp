// Options as text and back.

#include "saithe/core/option_text.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace saithe {
namespace {

enum class Colour { Red, Blue };

struct Sample {
  bool is_on = true;
  int count = -3;
  std::int64_t large = std::int64_t{1} << 60;
  double share = 0.1;
  std::string name = "a,b c";
  std::vector<int> sizes = {1028, 256};
  std::vector<double> rates = {0.2, 1e-4};
  std::vector<std::string> prefixes = {"MT-", "mt-"};
  Colour colour = Colour::Blue;

  template <typename Visitor>
  static void describe(Visitor& visit, Sample& options) {
    visit("on", options.is_on, "");
    visit("count", options.count, "");
    visit("large", options.large, "");
    visit("share", options.share, "");
    visit("name", options.name, "");
    visit("sizes", options.sizes, "");
    visit("rates", options.rates, "");
    visit("prefixes", options.prefixes, "");
    visit("colour", options.colour, "");
  }
};

}  // namespace

template <>
struct EnumNames<Colour> {
  static constexpr std::pair<Colour, const char*> values[] = {{Colour::Red, "red"},
                                                              {Colour::Blue, "blue"}};
};

namespace {

TEST(OptionText, EveryKindOfMemberAsText) {
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"on", "true"},         {"count", "-3"},         {"large", "1152921504606846976"},
      {"share", "0.1"},       {"name", "a,b c"},       {"sizes", "1028,256"},
      {"rates", "0.2,1e-04"}, {"prefixes", "MT-,mt-"}, {"colour", "blue"}};
  EXPECT_EQ(options_as_text(Sample{}), expected);
}

TEST(OptionText, TextsSetTheMembersTheyCameFrom) {
  const auto texts = options_as_text(Sample{});
  Sample found{false, 0, 0, 0, "", {}, {9}, {"x"}, Colour::Red};
  std::size_t i = 0;
  auto visit = [&](const char* name, auto& value, const char*) {
    ASSERT_EQ(texts[i].first, name);
    set_option(texts[i++].second, name, value);
  };
  Sample::describe(visit, found);
  EXPECT_EQ(options_as_text(found), texts);
  EXPECT_EQ(found.rates, Sample{}.rates);
  std::vector<int> sizes = {1};
  set_option("", "sizes", sizes);
  EXPECT_TRUE(sizes.empty());
}

TEST(OptionText, WrongTextsNameTheOption) {
  const auto message = [](const char* text, auto value) -> std::string {
    try {
      set_option(text, "flag", value);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
      return error.what();
    }
    ADD_FAILURE() << text << " was accepted";
    return "";
  };
  for (const std::string& text :
       {message("yes", false), message("1.5", 0), message("", 0), message("2147483648", 0),
        message("9223372036854775808", std::int64_t{0}), message("0,5", 0.0), message("1x", 0.0),
        message("1,,2", std::vector<int>{}), message("1,b", std::vector<double>{}),
        message("green", Colour::Red)}) {
    EXPECT_EQ(text.rfind("--flag: '", 0), 0U) << text;
  }
  EXPECT_EQ(message("x", 0), "--flag: 'x' is not a whole number");
  EXPECT_EQ(message("99999999999999999999", 0),
            "--flag: '99999999999999999999' is not a whole number from -2147483648 to 2147483647");
  EXPECT_NE(message("green", Colour::Red).find("red, blue"), std::string::npos);
}

}  // namespace
}  // namespace saithe
