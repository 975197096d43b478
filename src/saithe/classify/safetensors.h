#pragma once

// The header of a safetensors file: which tensors lie where. Knows the container, not the model.
// https://github.com/huggingface/safetensors describes the format. Private to classify.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace saithe {

inline constexpr std::int64_t kMaxSafetensorsHeader = 100000000;  ///< bytes, as the format demands

/// One tensor: element type, sizes, and its bytes [begin, end) in the buffer after the header.
struct TensorInfo {
  std::string name;
  std::string dtype;  ///< "F32" or "F64"
  std::vector<std::int64_t> shape;
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// What a header says.
struct SafetensorsHeader {
  std::map<std::string, std::string> metadata;
  std::vector<TensorInfo> tensors;  ///< in the order of their bytes
};

/// Bytes of an element; 0 for a type that saithe does not use.
std::int64_t dtype_bytes(std::string_view dtype);

/// The header's JSON, padded with spaces so that with its 8-byte length it ends at a multiple of 8.
/// Metadata comes first, in the order given.
std::string format_safetensors_header(
    const std::vector<std::pair<std::string, std::string>>& metadata,
    const std::vector<TensorInfo>& tensors);

/// Reads the header's JSON. Throws Error(BadFormat), beginning with `where`, unless the shapes
/// agree with the byte ranges and these cover the buffer of `n_buffer_bytes` without hole or
/// overlap.
SafetensorsHeader parse_safetensors_header(std::string_view json, std::int64_t n_buffer_bytes,
                                           const std::string& where);

}  // namespace saithe
