#include "saithe/io/zarr_metadata.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "saithe/core/error.h"
#include "saithe/core/text_io.h"

namespace saithe::io {
namespace {

using Json = nlohmann::json;

// zarr.json of a root may hold the metadata of all nodes.
constexpr std::int64_t kMaxTypeBytes = 1 << 20;
constexpr std::size_t kMaxDimensions = 32;

[[noreturn]] void fail_unread(const std::string& where, const std::string& what,
                              const std::string& name) {
  fail(ErrorKind::BadFormat,
       "{}: has the {} '{}', which is not read. Write it again with AnnData's defaults: "
       "anndata.read_zarr(STORE).write_zarr(NEW_STORE).",
       where, what, printable(name));
}

Json parse(const std::string& text, const std::string& where) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    fail(ErrorKind::BadFormat, "{}: is no JSON object; the store is damaged", where);
  }
  return json;
}

/// A type of version 2: "<f4", "|O", "|S18", "<U12" or a list of fields.
ZarrType parse_type_v2(const Json& dtype, const std::string& where) {
  ZarrType type;
  type.name = dtype.dump();
  if (dtype.is_array()) {
    type.kind = ZarrType::Kind::Record;
    for (const Json& field : dtype) {
      ZarrType inner = parse_type_v2(field.at(1), where);
      if (inner.kind == ZarrType::Kind::Record || inner.bytes == 0 || field.size() != 2) {
        inner.kind = ZarrType::Kind::Other;
        if (inner.bytes == 0 || field.size() != 2) fail_unread(where, "type", type.name);
      }
      type.fields.push_back({field.at(0).get<std::string>(), type.bytes, inner});
      type.bytes += inner.bytes;
      if (type.bytes > kMaxTypeBytes) fail_unread(where, "type", type.name);
    }
    return type;
  }
  const auto text = dtype.get<std::string>();
  type.name = text;
  if (text == "|O") return type;  // a filter says of what
  std::int64_t n = 0;
  if (text.size() < 3 || !parse_number(std::string_view(text).substr(2), n) || n < 1 ||
      n > kMaxTypeBytes) {
    fail_unread(where, "type", text);
  }
  type.is_big_endian = text[0] == '>';
  type.bytes = text[1] == 'U' ? 4 * n : n;
  switch (text[1]) {
    case 'i':
      type.kind = ZarrType::Kind::Signed;
      break;
    case 'u':
      type.kind = ZarrType::Kind::Unsigned;
      break;
    case 'f':
      type.kind = ZarrType::Kind::Float;
      break;
    case 'b':
      type.kind = ZarrType::Kind::Boolean;
      break;
    case 'S':
      type.kind = ZarrType::Kind::FixedText;
      break;
    case 'U':
      type.kind = ZarrType::Kind::WideText;
      break;
    default:
      break;
  }
  return type;
}

ZarrType parse_type_v3(const Json& data_type, const std::string& where) {
  ZarrType type;
  type.name = data_type.is_object() ? data_type.at("name").get<std::string>()
                                    : data_type.get<std::string>();
  static const std::pair<const char*, std::pair<ZarrType::Kind, int>> kTypes[] = {
      {"bool", {ZarrType::Kind::Boolean, 1}},    {"int8", {ZarrType::Kind::Signed, 1}},
      {"int16", {ZarrType::Kind::Signed, 2}},    {"int32", {ZarrType::Kind::Signed, 4}},
      {"int64", {ZarrType::Kind::Signed, 8}},    {"uint8", {ZarrType::Kind::Unsigned, 1}},
      {"uint16", {ZarrType::Kind::Unsigned, 2}}, {"uint32", {ZarrType::Kind::Unsigned, 4}},
      {"uint64", {ZarrType::Kind::Unsigned, 8}}, {"float16", {ZarrType::Kind::Float, 2}},
      {"float32", {ZarrType::Kind::Float, 4}},   {"float64", {ZarrType::Kind::Float, 8}},
      {"string", {ZarrType::Kind::VlenText, 0}}};
  for (const auto& [name, form] : kTypes) {
    if (type.name != name) continue;
    type.kind = form.first;
    type.bytes = form.second;
    return type;
  }
  const bool is_bytes = type.name == "null_terminated_bytes";
  if (is_bytes || type.name == "fixed_length_utf32") {
    type.kind = is_bytes ? ZarrType::Kind::FixedText : ZarrType::Kind::WideText;
    type.bytes = data_type.at("configuration").at("length_bytes").get<std::int64_t>();
    if (type.bytes < 1 || type.bytes > kMaxTypeBytes) fail_unread(where, "type", type.name);
  }
  return type;
}

