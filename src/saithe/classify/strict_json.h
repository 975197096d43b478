#pragma once

// JSON of untrusted files: duplicate keys, deep nesting and masses of tiny values are refused while
// parsing, so that a file of a few bytes cannot cost much memory. Private to classify's .cpp files.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace saithe {

/// How much a text may ask for.
struct JsonLimits {
  std::size_t max_depth = 8;
  std::size_t max_values = 10000;
};

/// Parses a whole text. Throws Error(BadFormat), beginning with `where`, on anything that is not
/// strict JSON in UTF-8, and on duplicate keys and exceeded limits.
nlohmann::json parse_strict_json(std::string_view text, const JsonLimits& limits,
                                 const std::string& where);

/// Typed access to one object of a file; every failure is Error(BadFormat) that names the key.
class JsonObject {
 public:
  /// Throws unless `json` is an object that has exactly the keys `keys`.
  JsonObject(const nlohmann::json& json, std::string where,
             std::initializer_list<std::string_view> keys);

  [[nodiscard]] const nlohmann::json& at(const char* key) const { return json_.at(key); }
  [[nodiscard]] std::string text(const char* key) const;
  [[nodiscard]] bool boolean(const char* key) const;
  /// A finite number.
  [[nodiscard]] double number(const char* key) const;
  /// A whole number from 0 to `max`.
  [[nodiscard]] std::uint64_t count(const char* key, std::uint64_t max) const;
  [[nodiscard]] std::vector<std::string> texts(const char* key) const;
  [[nodiscard]] std::vector<double> numbers(const char* key) const;
  [[nodiscard]] std::vector<std::uint64_t> counts(const char* key, std::uint64_t max) const;

 private:
  [[nodiscard]] const nlohmann::json& array(const char* key) const;
  [[noreturn]] void fail_value(const char* key, const char* expected) const;
  const nlohmann::json& json_;
  std::string where_;
};

}  // namespace saithe
