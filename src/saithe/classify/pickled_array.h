#pragma once

// NumPy arrays inside a pickle: numbers, whole numbers and texts. Private to classify.
//
// Understands what ndarray's __reduce__ and __reduce_ex__ write (numpy/_core/src/multiarray/
// methods.c): _reconstruct with the state (version, shape, dtype, is_fortran, data), and
// _frombuffer(data, dtype, shape, order) of protocol 5. All functions throw Error(BadFormat),
// beginning with `where`, on anything else.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saithe/classify/pickle.h"

namespace saithe {

/// The globals that pickled arrays need.
std::span<const std::string_view> numpy_globals();

/// Numbers of one or two dimensions, row by row.
struct PickledNumbers {
  std::vector<std::int64_t> shape;
  std::vector<double> values;
};

/// An array of float32 or float64; every value is finite.
PickledNumbers read_number_array(const PickleValue& value, const std::string& where);

/// An array of one dimension: of texts (U), objects (O: texts or whole numbers) or whole numbers,
/// which come as decimal text; or a pandas Index of such an array.
std::vector<std::string> read_text_array(const PickleValue& value, const std::string& where);

/// A whole number, a NumPy one too.
std::int64_t read_whole_number(const PickleValue& value, const std::string& where);

}  // namespace saithe
