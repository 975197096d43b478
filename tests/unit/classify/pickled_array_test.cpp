#include "saithe/classify/pickled_array.h"

#include <gtest/gtest.h>

#include <cmath>

#include "pickle_bytes.h"
#include "saithe/core/error.h"

namespace saithe {
namespace {

using namespace testing;  // NOLINT: the shared parts of these tests
using Texts = std::vector<std::string>;

/// Calls `read` with the root of a pickle of `value`.
template <typename Read>
auto with_root(const std::string& value, Read read) {
  const Pickle whole(pickle(value), numpy_globals(), "file");
  return read(whole.root(), std::string("array"));
}
PickledNumbers numbers(const std::string& value) {
  return with_root(value, read_number_array);
}
Texts texts(const std::string& value) {
  return with_root(value, read_text_array);
}

template <typename Read>
std::string refusal(const std::string& value, Read read) {
  try {
    with_root(value, read);
    return {};
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::BadFormat) << error.what();
    return error.what();
  }
}

#define EXPECT_REFUSED(value, read, part) \
  EXPECT_NE(refusal(value, read).find(part), std::string::npos) << refusal(value, read)

std::string frombuffer(const std::vector<std::string>& parts) {
  return object(global("numpy._core.numeric", "_frombuffer"), parts);
}

/// UTF-32 of ASCII texts, filled with zeros to `length` characters.
std::string utf32(const Texts& values, std::size_t length, bool is_big_endian = false) {
  std::string bytes;
  for (const std::string& value : values) {
    for (std::size_t i = 0; i < length; ++i) {
      std::string code =
          little_endian(i < value.size() ? static_cast<unsigned char>(value[i]) : 0, 4);
      if (is_big_endian) code.assign(code.rbegin(), code.rend());
      bytes += code;
    }
  }
  return raw_bytes(bytes);
}

TEST(PickledArray, NumbersComeRowByRow) {
  const std::vector<double> rows = {1, 2, 3, 4, 5, 6};
  const auto by_rows = numbers(array({2, 3}, dtype("f8"), doubles(rows)));
  EXPECT_EQ(by_rows.shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(by_rows.values, rows);
  EXPECT_EQ(numbers(array({2, 3}, dtype("f8"), doubles({1, 4, 2, 5, 3, 6}), true)).values, rows);
  EXPECT_EQ(numbers(array({6}, dtype("f8"), doubles(rows), false, "numpy._core")).values, rows);
  const auto shape = tuple({integer(2), integer(3)});
  EXPECT_EQ(numbers(frombuffer({doubles(rows), dtype("f8"), shape, text("C")})).values, rows);
  EXPECT_EQ(
      numbers(frombuffer({doubles({1, 4, 2, 5, 3, 6}), dtype("f8"), shape, text("F")})).values,
      rows);
  EXPECT_TRUE(numbers(array({0}, dtype("f8"), doubles({}))).values.empty());
}

TEST(PickledArray, Float32AndBigEndian) {
  const auto bits = little_endian(std::bit_cast<std::uint32_t>(-0.1F), 4);
  EXPECT_EQ(numbers(array({1}, dtype("f4"), raw_bytes(bits))).values[0],
            static_cast<double>(-0.1F));
  const std::string turned(bits.rbegin(), bits.rend());
  EXPECT_EQ(numbers(array({1}, dtype("f4", ">"), raw_bytes(turned))).values[0],
            static_cast<double>(-0.1F));
}

TEST(PickledArray, Texts) {
  const Texts names = {"CD4 T", "", "B"};
  EXPECT_EQ(texts(array({3}, dtype("U6"), utf32(names, 6))), names);
  EXPECT_EQ(texts(array({3}, dtype("U6", ">"), utf32(names, 6, true))), names);
  EXPECT_EQ(texts(object_array({text("CD4 T"), text(""), text("B")})), names);
  const std::string greek = little_endian(0x3b1, 4) + little_endian(0x1f9ec, 4);
  EXPECT_EQ(texts(array({1}, dtype("U2"), raw_bytes(greek)))[0], "\xce\xb1\xf0\x9f\xa7\xac");
  const auto scalar =
      object(global("numpy.core.multiarray", "scalar"), {dtype("U2"), utf32({"NK"}, 2)});
  EXPECT_EQ(texts(object_array({scalar})), Texts{"NK"});
  const auto index = object(global("pandas.core.indexes.base", "_new_Index"),
                            {global("pandas.core.indexes.base", "Index"),
                             dict({{"data", object_array({text("a")})}, {"name", none()}})});
  EXPECT_EQ(texts(index), Texts{"a"});
}

TEST(PickledArray, WholeNumbersAsNames) {
  EXPECT_EQ(
      texts(array({2}, dtype("i8"), raw_bytes(little_endian(12, 8) + std::string(8, '\xff')))),
      (Texts{"12", "-1"}));
  EXPECT_EQ(texts(array({2}, dtype("u1", "|"), raw_bytes("\x07\xff"))), (Texts{"7", "255"}));
  EXPECT_EQ(texts(array({1}, dtype("i1", "|"), raw_bytes("\xfe"))), Texts{"-2"});
  EXPECT_EQ(texts(object_array({integer(3)})), Texts{"3"});
}

TEST(PickledArray, WholeNumbers) {
  const auto scalar = object(global("numpy.core.multiarray", "scalar"),
                             {dtype("i8"), raw_bytes(little_endian(80, 8))});
  EXPECT_EQ(with_root(scalar, read_whole_number), 80);
  EXPECT_EQ(with_root(integer(-3), read_whole_number), -3);
  EXPECT_REFUSED(text("3"), read_whole_number, "whole number");
  EXPECT_REFUSED(none(), read_whole_number, "None");
}

TEST(PickledArray, WhatDoesNotFitIsRefused) {
  const auto f8 = dtype("f8");
  EXPECT_REFUSED(list({}), read_number_array, "a list stands where an array of NumPy belongs");
  EXPECT_REFUSED(array({3}, f8, doubles({1, 2})), read_number_array, "16 bytes in an array of 24");
  EXPECT_REFUSED(array({-1}, f8, doubles({1})), read_number_array, "negative length");
  EXPECT_REFUSED(array({1, 1, 1}, f8, doubles({1})), read_number_array, "two dimensions");
  EXPECT_REFUSED(array({INT32_MAX, INT32_MAX}, f8, doubles({1})), read_number_array, "64 bits");
  EXPECT_REFUSED(array({1}, f8, doubles({NAN})), read_number_array, "not finite");
  EXPECT_REFUSED(array({1}, dtype("i8"), doubles({1})), read_number_array, "expected float32");
  EXPECT_REFUSED(array({1}, dtype("f2"), raw_bytes("ab")), read_number_array, "expected float32");
  EXPECT_REFUSED(array({1}, dtype("f8", "="), doubles({1})), read_number_array, "element type");
  EXPECT_REFUSED(array({1}, dtype("f"), doubles({1})), read_number_array, "element type");
  EXPECT_REFUSED(array({1}, text("f8"), doubles({1})), read_number_array, "not a dtype");
  EXPECT_REFUSED(array({1}, f8, list({integer(1)})), read_number_array, "where bytes belongs");
  EXPECT_REFUSED(array({1}, dtype("f8", "|") + "0" + f8, none()), read_number_array, "bytes");
  EXPECT_REFUSED(frombuffer({doubles({1}), f8, tuple({integer(1)}), text("A")}), read_number_array,
                 "order");
  EXPECT_REFUSED(array({INT32_MAX}, dtype("U0"), raw_bytes("")), read_text_array, "element type");
  EXPECT_REFUSED(array({2000000}, dtype("u1", "|"), raw_bytes(std::string(2000000, 'a'))),
                 read_text_array, "expected at most 1000000");
  EXPECT_REFUSED(array({2}, dtype("O8", "|"), list({text("a")})), read_text_array,
                 "1 objects in an array of 2");
  EXPECT_REFUSED(object_array({none()}), read_text_array, "None among the names");
  EXPECT_REFUSED(double_array({1}), read_text_array, "kind 'f'");
  EXPECT_REFUSED(array({1, 1}, dtype("U1"), utf32({"a"}, 1)), read_text_array, "one dimension");
  EXPECT_REFUSED(array({1}, dtype("U1"), raw_bytes(little_endian(0xD800, 4))), read_text_array,
                 "does not exist");
  EXPECT_REFUSED(array({1}, dtype("U1"), raw_bytes("\xff\xff\xff\xff")), read_text_array,
                 "does not exist");
}

TEST(PickledArray, OneTextInManyPlacesIsRefused) {
  std::string items = "(" + text(std::string(1 << 20, 'a')) + "q\1";
  for (int i = 0; i < 99; ++i) items += "h\1";
  EXPECT_REFUSED(array({100}, dtype("O8", "|"), items + "l"), read_text_array, "bytes of names");
}

}  // namespace
}  // namespace saithe
