#include "saithe/io/zarr_writer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "saithe/core/error.h"
#include "saithe/core/text_io.h"
#include "saithe/io/folder_change.h"
#include "saithe/io/frame_columns.h"
#include "saithe/io/hdf5_writer.h"
#include "saithe/io/zarr_consolidated.h"
#include "saithe/io/zarr_encoding.h"
#include "saithe/io/zarr_metadata.h"

namespace saithe::io {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::int64_t kChunkBytes = std::int64_t{1} << 22;
constexpr const char* kGroup = ".zgroup";
constexpr const char* kArray = ".zarray";
constexpr const char* kAttributes = ".zattrs";
constexpr const char* kNode = "zarr.json";
constexpr const char* kObs = "obs";
// In the staging folder: files that take the places of others while columns are replaced.
constexpr const char* kWithout = "without";
constexpr const char* kOrder = "column-order";

std::string key_of(const std::string& path, const char* name) {
  return path.empty() ? name : path + "/" + name;
}

/// "obs/louvain" of "obs/louvain/.zattrs"; "" is the root's.
std::string folder_of(const std::string& key) {
  const std::size_t slash = key.rfind('/');
  return slash == std::string::npos ? "" : key.substr(0, slash);
}

/// "" where there is no such text.
std::string text_of(const Json& attributes, const char* name) {
  const bool is_text = attributes.contains(name) && attributes[name].is_string();
  return is_text ? attributes[name].get<std::string>() : "";
}

std::vector<std::string> text_list_of(const Json& attributes, const char* name) {
  std::vector<std::string> texts;
  if (!attributes.contains(name)) return texts;
  for (const Json& text : attributes[name]) {
    if (text.is_string()) texts.push_back(text.get<std::string>());
  }
  return texts;
}

}  // namespace

ZarrTarget::ZarrTarget(fs::path folder, std::string name)
    : ZarrTarget(folder, folder, std::move(name)) {}

ZarrTarget::ZarrTarget(fs::path folder, fs::path staging, std::string name)
    : folder_(std::move(folder)), staging_(std::move(staging)), name_(std::move(name)) {
  // Of a store in both versions the reader takes version 3, too.
  if (fs::exists(folder_ / kNode)) version_ = 3;
  const bool is_group = version_ == 3 ? text_of(read_json(folder_ / kNode), "node_type") == "group"
                                      : fs::exists(folder_ / kGroup);
  if (!is_group) fail(ErrorKind::BadFormat, "{}: is no Zarr store in a folder", name_);
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
    if (metadata_.contains(key_of(path, name))) return true;
  }
  return is_in_store(path);
}

void ZarrTarget::remove(const std::string& path) {
  fs::remove_all(staging_ / path);
  std::erase_if(metadata_, [&](const auto& entry) { return entry.first.starts_with(path + "/"); });
  removed_.push_back(path);
}

std::optional<Json> ZarrTarget::metadata_of(const std::string& path, const char* name) const {
  const auto found = metadata_.find(key_of(path, name));
  if (found != metadata_.end()) return found->second;
  if (!is_in_store(path) || !fs::exists(file_of(path, name))) return std::nullopt;
  return read_json(file_of(path, name));
}

Json ZarrTarget::attributes(const std::string& path) const {
  const Json json = metadata_of(path, version_ == 3 ? kNode : kAttributes).value_or(Json::object());
  if (version_ == 2) return json;
  return json.contains("attributes") ? json["attributes"] : Json::object();
}

bool ZarrTarget::has_array(const std::string& path) const {
  if (version_ == 2) return metadata_of(path, kArray).has_value();
  return text_of(metadata_of(path, kNode).value_or(Json::object()), "node_type") == "array";
}

bool ZarrTarget::has_dict(const std::string& path) const {
  return has(path) && !has_array(path) &&
         is_dict_encoding(text_of(attributes(path), "encoding-type"));
}

std::vector<std::string> ZarrTarget::text_list_attribute(const std::string& path,
                                                         const std::string& name) const {
  return text_list_of(attributes(path), name.c_str());
}

void ZarrTarget::set_attribute(const std::string& path, const std::string& name,
                               const std::vector<std::string>& texts) {
  Json all = attributes(path);
  all[name] = texts;
  if (version_ == 2) {
    metadata_[key_of(path, kAttributes)] = std::move(all);
    return forget_own_copy(path);
  }
  const std::string key = key_of(path, kNode);
  if (!metadata_.contains(key)) metadata_[key] = read_json(folder_ / key);
  metadata_[key]["attributes"] = std::move(all);
  forget_own_copy(path);
}

