// parse_strict_json() and JsonObject: what is taken, what is refused.

#include "saithe/classify/strict_json.h"

#include <gtest/gtest.h>

#include "saithe/core/error.h"

namespace saithe {
namespace {

/// The message of the Error(BadFormat) that the action gives.
template <typename Action>
std::string refusal(Action action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::BadFormat);
    return error.what();
  }
  ADD_FAILURE() << "accepted";
  return "";
}

std::string parse_refusal(const std::string& text, const JsonLimits& limits = {}) {
  return refusal([&] { parse_strict_json(text, limits, "file"); });
}

TEST(StrictJson, GivesWhatIsWritten) {
  const std::string text =
      R"( {"a": [1, -2, 2.5, "x\u00e9", true, null, [], {}], "b": {"c": [[3]], "d": 18446744073709551615}} )";
  EXPECT_EQ(parse_strict_json(text, {}, "file"), nlohmann::json::parse(text));
  EXPECT_EQ(parse_strict_json("7", {}, "file"), 7);
}

TEST(StrictJson, RefusesWhatIsNotJson) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "[1,]",
                           "{\"a\":1,}",
                           "{a:1}",
                           "nan",
                           "[Infinity]",
                           "01",
                           "[1] []",
                           "'a'",
                           "\"\x01\"",
                           "\"\\x\"",
                           "\"\\ud800\"",
                           "\"\xff\"",
                           "\"\xc0\x80\"",
                           "\"\xed\xa0\x80\"",
                           "/* c */ 1",
                           "1e999",
                           "[1",
                           "\"a"}) {
    const std::string message = parse_refusal(text);
    EXPECT_EQ(message.rfind("file: not JSON in UTF-8 at byte", 0), 0U) << text << ": " << message;
  }
  EXPECT_FALSE(parse_refusal(std::string("\"\0\"", 3)).empty());
}

TEST(StrictJson, RefusesDuplicateKeysInEveryObject) {
  EXPECT_EQ(parse_refusal(R"({"a":1,"b":2,"a":1})"), "file: the key \"a\" occurs twice");
  EXPECT_FALSE(parse_refusal(R"([{"x":{"a":1,"\u0061":2}}])").empty());
  EXPECT_NO_THROW(parse_strict_json(R"({"a":{"a":{"a":1}},"b":{"a":1}})", {}, "file"));
}

TEST(StrictJson, LimitsHoldExactly) {
  EXPECT_NO_THROW(parse_strict_json("[[[]]]", {.max_depth = 3, .max_values = 3}, "file"));
  EXPECT_NE(parse_refusal("[[[]]]", {.max_depth = 2, .max_values = 3}).find("deeper than 2"),
            std::string::npos);
  EXPECT_NE(parse_refusal("[[[]]]", {.max_depth = 3, .max_values = 2}).find("more than 2 values"),
            std::string::npos);
  EXPECT_NE(parse_refusal("[1,2,3]", {.max_depth = 3, .max_values = 3}).find("more than 3 values"),
            std::string::npos);
  EXPECT_NE(parse_refusal(std::string(10000000, '[')).find("deeper"), std::string::npos);
}

TEST(JsonObject, GivesTypedValuesAndNamesTheWrongOnes) {
  const auto json = nlohmann::json::parse(
      R"({"t":"x","b":false,"n":2.5,"c":7,"ts":["a","b"],"ns":[1,2.5],"cs":[1,2]})");
  const JsonObject object(json, "where", {"t", "b", "n", "c", "ts", "ns", "cs"});
  EXPECT_EQ(object.text("t"), "x");
  EXPECT_FALSE(object.boolean("b"));
  EXPECT_EQ(object.number("n"), 2.5);
  EXPECT_EQ(object.number("c"), 7);
  EXPECT_EQ(object.count("c", 7), 7U);
  EXPECT_EQ(object.texts("ts"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(object.numbers("ns"), (std::vector<double>{1, 2.5}));
  EXPECT_EQ(object.counts("cs", 2), (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(refusal([&] { static_cast<void>(object.text("n")); }), "where: \"n\" is not a text");
  for (const auto& message : {refusal([&] { static_cast<void>(object.boolean("c")); }),
                              refusal([&] { static_cast<void>(object.count("c", 6)); }),
                              refusal([&] { static_cast<void>(object.texts("t")); }),
                              refusal([&] { static_cast<void>(object.counts("cs", 1)); })}) {
    EXPECT_EQ(message.rfind("where: \"", 0), 0U) << message;
  }
  EXPECT_FALSE(refusal([&] { static_cast<void>(object.number("t")); }).empty());
  EXPECT_FALSE(refusal([&] { static_cast<void>(object.count("n", 9)); }).empty());
  EXPECT_FALSE(refusal([&] { static_cast<void>(object.texts("ns")); }).empty());
  EXPECT_FALSE(refusal([&] { static_cast<void>(object.numbers("ts")); }).empty());
  EXPECT_FALSE(refusal([&] { static_cast<void>(object.counts("ns", 9)); }).empty());
}

TEST(JsonObject, HasExactlyItsKeys) {
  const auto json = nlohmann::json::parse(R"({"a":1,"b":2})");
  EXPECT_EQ(refusal([&] {
              JsonObject(json, "w", {"a", "b", "c"});
            }),
            "w: the key \"c\" is missing");
  EXPECT_EQ(refusal([&] { JsonObject(json, "w", {"a"}); }), "w: unexpected key \"b\"");
  EXPECT_EQ(refusal([&] { JsonObject(json["a"], "w", {}); }), "w: expected an object");
}

}  // namespace
}  // namespace saithe
