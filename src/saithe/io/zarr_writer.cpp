#include "saithe/io/zarr_writer.h"

#include <zstd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <tuple>

#include "saithe/core/error.h"
#include "saithe/core/text_io.h"

namespace saithe::io {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie");

constexpr int kZstdLevel = 3;
constexpr std::int64_t kChunkBytes = std::int64_t{1} << 22;
constexpr std::int64_t kMaxMetadataBytes = std::int64_t{1} << 28;
constexpr const char* kGroup = ".zgroup";
constexpr const char* kArray = ".zarray";
constexpr const char* kAttributes = ".zattrs";
constexpr const char* kConsolidated = ".zmetadata";
constexpr const char* kNode = "zarr.json";

std::string key_of(const std::string& path, const char* name) {
  return path.empty() ? name : path + "/" + name;
}

/// The version that AnnData gives an encoding.
const char* version_of(const std::string& encoding) {
  const bool is_first = encoding == "dict" || encoding == "nullable-integer" ||
                        encoding == "nullable-boolean" || encoding == "anndata";
  return is_first ? "0.1.0" : "0.2.0";
}

Json encoded_as(const std::string& encoding) {
  return {{"encoding-type", encoding}, {"encoding-version", version_of(encoding)}};
}

template <typename Value>
std::string bytes_of(std::span<const double> values) {
  std::string bytes(values.size() * sizeof(Value), '\0');
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto value = static_cast<Value>(values[i]);
    std::memcpy(bytes.data() + i * sizeof(Value), &value, sizeof(Value));
  }
  return bytes;
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

std::string packed(const std::string& bytes) {
  std::string target(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t n =
      ZSTD_compress(target.data(), target.size(), bytes.data(), bytes.size(), kZstdLevel);
  SAITHE_ASSERT(ZSTD_isError(n) == 0);
  target.resize(n);
  return target;
}

/// Texts with those that are missing as categories, which have a way to say it.
CategoryColumn to_categories(const TextColumn& column) {
  std::vector<std::string> names = column.values;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (column.is_missing[i]) names[i].clear();
  }
  return make_category_column(names);
}

}  // namespace

ZarrTarget::ZarrTarget(fs::path folder, std::string name)
    : folder_(std::move(folder)), name_(std::move(name)) {
  if (fs::exists(folder_ / kGroup)) return;
  if (!fs::exists(folder_ / kNode) ||
      read_json(folder_ / kNode).value("node_type", "") != "group") {
    fail(ErrorKind::BadFormat, "{}: is no Zarr store in a folder", name_);
  }
  version_ = 3;
}

fs::path ZarrTarget::file_of(const std::string& path, const char* name) const {
  return folder_ / path / name;
}

Json ZarrTarget::read_json(const fs::path& file) const {
  Json json = Json::parse(read_file(file, kMaxMetadataBytes), nullptr, false);
  if (!json.is_object()) {
    fail(ErrorKind::BadFormat, "{}: {} is no JSON object; the store is damaged", name_,
         fs::relative(file, folder_).string());
  }
  return json;
}

bool ZarrTarget::has(const std::string& path) const {
  for (const char* name : {kNode, kGroup, kArray}) {
    const bool is_of_version = (name == kNode) == (version_ == 3);
    if (!is_of_version) continue;
    if (metadata_.contains(key_of(path, name)) || fs::exists(file_of(path, name))) return true;
  }
  return false;
}

void ZarrTarget::remove(const std::string& path) {
  fs::remove_all(folder_ / path);
  std::erase_if(metadata_, [&](const auto& entry) { return entry.first.starts_with(path + "/"); });
  removed_.push_back(path);
}

Json ZarrTarget::attributes(const std::string& path) const {
  const char* name = version_ == 3 ? kNode : kAttributes;
  const auto found = metadata_.find(key_of(path, name));
  Json json = found != metadata_.end()          ? found->second
              : fs::exists(file_of(path, name)) ? read_json(file_of(path, name))
                                                : Json::object();
  if (version_ == 2) return json;
  return json.contains("attributes") ? json["attributes"] : Json::object();
}

