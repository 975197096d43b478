#include "saithe/io/zarr_encoding.h"

#include <zstd.h>

#include "saithe/core/error.h"
#include "saithe/core/types.h"

namespace saithe::io {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kZstdLevel = 3;

}  // namespace

Json zarr_encoding(const std::string& encoding) {
  const bool is_first = encoding == "dict" || encoding == "nullable-integer" ||
                        encoding == "nullable-boolean" || encoding == "anndata";
  return {{"encoding-type", encoding}, {"encoding-version", is_first ? "0.1.0" : "0.2.0"}};
}

Json zarr_array_metadata(int version, const ZarrArrayForm& form,
                         const std::vector<std::int64_t>& shape,
                         const std::vector<std::int64_t>& chunk, const std::string& encoding) {
  const Json fill = form.bytes == 0                       ? Json("")
                    : form.type_v3 == std::string("bool") ? Json(false)
                                                          : Json(0);
  if (version == 2) {
    Json filters = nullptr;
    if (form.bytes == 0) filters = Json::array({{{"id", "vlen-utf8"}}});
    return {{"shape", shape},
            {"chunks", chunk},
            {"dtype", form.type_v2},
            {"fill_value", fill},
            {"order", "C"},
            {"filters", filters},
            {"dimension_separator", "."},
            {"compressor", {{"id", "zstd"}, {"level", kZstdLevel}}},
            {"zarr_format", 2}};
  }
  Json bytes_codec = {{"name", "bytes"}};
  if (form.bytes > 1) bytes_codec["configuration"] = {{"endian", "little"}};
  if (form.bytes == 0) bytes_codec = {{"name", "vlen-utf8"}};
  const Json zstd = {{"name", "zstd"},
                     {"configuration", {{"level", kZstdLevel}, {"checksum", false}}}};
  const Json grid = {{"name", "regular"}, {"configuration", {{"chunk_shape", chunk}}}};
  const Json keys = {{"name", "default"}, {"configuration", {{"separator", "/"}}}};
  return {{"shape", shape},
          {"data_type", form.type_v3},
          {"chunk_grid", grid},
          {"chunk_key_encoding", keys},
          {"fill_value", fill},
          {"codecs", Json::array({bytes_codec, zstd})},
          {"attributes", zarr_encoding(encoding)},
          {"zarr_format", 3},
          {"node_type", "array"}};
}

std::string vlen_utf8(const std::vector<std::string>& texts) {
  std::string bytes;
  const auto add = [&](std::size_t number) {
    const auto n = checked_cast<std::uint32_t>(number, "bytes of a text");
    bytes.append(reinterpret_cast<const char*>(&n), sizeof n);
  };
  add(texts.size());
  for (const std::string& text : texts) {
    add(text.size());
    bytes += text;
  }
  return bytes;
}

std::string zstd_packed(const std::string& bytes) {
  std::string target(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t n =
      ZSTD_compress(target.data(), target.size(), bytes.data(), bytes.size(), kZstdLevel);
  SAITHE_ASSERT(ZSTD_isError(n) == 0);
  target.resize(n);
  return target;
}

}  // namespace saithe::io