std::vector<std::int64_t> parse_sizes(const Json& sizes, const std::string& where, const char* what,
                                      std::int64_t smallest) {
  auto parsed = sizes.get<std::vector<std::int64_t>>();
  const bool is_odd =
      std::any_of(parsed.begin(), parsed.end(), [&](std::int64_t size) { return size < smallest; });
  if (is_odd || parsed.size() > kMaxDimensions) {
    fail(ErrorKind::BadFormat, "{}: has the {} {}; the store is damaged", where, what,
         sizes.dump());
  }
  return parsed;
}

/// Numbers as they stand, and the texts that stand for what JSON has no numbers for. What is no
/// number (of texts) is 0, and never used.
double parse_fill(const Json& fill) {
  if (fill.is_number()) return fill.get<double>();
  if (fill.is_boolean()) return fill.get<bool>() ? 1 : 0;
  if (fill == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (fill == "Infinity") return std::numeric_limits<double>::infinity();
  if (fill == "-Infinity") return -std::numeric_limits<double>::infinity();
  return 0;
}

std::size_t element_size(const Json& configuration, const char* name) {
  const auto n = configuration.value(name, std::int64_t{4});
  return static_cast<std::size_t>(std::clamp<std::int64_t>(n, 1, kMaxTypeBytes));
}

void add_step_v2(ZarrLayout& layout, const Json& codec, const std::string& where) {
  const auto id = codec.at("id").get<std::string>();
  if (id == "vlen-utf8") {
    layout.type.kind = ZarrType::Kind::VlenText;
  } else if (id == "blosc") {
    layout.steps.push_back({ZarrCodec::Blosc});
  } else if (id == "zstd") {
    layout.steps.push_back({ZarrCodec::Zstd});
  } else if (id == "gzip") {
    layout.steps.push_back({ZarrCodec::Gzip});
  } else if (id == "zlib") {
    layout.steps.push_back({ZarrCodec::Zlib});
  } else if (id == "lz4") {
    layout.steps.push_back({ZarrCodec::Lz4});
  } else if (id == "shuffle") {
    layout.steps.push_back({ZarrCodec::Shuffle, element_size(codec, "elementsize")});
  } else {
    fail_unread(where, "compression", id);
  }
}

ZarrLayout parse_v2(const Json& metadata, const std::string& where) {
  ZarrLayout layout;
  layout.type = parse_type_v2(metadata.at("dtype"), where);
  layout.shape = parse_sizes(metadata.at("shape"), where, "shape", 0);
  layout.chunk = parse_sizes(metadata.at("chunks"), where, "chunks", 1);
  layout.fill_value = parse_fill(metadata.value("fill_value", Json()));
  layout.is_column_major = metadata.value("order", "C") == "F";
  const auto separator = metadata.value("dimension_separator", std::string("."));
  layout.key_separator = separator == "/" ? '/' : '.';
  if (const Json filters = metadata.value("filters", Json()); filters.is_array()) {
    for (const Json& filter : filters) add_step_v2(layout, filter, where);
  }
  if (const Json packer = metadata.value("compressor", Json()); packer.is_object()) {
    add_step_v2(layout, packer, where);
  }
  layout.shard = layout.chunk;
  return layout;
}

void parse_codecs_v3(ZarrLayout& layout, const Json& codecs, bool is_in_shard,
                     const std::string& where);

void parse_sharding(ZarrLayout& layout, const Json& configuration, const std::string& where) {
  layout.is_sharded = true;
  layout.chunk = parse_sizes(configuration.at("chunk_shape"), where, "chunk_shape", 1);
  layout.has_index_at_end = configuration.value("index_location", std::string("end")) != "start";
  parse_codecs_v3(layout, configuration.at("codecs"), true, where);
  for (const Json& codec : configuration.at("index_codecs")) {
    const auto name = codec.at("name").get<std::string>();
    if (name == "crc32c") {
      layout.index_steps.push_back({ZarrCodec::Crc32c});
    } else if (name != "bytes" ||
               codec.value("configuration", Json::object()).value("endian", "little") != "little") {
      fail_unread(where, "codec of a shard's index", name);  // its size must be known
    }
  }
}

/// Codecs in the order of packing: arrays to arrays, array to bytes, bytes to bytes.
void parse_codecs_v3(ZarrLayout& layout, const Json& codecs, bool is_in_shard,
                     const std::string& where) {
  for (const Json& codec : codecs) {
    const auto name =
        codec.is_string() ? codec.get<std::string>() : codec.at("name").get<std::string>();
    const Json configuration =
        codec.is_object() ? codec.value("configuration", Json::object()) : Json::object();
    if (name == "bytes") {
      layout.type.is_big_endian = configuration.value("endian", "little") == "big";
    } else if (name == "transpose") {
      const auto order = configuration.at("order").get<std::vector<std::size_t>>();
      if (!std::is_sorted(order.begin(), order.end())) fail_unread(where, "codec", name);
    } else if (name == "vlen-utf8") {
      layout.type.kind = ZarrType::Kind::VlenText;
    } else if (name == "blosc" || name == "numcodecs.blosc") {
      layout.steps.push_back({ZarrCodec::Blosc});
    } else if (name == "zstd" || name == "numcodecs.zstd") {
      layout.steps.push_back({ZarrCodec::Zstd});
    } else if (name == "gzip" || name == "numcodecs.gzip") {
      layout.steps.push_back({ZarrCodec::Gzip});
    } else if (name == "numcodecs.zlib") {
      layout.steps.push_back({ZarrCodec::Zlib});
    } else if (name == "numcodecs.lz4") {
      layout.steps.push_back({ZarrCodec::Lz4});
    } else if (name == "numcodecs.shuffle") {
      layout.steps.push_back({ZarrCodec::Shuffle, element_size(configuration, "elementsize")});
    } else if (name == "crc32c") {
      layout.steps.push_back({ZarrCodec::Crc32c});
    } else if (name == "sharding_indexed" && !is_in_shard && codecs.size() == 1) {
      parse_sharding(layout, configuration, where);
    } else {
      fail_unread(where, "codec", name);
    }
  }
}

ZarrLayout parse_v3(const Json& metadata, const std::string& where) {
  ZarrLayout layout;
  layout.type = parse_type_v3(metadata.at("data_type"), where);
  layout.shape = parse_sizes(metadata.at("shape"), where, "shape", 0);
  const Json& grid = metadata.at("chunk_grid");
  if (grid.at("name") != "regular") fail_unread(where, "chunk grid", grid.at("name").dump());
  layout.shard = parse_sizes(grid.at("configuration").at("chunk_shape"), where, "chunk_shape", 1);
  layout.chunk = layout.shard;
  layout.fill_value = parse_fill(metadata.value("fill_value", Json()));
  const Json encoding = metadata.value("chunk_key_encoding", Json::object());
  const bool is_old = encoding.value("name", "default") == "v2";
  const Json options = encoding.value("configuration", Json::object());
  layout.key_separator = options.value("separator", is_old ? "." : "/") == "." ? '.' : '/';
  if (!is_old) layout.key_prefix = "c";
  parse_codecs_v3(layout, metadata.at("codecs"), false, where);
  return layout;
}

/// Chunks lie in shards without remainder, and their sizes can be counted with.
void require_sound(const ZarrLayout& layout, const std::string& where) {
  const std::size_t n = layout.shape.size();
  bool is_sound = layout.chunk.size() == n && layout.shard.size() == n;
  double values = 1;
  double shard_values = 1;
  for (std::size_t i = 0; is_sound && i < n; ++i) {
    is_sound = layout.shard[i] % layout.chunk[i] == 0;
    values *= static_cast<double>(layout.chunk[i]);
    shard_values *= static_cast<double>(layout.shard[i]);
  }
  constexpr double kMost = 4.0e15;  // whole numbers up to here are exact
  const double bytes = static_cast<double>(std::max<std::int64_t>(layout.type.bytes, 1));
  if (!is_sound || values * bytes > kMost || shard_values > kMost) {
    fail(ErrorKind::BadFormat, "{}: its chunks do not fit its shape; the store is damaged", where);
  }
}

}  // namespace