std::vector<std::string> ZarrTarget::text_list_attribute(const std::string& path,
                                                         const std::string& name) const {
  std::vector<std::string> texts;
  const Json all = attributes(path);
  if (!all.contains(name)) return texts;
  for (const Json& text : all[name]) {
    if (text.is_string()) texts.push_back(text.get<std::string>());
  }
  return texts;
}

void ZarrTarget::set_attribute(const std::string& path, const std::string& name,
                               const std::vector<std::string>& texts) {
  Json all = attributes(path);
  all[name] = texts;
  if (version_ == 2) {
    metadata_[key_of(path, kAttributes)] = std::move(all);
    return;
  }
  const std::string key = key_of(path, kNode);
  if (!metadata_.contains(key)) metadata_[key] = read_json(folder_ / key);
  metadata_[key]["attributes"] = std::move(all);
}

void ZarrTarget::require_group(const std::string& path, const std::string& encoding) {
  if (has(path)) return;
  if (version_ == 2) {
    metadata_[key_of(path, kGroup)] = {{"zarr_format", 2}};
    metadata_[key_of(path, kAttributes)] = encoded_as(encoding);
  } else {
    metadata_[key_of(path, kNode)] = {
        {"attributes", encoded_as(encoding)}, {"zarr_format", 3}, {"node_type", "group"}};
  }
}

void ZarrTarget::write_chunk(const std::string& path, const std::string& key,
                             const std::string& bytes) const {
  const fs::path file = folder_ / path / key;
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  if (error) fail(ErrorKind::Output, "{}: cannot be written: {}", name_, error.message());
  write_file(file, packed(bytes), true);
}

void ZarrTarget::write_array(const std::string& path, const ArrayForm& form,
                             const std::vector<std::int64_t>& shape, const std::string& bytes,
                             const std::string& encoding) {
  // Chunks hold whole rows. Texts are one chunk, which says itself where each of them begins.
  std::vector<std::int64_t> chunk = shape;
  for (std::int64_t& size : chunk) size = std::max<std::int64_t>(1, size);
  std::size_t chunk_bytes = bytes.size();
  if (form.bytes > 0 && !shape.empty()) {
    std::int64_t row = static_cast<std::int64_t>(form.bytes);
    for (std::size_t i = 1; i < chunk.size(); ++i) row *= chunk[i];
    chunk[0] = std::min(chunk[0], std::max<std::int64_t>(1, kChunkBytes / row));
    chunk_bytes = as_size(chunk[0] * row);
  }
  std::size_t n_chunks = 0;
  for (std::size_t begin = 0; begin < bytes.size(); begin += chunk_bytes) {
    std::string part = bytes.substr(begin, chunk_bytes);
    if (form.bytes > 0) part.resize(chunk_bytes, '\0');  // the last one is as large as the others
    std::string key = version_ == 3 ? "c" : "";
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (!key.empty()) key += version_ == 3 ? "/" : ".";
      key += i == 0 ? std::to_string(n_chunks) : "0";
    }
    write_chunk(path, key.empty() ? "0" : key, part);
    ++n_chunks;
  }
  const Json fill = form.bytes == 0                       ? Json("")
                    : form.type_v3 == std::string("bool") ? Json(false)
                                                          : Json(0);
  if (version_ == 2) {
    Json filters = nullptr;
    if (form.bytes == 0) filters = Json::array({{{"id", "vlen-utf8"}}});
    metadata_[key_of(path, kArray)] = {{"shape", shape},
                                       {"chunks", chunk},
                                       {"dtype", form.type_v2},
                                       {"fill_value", fill},
                                       {"order", "C"},
                                       {"filters", filters},
                                       {"dimension_separator", "."},
                                       {"compressor", {{"id", "zstd"}, {"level", kZstdLevel}}},
                                       {"zarr_format", 2}};
    metadata_[key_of(path, kAttributes)] = encoded_as(encoding);
    return;
  }
  Json bytes_codec = {{"name", "bytes"}};
  if (form.bytes > 1) bytes_codec["configuration"] = {{"endian", "little"}};
  if (form.bytes == 0) bytes_codec = {{"name", "vlen-utf8"}};
  const Json zstd = {{"name", "zstd"},
                     {"configuration", {{"level", kZstdLevel}, {"checksum", false}}}};
  const Json grid = {{"name", "regular"}, {"configuration", {{"chunk_shape", chunk}}}};
  const Json keys = {{"name", "default"}, {"configuration", {{"separator", "/"}}}};
  metadata_[key_of(path, kNode)] = {{"shape", shape},
                                    {"data_type", form.type_v3},
                                    {"chunk_grid", grid},
                                    {"chunk_key_encoding", keys},
                                    {"fill_value", fill},
                                    {"codecs", Json::array({bytes_codec, zstd})},
                                    {"attributes", encoded_as(encoding)},
                                    {"zarr_format", 3},
                                    {"node_type", "array"}};
}

