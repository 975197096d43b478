#include "saithe/classify/pickled_array.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "saithe/classify/pickle_text.h"
#include "saithe/core/error.h"
#include "saithe/core/text_io.h"
#include "saithe/core/types.h"
#include "saithe/core/utf8.h"

namespace saithe {
namespace {

using Kind = PickleValue::Kind;

constexpr std::string_view kGlobals[] = {
    "numpy.ndarray",
    "numpy.dtype",
    "numpy.core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar",
    "numpy.core.numeric._frombuffer",
    // what protocols 0 to 2 need for objects and bytes
    "_codecs.encode",
    "copyreg._reconstructor",
    "builtins.object",
    "builtins.bytes",
    "builtins.bytearray",
    // a pandas Index of an array
    "pandas.core.indexes.base._new_Index",
    "pandas.core.indexes.base.Index",
};

// Names of an array, and their bytes: one text of the file may stand in many places.
constexpr std::int64_t kMaxTexts = 1000000;
constexpr std::size_t kMaxTextBytes = std::size_t{1} << 26;

/// The type of an element: 'f', 'i', 'u', 'U', 'O', ... and its bytes.
struct Dtype {
  char kind = 0;
  std::int64_t n_bytes = 0;
  bool is_big_endian = false;
};

/// An array whose size is known to fit its data.
struct RawArray {
  std::vector<std::int64_t> shape;
  Dtype dtype;
  bool is_fortran = false;
  std::string_view bytes;                                    // of all kinds but 'O'
  const std::vector<const PickleValue*>* objects = nullptr;  // of kind 'O'