ZarrLayout parse_zarr_layout(const Json& metadata, int version, const std::string& where) {
  try {
    ZarrLayout layout = version == 2 ? parse_v2(metadata, where) : parse_v3(metadata, where);
    if (layout.type.kind == ZarrType::Kind::VlenText) layout.type.bytes = 0;
    require_sound(layout, where);
    return layout;
  } catch (const Json::exception& error) {
    fail(ErrorKind::BadFormat, "{}: its metadata are damaged ({})", where, error.what());
  }
}

std::optional<ZarrNode> ZarrNode::find(std::shared_ptr<const ZarrStore> store,
                                       const std::string& path) {
  ZarrNode node;
  node.store_ = std::move(store);
  node.path_ = path;
  node.attributes_ = Json::object();
  const std::string where = node.where();
  const auto read = [&](const char* file) {
    return node.store_->read_all(node.key(file), kMaxMetadataBytes);
  };
  if (const auto text = read("zarr.json")) {
    const Json json = parse(*text, where + "/zarr.json");
    node.version_ = 3;
    const Json attributes = json.value("attributes", Json::object());
    if (attributes.is_object()) node.attributes_ = attributes;
    if (json.value("node_type", Json()) == "array") {
      node.layout_ = parse_zarr_layout(json, 3, where);
    }
    return node;
  }
  const auto array = read(".zarray");
  if (!array && !node.store_->size(node.key(".zgroup"))) return std::nullopt;
  if (const auto attributes = read(".zattrs")) {
    node.attributes_ = parse(*attributes, where + "/.zattrs");
  }
  if (array) node.layout_ = parse_zarr_layout(parse(*array, where + "/.zarray"), 2, where);
  return node;
}