void ZarrTarget::write_texts(const std::string& path, const std::vector<std::string>& texts,
                             const std::vector<std::int64_t>& shape, const std::string& encoding) {
  const std::vector<std::string> one = {""};
  write_array(path, {"|O", "string", 0}, shape, vlen_utf8(texts.empty() ? one : texts), encoding);
}

void ZarrTarget::write_numbers(const std::string& path, std::span<const double> values,
                               NumberColumn::Kind kind, const std::vector<std::int64_t>& shape,
                               const std::string& encoding) {
  switch (kind) {
    case NumberColumn::Kind::Float32:
      return write_array(path, {"<f4", "float32", 4}, shape, bytes_of<float>(values), encoding);
    case NumberColumn::Kind::Float64:
      return write_array(path, {"<f8", "float64", 8}, shape, bytes_of<double>(values), encoding);
    case NumberColumn::Kind::Integer:
      return write_array(path, {"<i8", "int64", 8}, shape, bytes_of<std::int64_t>(values),
                         encoding);
    case NumberColumn::Kind::Boolean:
      return write_array(path, {"|b1", "bool", 1}, shape, bytes_of<std::int8_t>(values), encoding);
  }
}

void ZarrTarget::write_codes(const std::string& path, const CategoryColumn& column) {
  // pandas takes the smallest signed integers that hold the codes.
  const std::vector<double> codes(column.codes.begin(), column.codes.end());
  const std::vector<std::int64_t> shape = {std::ssize(codes)};
  if (column.levels.size() <= 127) {
    write_array(path, {"|i1", "int8", 1}, shape, bytes_of<std::int8_t>(codes), "array");
  } else if (column.levels.size() <= 32767) {
    write_array(path, {"<i2", "int16", 2}, shape, bytes_of<std::int16_t>(codes), "array");
  } else {
    write_array(path, {"<i4", "int32", 4}, shape, bytes_of<std::int32_t>(codes), "array");
  }
}

void ZarrTarget::write_column(const std::string& path, const Column& column) {
  if (const auto* text = std::get_if<TextColumn>(&column)) {
    if (!text->is_missing.empty()) return write_column(path, to_categories(*text));
    return write_texts(path, text->values, {std::ssize(text->values)}, "string-array");
  }
  if (const auto* category = std::get_if<CategoryColumn>(&column)) {
    require_group(path, "categorical");
    Json& group = metadata_[key_of(path, version_ == 3 ? kNode : kAttributes)];
    (version_ == 3 ? group["attributes"] : group)["ordered"] = category->is_ordered;
    write_texts(path + "/categories", category->levels, {std::ssize(category->levels)},
                "string-array");
    return write_codes(path + "/codes", *category);
  }
  const auto& numbers = std::get<NumberColumn>(column);
  const std::vector<std::int64_t> shape = {std::ssize(numbers.values)};
  const bool is_boolean = numbers.kind == NumberColumn::Kind::Boolean;
  std::vector<double> mask;
  for (const double value : numbers.values) mask.push_back(std::isnan(value) ? 1 : 0);
  const bool has_missing = std::find(mask.begin(), mask.end(), 1.0) != mask.end();
  if (!has_missing || (!is_boolean && numbers.kind != NumberColumn::Kind::Integer)) {
    return write_numbers(path, numbers.values, numbers.kind, shape, "array");
  }
  require_group(path, is_boolean ? "nullable-boolean" : "nullable-integer");
  std::vector<double> values = numbers.values;
  std::replace_if(
      values.begin(), values.end(), [](double v) { return std::isnan(v); }, 0.0);
  write_numbers(path + "/values", values, numbers.kind, shape, "array");
  write_numbers(path + "/mask", mask, NumberColumn::Kind::Boolean, shape, "array");
}