  [[nodiscard]] std::int64_t size() const {
    std::int64_t n = 1;
    for (const std::int64_t length : shape) n = checked_multiply(n, length, "array");
    return n;
  }
  /// The bytes of an element, the lowest first.
  [[nodiscard]] std::uint64_t unsigned_at(std::size_t at, std::size_t n_bytes) const {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < n_bytes; ++i) {
      const std::size_t place = dtype.is_big_endian ? i : n_bytes - 1 - i;
      value = value << 8 | static_cast<unsigned char>(bytes[at + place]);
    }
    return value;
  }
};

[[noreturn]] void refuse(const std::string& where, std::string_view why) {
  fail(ErrorKind::BadFormat, "{}: {}", where, why);
}

const PickleValue& require(const PickleValue* value, Kind kind, const std::string& where) {
  if (value->kind != kind) {
    fail(ErrorKind::BadFormat, "{}: {} stands where {} belongs", where, kind_name(value->kind),
         kind_name(kind));
  }
  return *value;
}

bool is_object(const PickleValue& value, std::string_view made_by) {
  return value.kind == Kind::Object && value.text == made_by;
}

/// From dtype('f8', False, True) with the state (3, '<', None, None, None, -1, -1, 0).
Dtype read_dtype(const PickleValue& value, const std::string& where) {
  if (!is_object(value, "numpy.dtype") || value.items.empty() || value.state == nullptr) {
    refuse(where, "the element type is not a dtype of NumPy");
  }
  const std::string_view code = require(value.items[0], Kind::Text, where).text;
  const auto& state = require(value.state, Kind::Tuple, where).items;
  if (state.size() < 5 || std::any_of(state.begin() + 2, state.begin() + 5,
                                      [](const auto* part) { return part->kind != Kind::None; })) {
    refuse(where, "the element type is not a simple one");
  }
  const std::string_view order = require(state[1], Kind::Text, where).text;
  Dtype dtype;
  if (code.empty() || !parse_number(code.substr(1), dtype.n_bytes) || dtype.n_bytes < 1 ||
      (order != "<" && order != ">" && order != "|")) {
    fail(ErrorKind::BadFormat, "{}: unknown element type '{}{}'", where, printable(order),
         printable(code));
  }
  dtype.kind = code[0];
  dtype.is_big_endian = order == ">";
  if (dtype.kind == 'U') dtype.n_bytes = checked_multiply(dtype.n_bytes, 4, where.c_str());
  return dtype;
}

std::vector<std::int64_t> read_shape(const PickleValue& value, const std::string& where) {
  std::vector<std::int64_t> shape;
  const auto add = [&](const PickleValue* length) {
    shape.push_back(require(length, Kind::Integer, where).integer);
    if (shape.back() < 0) refuse(where, "an array of negative length");
  };
  if (value.kind == Kind::Integer) {
    add(&value);
  } else {
    if (require(&value, Kind::Tuple, where).items.size() > 2) {
      refuse(where, "an array of more than two dimensions");
    }
    for (const PickleValue* length : value.items) add(length);
  }
  return shape;
}

RawArray read_array(const PickleValue& value, const std::string& where) {
  const PickleValue* shape = nullptr;
  const PickleValue* dtype = nullptr;
  const PickleValue* data = nullptr;
  RawArray array;
  if (is_object(value, "numpy.core.multiarray._reconstruct")) {
    if (value.items.empty() || value.items[0]->kind != Kind::Global ||
        value.items[0]->text != "numpy.ndarray" || value.state == nullptr) {
      refuse(where, "not a plain array of NumPy");
    }
    const auto& state = require(value.state, Kind::Tuple, where).items;
    if (state.size() != 5) refuse(where, "the array's state does not have five parts");
    shape = state[1];
    dtype = state[2];
    array.is_fortran = require(state[3], Kind::Boolean, where).integer != 0;
    data = state[4];
  } else if (is_object(value, "numpy.core.numeric._frombuffer")) {
    if (value.items.size() != 4) refuse(where, "the array does not have four parts");
    data = value.items[0];
    dtype = value.items[1];
    shape = value.items[2];
    const std::string_view order = require(value.items[3], Kind::Text, where).text;
    if (order != "C" && order != "F") refuse(where, "unknown order of an array");
    array.is_fortran = order == "F";
  } else {
    fail(ErrorKind::BadFormat, "{}: {} stands where an array of NumPy belongs", where,
         value.kind == Kind::Object ? printable(value.text) : kind_name(value.kind));
  }
  array.shape = read_shape(*shape, where);
  array.dtype = read_dtype(*dtype, where);
  const std::int64_t size = array.size();
  if (array.dtype.kind == 'O') {
    array.objects = &require(data, Kind::List, where).items;
    if (std::cmp_not_equal(array.objects->size(), size)) {
      fail(ErrorKind::BadFormat, "{}: {} objects in an array of {}", where, array.objects->size(),
           size);
    }
  } else {
    array.bytes = require(data, Kind::Bytes, where).text;
    const std::int64_t n_bytes = checked_multiply(size, array.dtype.n_bytes, where.c_str());
    if (std::cmp_not_equal(array.bytes.size(), n_bytes)) {
      fail(ErrorKind::BadFormat, "{}: {} bytes in an array of {}", where, array.bytes.size(),
           n_bytes);
    }
  }
  return array;
}

bool is_whole_number(const Dtype& dtype) {
  return (dtype.kind == 'i' || dtype.kind == 'u') &&
         (dtype.n_bytes == 1 || dtype.n_bytes == 2 || dtype.n_bytes == 4 || dtype.n_bytes == 8);
}

std::string whole_number_at(const RawArray& array, std::size_t at) {
  const auto n_bytes = as_size(array.dtype.n_bytes);
  const std::uint64_t bits = array.unsigned_at(at, n_bytes);
  if (array.dtype.kind == 'u') return fmt::format("{}", bits);
  const std::size_t unused = 64 - 8 * n_bytes;
  return fmt::format("{}", static_cast<std::int64_t>(bits << unused) >> unused);
}

/// UTF-32 up to the first of the zeros that fill the element.
std::string text_at(const RawArray& array, std::size_t at, const std::string& where) {
  std::size_t n_used = as_size(array.dtype.n_bytes);
  while (n_used > 0 && array.unsigned_at(at + n_used - 4, 4) == 0) n_used -= 4;
  std::string text;
  for (std::size_t i = 0; i < n_used; i += 4) {
    if (!append_utf8(static_cast<std::uint32_t>(array.unsigned_at(at + i, 4)), text)) {
      refuse(where, "a text with a character that does not exist");
    }
  }
  return text;
}

std::string object_as_text(const PickleValue& value, const std::string& where) {
  if (value.kind == Kind::Text) return std::string(value.text);
  if (value.kind == Kind::Integer) return fmt::format("{}", value.integer);
  if (is_object(value, "numpy.core.multiarray.scalar") && value.items.size() == 2) {
    RawArray scalar;
    scalar.dtype = read_dtype(*value.items[0], where);
    scalar.bytes = require(value.items[1], Kind::Bytes, where).text;
    if (std::cmp_equal(scalar.bytes.size(), scalar.dtype.n_bytes)) {
      if (scalar.dtype.kind == 'U') return text_at(scalar, 0, where);
      if (is_whole_number(scalar.dtype)) return whole_number_at(scalar, 0);
    }
  }
  fail(ErrorKind::BadFormat, "{}: {} among the names; expected texts", where,
       value.kind == Kind::Object ? printable(value.text) : kind_name(value.kind));
}

}  // namespace