const ZarrLayout& ZarrNode::layout() const {
  if (!layout_) fail(ErrorKind::BadFormat, "{}: is a group; expected an array", where());
  return *layout_;
}

std::string ZarrNode::where() const {
  return path_.empty() ? store_->name() : store_->name() + "/" + printable(path_);
}

std::optional<ZarrNode> ZarrNode::child(const std::string& name) const {
  return find(store_, key(name));
}

ZarrNode ZarrNode::get(const std::string& name) const {
  auto node = child(name);
  if (!node) fail(ErrorKind::BadFormat, "{}: has no {}", where(), printable(name));
  return std::move(*node);
}

std::vector<std::string> ZarrNode::names() const {
  std::vector<std::string> nodes;
  for (const std::string& name : store_->names(path_.empty() ? "" : path_ + "/")) {
    const std::string inner = key(name);
    for (const char* file : {"/zarr.json", "/.zgroup", "/.zarray"}) {
      if (!store_->size(inner + file)) continue;
      nodes.push_back(name);
      break;
    }
  }
  return nodes;
}

std::optional<std::string> ZarrNode::text_attribute(const std::string& name) const {
  const auto found = attributes_.find(name);
  if (found == attributes_.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

bool ZarrNode::flag_attribute(const std::string& name) const {
  const auto found = attributes_.find(name);
  return found != attributes_.end() && found->is_boolean() && found->get<bool>();
}

std::vector<std::string> ZarrNode::text_list_attribute(const std::string& name) const {
  std::vector<std::string> texts;
  const auto found = attributes_.find(name);
  if (found == attributes_.end() || !found->is_array()) return texts;
  for (const Json& text : *found) {
    if (text.is_string()) texts.push_back(text.get<std::string>());
  }
  return texts;
}

std::vector<std::int64_t> ZarrNode::integer_attribute(const std::string& name) const {
  std::vector<std::int64_t> numbers;
  const auto found = attributes_.find(name);
  if (found == attributes_.end() || !found->is_array()) return numbers;
  for (const Json& number : *found) {
    if (number.is_number_integer()) numbers.push_back(number.get<std::int64_t>());
  }
  return numbers;
}

}  // namespace saithe::io
