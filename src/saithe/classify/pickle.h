#pragma once

// Python pickles as data: the opcodes build plain values, and nothing is ever executed.
//
// A pickle is a program that may call any function of Python. Here a class or function is a name,
// it must be on the caller's list, and a call becomes a value that holds the name and the
// arguments. Protocols 0 to 5 as Python 3 writes them (pickletools.py describes the opcodes).
// Memory is bounded by the pickle's size: no length is believed before the bytes are there, and
// what one byte can ask for is counted. Private to classify.

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace saithe {

/// One value of a pickle. Values may be shared, and a list may hold itself: follow them to a depth
/// that is known beforehand.
struct PickleValue {
  enum class Kind {
    None,
    Boolean,
    Integer,
    LargeInteger,  ///< above 64 bits; without its value
    Number,
    Text,
    Bytes,
    List,
    Tuple,
    Set,
    Dict,
    Global,  ///< a class or function
    Object   ///< what a class or function would make
  };

  Kind kind = Kind::None;
  std::int64_t integer = 0;  ///< Integer; Boolean: 0 or 1
  double number = 0;         ///< Number
  std::string_view text;     ///< Text in UTF-8; Bytes; Global, Object: "module.name"
  /// List, Tuple, Set: the members. Dict: key, value, key, value, ... Object: its arguments.
  std::vector<const PickleValue*> items;
  const PickleValue* state = nullptr;  ///< Object: what it is to take as its state, if anything

  /// The last value of a Dict under a Text key, as Python keeps the last; nullptr if there is none.
  [[nodiscard]] const PickleValue* find(std::string_view key) const;
};

/// The word for a kind, for messages: "a text".
const char* kind_name(PickleValue::Kind kind);

/// A whole pickle, read; owns its values.
///
/// copyreg._reconstructor becomes the Object that it makes, _codecs.encode and the plain containers
/// of builtins and collections become the values that they make. The modules numpy._core,
/// __builtin__ and copy_reg are called numpy.core, builtins and copyreg.
class Pickle {
 public:
  /// Throws Error(BadFormat), beginning with `where`, unless the bytes are one pickle, all of it,
  /// whose globals are all among `allowed` (as "module.name").
  Pickle(std::string bytes, std::span<const std::string_view> allowed, std::string where);
  ~Pickle();
  Pickle(const Pickle&) = delete;
  Pickle& operator=(const Pickle&) = delete;

  [[nodiscard]] const PickleValue& root() const { return *root_; }

 private:
  friend class PickleReader;
  std::string bytes_;
  std::deque<PickleValue> values_;
  std::deque<std::string> texts_;  // those that do not stand in bytes_ as they are
  const PickleValue* root_ = nullptr;
};

}  // namespace saithe
