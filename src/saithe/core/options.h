#pragma once

// One declaration per option.
//
// An options struct has members with defaults and one function
//     template <typename Visitor> static void describe(Visitor& visit, XxxOptions& options);
// that calls visit("flag-name", options.member, "one line of help") for each. From it come the
// command line, the JSON of the model file, Python's keywords and the reference page.
// Beside it may stand
//     template <typename Visitor> static void needs(Visitor& need, const XxxOptions& options);
// that calls need({"flag-name", ...}, condition, "with --none: why") where options change nothing
// unless the condition holds of the resolved values: given explicitly they are refused then.
// Members may be: bool, int, std::int64_t, double, std::string, std::vector<int>,
// std::vector<double>, std::vector<std::string>, and enums with an EnumNames specialisation.

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "saithe/core/error.h"

namespace saithe {

/// Specialise with `static constexpr std::pair<Enum, const char*> values[]` to name an enum's
/// values.
template <typename Enum>
struct EnumNames;

/// The text of an enum value.
template <typename Enum>
requires std::is_enum_v<Enum>
const char* to_text(Enum value) {
  for (const auto& [candidate, name] : EnumNames<Enum>::values) {
    if (candidate == value) return name;
  }
  return "?";
}

/// The texts of an enum's values, joined by commas.
template <typename Enum>
requires std::is_enum_v<Enum> std::string enum_texts() {
  std::string texts;
  for (const auto& [value, name] : EnumNames<Enum>::values) {
    texts += texts.empty() ? name : std::string(", ") + name;
  }
  return texts;
}

/// The enum value of a text; throws Error(InvalidArgument) that lists the values.
template <typename Enum>
requires std::is_enum_v<Enum> Enum from_text(std::string_view text, std::string_view option) {
  for (const auto& [candidate, name] : EnumNames<Enum>::values) {
    if (text == name) return candidate;
  }
  fail(ErrorKind::InvalidArgument, "--{}: '{}' is not one of {}", option, text, enum_texts<Enum>());
}

}  // namespace saithe
