#pragma once

// The index types of the field and size arithmetic that cannot overflow unseen.

#include <concepts>
#include <cstdint>
#include <limits>
#include <utility>

#include "saithe/core/error.h"

namespace saithe {

using CellIndex = std::int64_t;   ///< a row of the counts
using GeneIndex = std::int32_t;   ///< a column of the counts
using LabelIndex = std::int32_t;  ///< a cell type of a LabelSet; kNoLabel where there is none
using RowPointer = std::int64_t;  ///< a position among the stored values

inline constexpr LabelIndex kNoLabel = -1;

/// a * b; throws Error(BadFormat) naming `what` if the product leaves 64 bits.
inline std::int64_t checked_multiply(std::int64_t a, std::int64_t b, const char* what) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) {
    fail(ErrorKind::BadFormat, "{}: the size {} x {} does not fit 64 bits", what, a, b);
  }
  return product;
}

/// a + b; throws Error(BadFormat) naming `what` if the sum leaves 64 bits.
inline std::int64_t checked_add(std::int64_t a, std::int64_t b, const char* what) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) {
    fail(ErrorKind::BadFormat, "{}: the size {} + {} does not fit 64 bits", what, a, b);
  }
  return sum;
}

/// `value` as the integer type To; throws Error(BadFormat) naming `what` if it does not fit.
template <std::integral To, std::integral From>
To checked_cast(From value, const char* what) {
  if (!std::in_range<To>(value)) {
    fail(ErrorKind::BadFormat, "{}: {} is outside the range {} to {}", what, value,
         std::numeric_limits<To>::min(), std::numeric_limits<To>::max());
  }
  return static_cast<To>(value);
}

/// A container's size or index as size_t; the caller knows it is not negative.
template <std::integral From>
constexpr std::size_t as_size(From value) {
  return static_cast<std::size_t>(value);
}

}  // namespace saithe