void ZarrTarget::write_matrix(const std::string& path, const DenseMatrix& matrix) {
  const auto n = as_size(matrix.n_rows() * matrix.n_cols()) * sizeof(float);
  std::string bytes(n, '\0');
  if (n > 0) std::memcpy(bytes.data(), matrix.data(), n);
  write_array(path, {"<f4", "float32", sizeof(float)}, {matrix.n_rows(), matrix.n_cols()}, bytes,
              "array");
}

void ZarrTarget::write_value(const std::string& path, const UnsValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    write_texts(path, {*text}, {}, "string");
  } else if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
    write_texts(path, *texts, {std::ssize(*texts)}, "string-array");
  } else if (const auto* numbers = std::get_if<std::vector<double>>(&value)) {
    write_numbers(path, *numbers, NumberColumn::Kind::Float64, {std::ssize(*numbers)}, "array");
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    const double one = *flag ? 1 : 0;
    write_numbers(path, {&one, 1}, NumberColumn::Kind::Boolean, {}, "numeric-scalar");
  } else if (const auto* number = std::get_if<double>(&value)) {
    write_numbers(path, {number, 1}, NumberColumn::Kind::Float64, {}, "numeric-scalar");
  } else {
    // Not through a double: seeds have 64 bits.
    const std::int64_t whole = std::get<std::int64_t>(value);
    write_array(path, {"<i8", "int64", sizeof whole}, {},
                std::string(reinterpret_cast<const char*>(&whole), sizeof whole), "numeric-scalar");
  }
}

void ZarrTarget::finish() {
  for (const auto& [key, json] : metadata_) {
    std::error_code error;
    fs::create_directories((folder_ / key).parent_path(), error);
    if (error) fail(ErrorKind::Output, "{}: cannot be written: {}", name_, error.message());
    write_file(folder_ / key, json.dump(2) + "\n", true);
  }
  write_consolidated();
  metadata_.clear();
  removed_.clear();
}

void ZarrTarget::write_consolidated() {
  const fs::path file = folder_ / (version_ == 3 ? kNode : kConsolidated);
  if (!fs::exists(file)) return;
  Json json = read_json(file);
  Json* all = &json;
  if (version_ == 3) {
    if (!json.contains("consolidated_metadata") || !json["consolidated_metadata"].is_object()) {
      return;
    }
    all = &json["consolidated_metadata"];
  }
  Json& known = (*all)["metadata"];
  const auto is_removed = [&](const std::string& key) {
    return std::any_of(removed_.begin(), removed_.end(), [&](const std::string& path) {
      return key == path || key.starts_with(path + "/");
    });
  };
  Json kept = Json::object();
  for (const auto& [key, node] : known.items()) {
    if (!is_removed(key)) kept[key] = node;
  }
  for (const auto& [key, node] : metadata_) {
    if (version_ == 2) {
      kept[key] = node;
    } else if (key != kNode) {
      Json& entry = kept[key.substr(0, key.rfind('/'))] = node;
      // zarr-python wants each group to say that what is in it stands beside it.
      if (node["node_type"] == "group") {
        entry["consolidated_metadata"] = {
            {"kind", "inline"}, {"must_understand", false}, {"metadata", Json::object()}};
      }
    }
  }
  // zarr-python takes the nodes of one group for all of them only where they stand in a row.
  std::vector<std::string> keys;
  for (const auto& [key, node] : kept.items()) keys.push_back(key);
  std::sort(keys.begin(), keys.end(), [](const std::string& a, const std::string& b) {
    const auto depth = [](const std::string& key) {
      return std::count(key.begin(), key.end(), '/');
    };
    const auto group = [](const std::string& key) { return key.substr(0, key.rfind('/') + 1); };
    return std::tuple(depth(a), group(a), a) < std::tuple(depth(b), group(b), b);
  });
  known = Json::object();
  for (const std::string& key : keys) known[key] = std::move(kept[key]);
  write_file(file, json.dump(2) + "\n", true);
}

}  // namespace saithe::io