void ZarrTarget::forget_own_copy(const std::string& path) {
  const std::string file = key_of(path, consolidated_file(version_));
  if (version_ == 2) {
    if (fs::exists(folder_ / file)) remove(file);
    return;
  }
  const bool is_changed = metadata_.contains(file);
  if (!is_changed && !fs::exists(folder_ / file)) return;
  Json json = is_changed ? metadata_[file] : read_json(folder_ / file);
  if (!has_consolidated(json, version_)) return;
  metadata_[file] = without_consolidated(std::move(json));
}

void ZarrTarget::require_group(const std::string& path, const std::string& encoding) {
  if (has_array(path)) {
    fail(ErrorKind::BadFormat, "{}: {} is an array, so that nothing can be added to it", name_,
         path);
  }
  if (has(path)) return forget_own_copy(path);
  if (version_ == 2) {
    metadata_[key_of(path, kGroup)] = {{"zarr_format", 2}};
    metadata_[key_of(path, kAttributes)] = zarr_encoding(encoding);
  } else {
    metadata_[key_of(path, kNode)] = {
        {"attributes", zarr_encoding(encoding)}, {"zarr_format", 3}, {"node_type", "group"}};
  }
}

void ZarrTarget::write_chunk(const std::string& path, const std::string& key,
                             const std::string& bytes) const {
  const fs::path file = staging_ / path / key;
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  if (error) fail(ErrorKind::Output, "{}: cannot be written: {}", name_, error.message());
  write_file(file, zstd_packed(bytes), true);
}

void ZarrTarget::write_array(const std::string& path, const ZarrArrayForm& form,
                             const std::vector<std::int64_t>& shape, const std::string& bytes,
                             const std::string& encoding) {
  if (form.bytes > 0 && !shape.empty()) {
    const auto row = shape.front() > 0 ? bytes.size() / as_size(shape.front()) : 0;
    return write_rows(
        path, form, shape,
        [&](std::int64_t begin, std::int64_t end) {
          return bytes.substr(as_size(begin) * row, as_size(end - begin) * row);
        },
        encoding);
  }
  // Texts are one chunk, which says itself where each of them begins.
  std::vector<std::int64_t> chunk = shape;
  for (std::int64_t& size : chunk) size = std::max<std::int64_t>(1, size);
  if (!bytes.empty()) write_chunk(path, chunk_key(shape.size(), 0), bytes);
  add_array_metadata(path, form, shape, chunk, encoding);
}

void ZarrTarget::write_rows(const std::string& path, const ZarrArrayForm& form,
                            const std::vector<std::int64_t>& shape, const ReadBytes& read,
                            const std::string& encoding) {
  // Chunks hold whole rows.
  std::vector<std::int64_t> chunk = shape;
  for (std::int64_t& size : chunk) size = std::max<std::int64_t>(1, size);
  std::int64_t row = static_cast<std::int64_t>(form.bytes);
  for (std::size_t i = 1; i < chunk.size(); ++i) row *= chunk[i];
  chunk[0] = std::min(chunk[0], std::max<std::int64_t>(1, kChunkBytes / row));
  const bool is_empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
  for (std::int64_t begin = 0; !is_empty && begin < shape.front(); begin += chunk[0]) {
    std::string part = read(begin, std::min(shape.front(), begin + chunk[0]));
    part.resize(as_size(chunk[0] * row), '\0');  // the last one is as large as the others
    write_chunk(path, chunk_key(shape.size(), begin / chunk[0]), part);
  }
  add_array_metadata(path, form, shape, chunk, encoding);
}

std::string ZarrTarget::chunk_key(std::size_t n_axes, std::int64_t number) const {
  std::string key = version_ == 3 ? "c" : "";
  for (std::size_t i = 0; i < n_axes; ++i) {
    if (!key.empty()) key += version_ == 3 ? "/" : ".";
    key += i == 0 ? std::to_string(number) : "0";
  }
  return key.empty() ? "0" : key;
}

