#pragma once

// Pickles written by hand: each function gives the opcodes of one value.

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace saithe::testing {

inline std::string little_endian(std::uint64_t value, std::size_t n_bytes) {
  std::string bytes;
  for (std::size_t i = 0; i < n_bytes; ++i) {
    bytes.push_back(static_cast<char>(static_cast<unsigned char>(value >> (8 * i) & 0xFF)));
  }
  return bytes;
}

inline std::string text(std::string_view value) {
  return "X" + little_endian(value.size(), 4) + std::string(value);
}
inline std::string raw_bytes(std::string_view value) {
  return "B" + little_endian(value.size(), 4) + std::string(value);
}
inline std::string integer(std::int32_t value) {
  return "J" + little_endian(static_cast<std::uint32_t>(value), 4);
}
inline std::string boolean(bool value) {
  return value ? "\x88" : "\x89";
}
inline std::string none() {
  return "N";
}

inline std::string joined(const std::vector<std::string>& values) {
  std::string all;
  for (const std::string& value : values) all += value;
  return all;
}
inline std::string tuple(const std::vector<std::string>& items) {
  return "(" + joined(items) + "t";
}
inline std::string list(const std::vector<std::string>& items) {
  return "(" + joined(items) + "l";
}
inline std::string dict(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string all = "(";
  for (const auto& [key, value] : entries) all += text(key) + value;
  return all + "d";
}

inline std::string global(std::string_view module, std::string_view name) {
  return "c" + std::string(module) + "\n" + std::string(name) + "\n";
}
/// What a class or function makes of arguments, with a state unless that is empty.
inline std::string object(const std::string& callable, const std::vector<std::string>& arguments,
                          const std::string& state = {}) {
  return callable + tuple(arguments) + "R" + state + (state.empty() ? "" : "b");
}

/// A dtype of NumPy; order '<', '>' or '|'.
inline std::string dtype(std::string_view code, std::string_view order = "<") {
  return object(global("numpy", "dtype"), {text(code), boolean(false), boolean(true)},
                tuple({integer(3), text(order), none(), none(), none(), integer(-1), integer(-1),
                       integer(0)}));
}
/// An array as protocols below 5 write it; `data` is raw_bytes() or a list().
inline std::string array(const std::vector<std::int32_t>& shape, const std::string& dtype,
                         const std::string& data, bool is_fortran = false,
                         std::string_view numpy_core = "numpy.core") {
  std::vector<std::string> lengths;
  for (const std::int32_t length : shape) lengths.push_back(integer(length));
  return object(global(std::string(numpy_core) + ".multiarray", "_reconstruct"),
                {global("numpy", "ndarray"), tuple({integer(0)}), raw_bytes("b")},
                tuple({integer(1), tuple(lengths), dtype, boolean(is_fortran), data}));
}
inline std::string doubles(const std::vector<double>& values) {
  std::string bytes;
  for (const double value : values) bytes += little_endian(std::bit_cast<std::uint64_t>(value), 8);
  return raw_bytes(bytes);
}
inline std::string double_array(const std::vector<double>& values) {
  return array({static_cast<std::int32_t>(values.size())}, dtype("f8"), doubles(values));
}
inline std::string object_array(const std::vector<std::string>& items) {
  return array({static_cast<std::int32_t>(items.size())}, dtype("O8", "|"), list(items));
}

/// A whole pickle.
inline std::string pickle(const std::string& value) {
  return "\x80\x04" + value + ".";
}

}  // namespace saithe::testing
