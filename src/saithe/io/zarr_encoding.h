#pragma once

// How arrays are written into Zarr stores: their metadata in both versions, and their bytes.
// Private to io/.

#include <bit>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

namespace saithe::io {

/// What both versions say of an array's values.
struct ZarrArrayForm {
  const char* type_v2;
  const char* type_v3;
  std::size_t bytes;  ///< of a value; 0: texts
};

/// The attributes that name one of AnnData's encodings, with the version that AnnData gives it.
nlohmann::ordered_json zarr_encoding(const std::string& encoding);

/// .zarray of version 2, or zarr.json of version 3, which has the encoding in it.
nlohmann::ordered_json zarr_array_metadata(int version, const ZarrArrayForm& form,
                                           const std::vector<std::int64_t>& shape,
                                           const std::vector<std::int64_t>& chunk,
                                           const std::string& encoding);

/// Numbers as they lie in a chunk.
template <typename Value>
std::string bytes_of(std::span<const double> values) {
  static_assert(std::endian::native == std::endian::little, "numbers are written as they lie");
  std::string bytes(values.size() * sizeof(Value), '\0');
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto value = static_cast<Value>(values[i]);
    std::memcpy(bytes.data() + i * sizeof(Value), &value, sizeof(Value));
  }
  return bytes;
}

/// Texts as they lie in a chunk: their number, and before each its length.
std::string vlen_utf8(const std::vector<std::string>& texts);

/// A chunk as it lies in the store.
std::string zstd_packed(const std::string& bytes);

}  // namespace saithe::io
