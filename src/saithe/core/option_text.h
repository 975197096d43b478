#pragma once

// Option values as text and back, one rule for the command line, the model file and the reference
// page: "true", "3", "0.2", "1028,256,128", "MT-,mt-", enum names. Numbers are independent of the
// locale and read back exactly; the elements of a list are joined by commas.

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "saithe/core/options.h"
#include "saithe/core/text_io.h"

namespace saithe {

template <typename T>
struct IsOptionList : std::false_type {};
template <typename T>
struct IsOptionList<std::vector<T>> : std::true_type {};

/// The text of an option's value; an empty list is an empty text.
template <typename T>
std::string option_text(const T& value) {
  if constexpr (IsOptionList<T>::value) {
    std::string text;
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (i > 0) text += ',';
      text += option_text(value[i]);
    }
    return text;
  } else if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_enum_v<T>) {
    return to_text(value);
  } else if constexpr (std::is_floating_point_v<T>) {
    return format_number(value);
  } else if constexpr (std::is_integral_v<T>) {
    return std::to_string(value);
  } else {
    return value;
  }
}

/// Whether `text` is a whole number of any size, with or without a sign.
inline bool is_whole_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// Sets `value` from the text that the user gave for --`option`. Throws Error(InvalidArgument) that
/// says what was expected.
template <typename T>
void set_option(std::string_view text, std::string_view option, T& value) {
  if constexpr (IsOptionList<T>::value) {
    value.clear();
    if (text.empty()) return;
    std::vector<std::string_view> fields;
    split_fields(text, ',', fields);
    for (const std::string_view field : fields) {
      typename T::value_type element{};
      set_option(field, option, element);
      value.push_back(std::move(element));
    }
  } else if constexpr (std::is_same_v<T, bool>) {
    if (text != "true" && text != "false") {
      fail(ErrorKind::InvalidArgument, "--{}: '{}' is neither true nor false", option, text);
    }
    value = text == "true";
  } else if constexpr (std::is_enum_v<T>) {
    value = from_text<T>(text, option);
  } else if constexpr (std::is_floating_point_v<T>) {
    double number = 0;
    if (!parse_number(text, number)) {
      fail(ErrorKind::InvalidArgument, "--{}: '{}' is not a number", option, text);
    }
    value = static_cast<T>(number);
  } else if constexpr (std::is_integral_v<T>) {
    std::int64_t number = 0;
    if (!parse_number(text, number) || !std::in_range<T>(number)) {
      if (!is_whole_number(text)) {
        fail(ErrorKind::InvalidArgument, "--{}: '{}' is not a whole number", option, text);
      }
      using Limits = std::numeric_limits<T>;
      constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
      fail(ErrorKind::InvalidArgument, "--{}: '{}' is not a whole number from {} to {}", option,
           text, Limits::min(),
           std::in_range<std::int64_t>(Limits::max()) ? Limits::max() : static_cast<T>(kLargest));
    }
    value = static_cast<T>(number);
  } else {
    value = std::string(text);
  }
}

/// (flag name, value as text) of every option of an options struct, in the order of describe().
template <typename Options>
std::vector<std::pair<std::string, std::string>> options_as_text(const Options& options) {
  std::vector<std::pair<std::string, std::string>> all;
  auto visit = [&](std::string_view name, const auto& value, std::string_view) {
    all.emplace_back(name, option_text(value));
  };
  Options copy = options;  // describe() wants to be able to change them
  Options::describe(visit, copy);
  return all;
}

}  // namespace saithe