std::span<const std::string_view> numpy_globals() {
  return kGlobals;
}

PickledNumbers read_number_array(const PickleValue& value, const std::string& where) {
  const RawArray array = read_array(value, where);
  const bool is_double = array.dtype.n_bytes == 8;
  if (array.dtype.kind != 'f' || (!is_double && array.dtype.n_bytes != 4)) {
    fail(ErrorKind::BadFormat, "{}: numbers of {} bytes and kind '{}'; expected float32 or float64",
         where, array.dtype.n_bytes, printable(std::string_view(&array.dtype.kind, 1)));
  }
  PickledNumbers numbers;
  numbers.shape = array.shape;
  const auto size = as_size(array.size());
  const auto n_columns = array.shape.size() == 2 ? as_size(array.shape[1]) : size;
  const auto n_rows = array.shape.size() == 2 ? as_size(array.shape[0]) : 1;
  numbers.values.resize(size);
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t row = i / n_columns;
    const std::size_t column = i % n_columns;
    const std::size_t at = array.is_fortran ? column * n_rows + row : i;
    const double number = is_double
                              ? std::bit_cast<double>(array.unsigned_at(8 * at, 8))
                              : static_cast<double>(std::bit_cast<float>(
                                    static_cast<std::uint32_t>(array.unsigned_at(4 * at, 4))));
    if (!std::isfinite(number)) refuse(where, "a value that is not finite");
    numbers.values[i] = number;
  }
  return numbers;
}

std::vector<std::string> read_text_array(const PickleValue& value, const std::string& where) {
  if (is_object(value, "pandas.core.indexes.base._new_Index")) {
    const PickleValue* data = value.items.size() == 2 ? value.items[1]->find("data") : nullptr;
    if (data == nullptr || is_object(*data, value.text)) refuse(where, "an Index without its data");
    return read_text_array(*data, where);
  }
  const RawArray array = read_array(value, where);
  if (array.shape.size() != 1) refuse(where, "names in an array that is not of one dimension");
  const bool is_text = array.dtype.kind == 'U';
  if (!is_text && array.dtype.kind != 'O' && !is_whole_number(array.dtype)) {
    fail(ErrorKind::BadFormat, "{}: elements of kind '{}' among the names; expected texts", where,
         printable(std::string_view(&array.dtype.kind, 1)));
  }
  std::vector<std::string> texts;
  std::size_t n_text_bytes = 0;
  const std::int64_t size = array.size();
  if (size > kMaxTexts) {
    fail(ErrorKind::BadFormat, "{}: {} names; expected at most {}", where, size, kMaxTexts);
  }
  for (std::int64_t i = 0; i < size; ++i) {
    const auto at = as_size(i) * as_size(array.dtype.n_bytes);
    if (array.dtype.kind == 'O') {
      texts.push_back(object_as_text(*(*array.objects)[as_size(i)], where));
    } else {
      texts.push_back(is_text ? text_at(array, at, where) : whole_number_at(array, at));
    }
    n_text_bytes += texts.back().size();
    if (n_text_bytes > kMaxTextBytes) {
      fail(ErrorKind::BadFormat, "{}: more than {} bytes of names", where, kMaxTextBytes);
    }
  }
  return texts;
}

std::int64_t read_whole_number(const PickleValue& value, const std::string& where) {
  std::int64_t number = 0;
  if (value.kind == Kind::Text || !parse_number(object_as_text(value, where), number)) {
    refuse(where, "expected a whole number");
  }
  return number;
}

}  // namespace saithe
