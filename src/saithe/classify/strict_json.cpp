#include "saithe/classify/strict_json.h"

#include <algorithm>
#include <cmath>

#include "saithe/core/error.h"
#include "saithe/core/text_io.h"

namespace saithe {
namespace {

using Json = nlohmann::json;

/// Builds the value while the parser runs, and stops it at the first thing that is refused.
class StrictBuilder : public nlohmann::json_sax<Json> {
 public:
  explicit StrictBuilder(const JsonLimits& limits) : limits_(limits) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return refuse("binary values are not JSON"); }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& value) override {
    if (stack_.back()->contains(value)) {
      return refuse("the key \"" + printable(value) + "\" occurs twice");
    }
    key_ = std::move(value);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return refuse("not JSON in UTF-8 at byte " + std::to_string(position));
  }

  Json root;
  std::string reason;

 private:
  bool refuse(std::string why) {
    reason = std::move(why);
    return false;
  }
  Json* place(Json value) {
    if (stack_.empty()) {
      root = std::move(value);
      return &root;
    }
    if (stack_.back()->is_array()) {
      stack_.back()->push_back(std::move(value));
      return &stack_.back()->back();
    }
    return &((*stack_.back())[key_] = std::move(value));
  }
  bool add(Json value) {
    if (++n_values_ > limits_.max_values) {
      return refuse("more than " + std::to_string(limits_.max_values) + " values");
    }
    place(std::move(value));
    return true;
  }
  bool open(Json value) {
    if (stack_.size() == limits_.max_depth) {
      return refuse("nested deeper than " + std::to_string(limits_.max_depth) + " levels");
    }
    if (++n_values_ > limits_.max_values) {
      return refuse("more than " + std::to_string(limits_.max_values) + " values");
    }
    stack_.push_back(place(std::move(value)));
    return true;
  }
  bool close() {
    stack_.pop_back();
    return true;
  }

  JsonLimits limits_;
  std::size_t n_values_ = 0;
  std::vector<Json*> stack_;  // a parent does not grow while a child is open
  std::string key_;
};

}  // namespace

nlohmann::json parse_strict_json(std::string_view text, const JsonLimits& limits,
                                 const std::string& where) {
  StrictBuilder builder(limits);
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) {
    fail(ErrorKind::BadFormat, "{}: {}", where, builder.reason);
  }
  return std::move(builder.root);
}

JsonObject::JsonObject(const nlohmann::json& json, std::string where,
                       std::initializer_list<std::string_view> keys)
    : json_(json), where_(std::move(where)) {
  if (!json.is_object()) fail(ErrorKind::BadFormat, "{}: expected an object", where_);
  for (const std::string_view key : keys) {
    if (!json.contains(key)) {
      fail(ErrorKind::BadFormat, "{}: the key \"{}\" is missing", where_, key);
    }
  }
  for (const auto& [key, value] : json.items()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      fail(ErrorKind::BadFormat, "{}: unexpected key \"{}\"", where_, printable(key));
    }
  }
}

void JsonObject::fail_value(const char* key, const char* expected) const {
  fail(ErrorKind::BadFormat, "{}: \"{}\" is not {}", where_, key, expected);
}

std::string JsonObject::text(const char* key) const {
  if (!at(key).is_string()) fail_value(key, "a text");
  return at(key).get<std::string>();
}

bool JsonObject::boolean(const char* key) const {
  if (!at(key).is_boolean()) fail_value(key, "true or false");
  return at(key).get<bool>();
}

double JsonObject::number(const char* key) const {
  if (!at(key).is_number() || !std::isfinite(at(key).get<double>())) {
    fail_value(key, "a finite number");
  }
  return at(key).get<double>();
}

std::uint64_t JsonObject::count(const char* key, std::uint64_t max) const {
  if (!at(key).is_number_unsigned() || at(key).get<std::uint64_t>() > max) {
    fail_value(key, "a whole number in its range");
  }
  return at(key).get<std::uint64_t>();
}

const nlohmann::json& JsonObject::array(const char* key) const {
  if (!at(key).is_array()) fail_value(key, "a list");
  return at(key);
}

std::vector<std::string> JsonObject::texts(const char* key) const {
  std::vector<std::string> values;
  values.reserve(array(key).size());
  for (const auto& element : array(key)) {
    if (!element.is_string()) fail_value(key, "a list of texts");
    values.push_back(element.get<std::string>());
  }
  return values;
}

std::vector<double> JsonObject::numbers(const char* key) const {
  std::vector<double> values;
  for (const auto& element : array(key)) {
    if (!element.is_number() || !std::isfinite(element.get<double>())) {
      fail_value(key, "a list of finite numbers");
    }
    values.push_back(element.get<double>());
  }
  return values;
}

std::vector<std::uint64_t> JsonObject::counts(const char* key, std::uint64_t max) const {
  std::vector<std::uint64_t> values;
  for (const auto& element : array(key)) {
    if (!element.is_number_unsigned() || element.get<std::uint64_t>() > max) {
      fail_value(key, "a list of whole numbers in their range");
    }
    values.push_back(element.get<std::uint64_t>());
  }
  return values;
}

}  // namespace saithe