void ZarrTarget::add_array_metadata(const std::string& path, const ZarrArrayForm& form,
                                    const std::vector<std::int64_t>& shape,
                                    const std::vector<std::int64_t>& chunk,
                                    const std::string& encoding) {
  Json metadata = zarr_array_metadata(version_, form, shape, chunk, encoding);
  metadata_[key_of(path, version_ == 3 ? kNode : kArray)] = std::move(metadata);
  if (version_ == 2) metadata_[key_of(path, kAttributes)] = zarr_encoding(encoding);
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

void ZarrTarget::write_categories(const std::string& path, const CategoryColumn& category,
                                  std::int64_t n_rows, const ReadCodes& read) {
  require_group(path, "categorical");
  Json& group = metadata_[key_of(path, version_ == 3 ? kNode : kAttributes)];
  (version_ == 3 ? group["attributes"] : group)["ordered"] = category.is_ordered;
  write_texts(path + "/categories", category.levels, {std::ssize(category.levels)}, "string-array");
  // pandas takes the smallest signed integers that hold the codes.
  const auto write = [&]<typename Code>(const ZarrArrayForm& form, Code) {
    write_rows(
        path + "/codes", form, {n_rows},
        [&](std::int64_t begin, std::int64_t end) {
          const std::vector<std::int32_t> codes = read(begin, end);
          return bytes_of<Code>(std::vector<double>(codes.begin(), codes.end()));
        },
        "array");
  };
  if (category.levels.size() <= 127) return write({"|i1", "int8", 1}, std::int8_t());
  if (category.levels.size() <= 32767) return write({"<i2", "int16", 2}, std::int16_t());
  write({"<i4", "int32", 4}, std::int32_t());
}

void ZarrTarget::write_result(const std::string& path, const ResultColumn& column) {
  if (column.whole() != nullptr) return write_column(path, *column.whole());
  const Column none = column.piece(0, 0);
  if (const auto* category = std::get_if<CategoryColumn>(&none)) {
    return write_categories(path, *category, column.n_rows(),
                            [&](std::int64_t begin, std::int64_t end) {
                              return std::get<CategoryColumn>(column.piece(begin, end)).codes;
                            });
  }
  SAITHE_ASSERT(std::get<NumberColumn>(none).kind == NumberColumn::Kind::Float32);
  write_rows(
      path, {"<f4", "float32", sizeof(float)}, {column.n_rows()},
      [&](std::int64_t begin, std::int64_t end) {
        return bytes_of<float>(std::get<NumberColumn>(column.piece(begin, end)).values);
      },
      "array");
}

void ZarrTarget::write_column(const std::string& path, const Column& column) {
  if (const auto* text = std::get_if<TextColumn>(&column)) {
    if (!text->is_missing.empty()) return write_column(path, to_categories(*text));
    return write_texts(path, text->values, {std::ssize(text->values)}, "string-array");
  }
  if (const auto* category = std::get_if<CategoryColumn>(&column)) {
    return write_categories(path, *category, std::ssize(category->codes),
                            [&](std::int64_t begin, std::int64_t end) {
                              const auto codes = category->codes.begin();
                              return std::vector<std::int32_t>(codes + begin, codes + end);
                            });
  }
  const auto& numbers = std::get<NumberColumn>(column);
  const std::vector<std::int64_t> shape = {std::ssize(numbers.values)};
  if (numbers.kind == NumberColumn::Kind::Integer &&
      !fit_signed_integers(numbers.values, numbers.exact)) {
    return write_numbers(path, numbers.values, NumberColumn::Kind::Float64, shape, "array");
  }
  const auto write_values = [&](const std::string& place, std::span<const double> values) {
    const std::vector<std::int64_t>& exact = numbers.exact;
    if (exact.empty()) return write_numbers(place, values, numbers.kind, shape, "array");
    write_array(place, {"<i8", "int64", 8}, shape,
                {reinterpret_cast<const char*>(exact.data()), exact.size() * sizeof(exact[0])},
                "array");
  };
  const bool is_boolean = numbers.kind == NumberColumn::Kind::Boolean;
  std::vector<double> mask;
  for (const double value : numbers.values) mask.push_back(std::isnan(value) ? 1 : 0);
  const bool has_missing = std::find(mask.begin(), mask.end(), 1.0) != mask.end();
  if (!has_missing || (!is_boolean && numbers.kind != NumberColumn::Kind::Integer)) {
    return write_values(path, numbers.values);
  }
  require_group(path, is_boolean ? "nullable-boolean" : "nullable-integer");
  std::vector<double> values = numbers.values;
  std::replace_if(
      values.begin(), values.end(), [](double v) { return std::isnan(v); }, 0.0);
  write_values(path + "/values", values);
  write_numbers(path + "/mask", mask, NumberColumn::Kind::Boolean, shape, "array");
}

void ZarrTarget::write_matrix(const std::string& path, const ResultMatrix& matrix) {
  write_rows(
      path, {"<f4", "float32", sizeof(float)}, {matrix.n_rows(), matrix.n_cols()},
      [&](std::int64_t begin, std::int64_t end) {
        const std::vector<float> rows = matrix.rows(begin, end);
        return std::string(reinterpret_cast<const char*>(rows.data()), rows.size() * sizeof(float));
      },
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

void ZarrTarget::write_json(const fs::path& file, const Json& json) const {
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  if (error) fail(ErrorKind::Output, "{}: cannot be written: {}", name_, error.message());
  write_file(file, json.dump(2) + "\n", true);
}

std::optional<ZarrTarget::Json> ZarrTarget::read_consolidated() const {
  const fs::path file = folder_ / consolidated_file(version_);
  if (!fs::exists(file)) return std::nullopt;
  Json json = read_json(file);
  if (!has_consolidated(json, version_)) return std::nullopt;
  return json;
}

std::map<std::string, ZarrTarget::Json> ZarrTarget::metadata_with_groups(
    const Json& consolidated) const {
  const std::vector<const char*> names =
      version_ == 3 ? std::vector{kNode} : std::vector{kGroup, kAttributes};
  std::map<std::string, Json> all = metadata_;
  for (const auto& [own_key, json] : metadata_) {
    for (std::string path = folder_of(folder_of(own_key)); !path.empty(); path = folder_of(path)) {
      for (const char* name : names) {
        const std::string key = key_of(path, name);
        if (all.contains(key) || is_consolidated(consolidated, version_, key)) continue;
        if (fs::exists(folder_ / key)) all.emplace(key, read_json(folder_ / key));
      }
    }
  }
  return all;
}

void ZarrTarget::finish() {
  if (is_staged()) {
    stage();
    return publish();
  }
  for (const auto& [key, json] : metadata_) write_json(folder_ / key, json);
  if (auto all = read_consolidated()) {
    write_json(folder_ / consolidated_file(version_),
               update_consolidated(*all, version_, removed_, metadata_with_groups(*all)));
  }
  metadata_.clear();
  removed_.clear();
}

// ---- in place ---------------------------------------------------------------------------------

bool ZarrTarget::is_in_store(const std::string& path) const {
  for (const std::string& removed : removed_) {
    if (path == removed || path.starts_with(removed + "/")) return false;
  }
  const char* names[] = {version_ == 3 ? kNode : kGroup, version_ == 3 ? kNode : kArray};
  return std::any_of(std::begin(names), std::end(names),
                     [&](const char* name) { return fs::exists(file_of(path, name)); });
}

std::set<std::string> ZarrTarget::new_tops() const {
  std::set<std::string> tops;
  for (const auto& [key, json] : metadata_) {
    std::string path = folder_of(key);
    if (is_in_store(path)) continue;
    while (!is_in_store(folder_of(path))) path = folder_of(path);
    tops.insert(path);
  }
  return tops;
}

std::map<std::string, ZarrTarget::Json> ZarrTarget::frames_without_removed() const {
  std::map<std::string, Json> frames;
  const std::string key = key_of(kObs, version_ == 3 ? kNode : kAttributes);
  if (!fs::exists(folder_ / key)) return frames;
  Json json = read_json(folder_ / key);
  Json& all = version_ == 3 ? json["attributes"] : json;
  if (!all.contains(kOrder)) return frames;  // what is there is what obs has
  Json kept = Json::array();
  for (const std::string& name : text_list_of(all, kOrder)) {
    if (is_in_store(key_of(kObs, name.c_str()))) kept.push_back(name);
  }
  all[kOrder] = std::move(kept);
  frames.emplace(key, std::move(json));
  return frames;
}

void ZarrTarget::stage() {
  const fs::path without = staging_ / kWithout;
  const char* const consolidated_name = consolidated_file(version_);
  const auto consolidated = read_consolidated();
  const auto frames = frames_without_removed();
  for (const auto& [key, json] : metadata_) write_json(staging_ / key, json);
  if (consolidated) {
    write_json(staging_ / consolidated_name,
               update_consolidated(*consolidated, version_, removed_,
                                   metadata_with_groups(*consolidated)));
  }
  has_consolidated_ = consolidated.has_value();
  if (!removed_.empty()) {
    if (consolidated) {
      write_json(without / consolidated_name,
                 update_consolidated(*consolidated, version_, removed_, frames));
      forgetting_.emplace_back(consolidated_name);
    }
    for (const auto& [key, json] : frames) {
      write_json(without / key, json);
      forgetting_.push_back(key);
    }
  }
  flush_file_system(staging_, name_);
}

void ZarrTarget::publish(const std::function<void()>& require_unchanged) {
  FolderChange change(folder_, staging_ / "old", name_);
  if (require_unchanged) require_unchanged();
  try {
    for (const std::string& key : forgetting_) change.replace(staging_ / kWithout / key, key);
    for (const std::string& path : removed_) {
      if (fs::exists(folder_ / path)) change.take_out(path);
    }
    for (const std::string& path : new_tops()) {
      if (fs::exists(folder_ / path)) change.take_out(path);  // no node: left by somebody
      change.put(staging_ / path, path);
    }
    for (const auto& [key, json] : metadata_) {
      if (fs::exists(staging_ / key)) change.replace(staging_ / key, key);
    }
    if (has_consolidated_) {
      const char* const consolidated_name = consolidated_file(version_);
      change.replace(staging_ / consolidated_name, consolidated_name);
    }
    change.flush();
    change.keep();
  } catch (...) {
    is_kept_aside_ = !change.undo();
    throw;
  }
}

}  // namespace saithe::io
