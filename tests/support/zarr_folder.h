#pragma once

// Small Zarr stores of version 2, uncompressed, written by hand.

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "support/folder_for_test.h"

namespace saithe::testing {

inline void write_key(const std::filesystem::path& store, const std::string& key,
                      const std::string& bytes) {
  std::filesystem::create_directories((store / key).parent_path());
  write_bytes(store / key, bytes);
}

inline void write_group(const std::filesystem::path& store, const std::string& path,
                        const std::string& attributes = "{}") {
  const std::string folder = path.empty() ? "" : path + "/";
  write_key(store, folder + ".zgroup", R"({"zarr_format":2})");
  write_key(store, folder + ".zattrs", attributes);
}

/// A one-dimensional array of one chunk, not compressed.
inline void write_array(const std::filesystem::path& store, const std::string& path,
                        const std::string& type, std::size_t n, const std::string& bytes,
                        const std::string& filters = "null") {
  const std::string size = std::to_string(n);
  write_key(store, path + "/.zarray",
            R"({"zarr_format":2,"shape":[)" + size + R"(],"chunks":[)" + size + R"(],"dtype":")" +
                type + R"(","compressor":null,"filters":)" + filters +
                R"(,"fill_value":0,"order":"C"})");
  write_key(store, path + "/0", bytes);
}

template <typename Value>
void write_numbers(const std::filesystem::path& store, const std::string& path,
                   const std::string& type, const std::vector<Value>& values) {
  std::string bytes(values.size() * sizeof(Value), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  write_array(store, path, type, values.size(), bytes);
}

inline std::string vlen_bytes(const std::vector<std::string>& texts) {
  std::string bytes;
  const auto add = [&](std::size_t n) {
    for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<char>(n >> 8 * i & 255));
  };
  add(texts.size());
  for (const std::string& text : texts) {
    add(text.size());
    bytes += text;
  }
  return bytes;
}

inline void write_texts(const std::filesystem::path& store, const std::string& path,
                        const std::vector<std::string>& texts) {
  write_array(store, path, "|O", texts.size(), vlen_bytes(texts), R"([{"id":"vlen-utf8"}])");
}

inline void write_frame(const std::filesystem::path& store, const std::string& name,
                        const std::vector<std::string>& index) {
  write_group(store, name, R"({"_index":"_index","column-order":[],"encoding-type":"dataframe"})");
  write_texts(store, name + "/_index", index);
}

/// 3 cells x 2 genes: 5 0 | 0 0 | 1 2, csr.
inline void write_small_store(const std::filesystem::path& store) {
  write_group(store, "", R"({"encoding-type":"anndata"})");
  write_frame(store, "obs", {"c0", "c1", "c2"});
  write_frame(store, "var", {"A", "B"});
  write_group(store, "X", R"({"encoding-type":"csr_matrix","shape":[3,2]})");
  write_numbers<float>(store, "X/data", "<f4", {5, 1, 2});
  write_numbers<std::int32_t>(store, "X/indices", "<i4", {0, 0, 1});
  write_numbers<std::int32_t>(store, "X/indptr", "<i4", {0, 1, 1, 3});
}

}  // namespace saithe::testing
