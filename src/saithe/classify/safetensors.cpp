#include "saithe/classify/safetensors.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <tuple>

#include "saithe/classify/strict_json.h"
#include "saithe/core/text_io.h"
#include "saithe/core/types.h"

namespace saithe {
namespace {

constexpr auto kMaxSize = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

TensorInfo read_tensor(const std::string& name, const nlohmann::json& json,
                       const std::string& where) {
  const JsonObject object(json, where, {"dtype", "shape", "data_offsets"});
  TensorInfo tensor;
  tensor.name = name;
  tensor.dtype = object.text("dtype");
  const std::int64_t element_bytes = dtype_bytes(tensor.dtype);
  if (element_bytes == 0) {
    fail(ErrorKind::BadFormat, "{}: dtype '{}'; expected F32 or F64", where,
         printable(tensor.dtype));
  }
  const auto offsets = object.counts("data_offsets", kMaxSize);
  if (offsets.size() != 2 || offsets[0] > offsets[1]) {
    fail(ErrorKind::BadFormat, "{}: data_offsets is not a range [begin, end]", where);
  }
  tensor.begin = static_cast<std::int64_t>(offsets[0]);
  tensor.end = static_cast<std::int64_t>(offsets[1]);
  std::int64_t n_bytes = element_bytes;
  for (const std::uint64_t size : object.counts("shape", kMaxSize)) {
    tensor.shape.push_back(static_cast<std::int64_t>(size));
    n_bytes = checked_multiply(n_bytes, tensor.shape.back(), where.c_str());
  }
  if (n_bytes != tensor.end - tensor.begin) {
    fail(ErrorKind::BadFormat, "{}: {} bytes at [{}, {}), but its shape takes {}", where,
         tensor.end - tensor.begin, tensor.begin, tensor.end, n_bytes);
  }
  return tensor;
}

void require_full_cover(std::vector<TensorInfo>& tensors, std::int64_t n_buffer_bytes,
                        const std::string& where) {
  std::sort(tensors.begin(), tensors.end(), [](const TensorInfo& a, const TensorInfo& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  std::int64_t covered = 0;
  for (const TensorInfo& tensor : tensors) {
    if (tensor.begin != covered) {
      fail(ErrorKind::BadFormat, "{}: tensor '{}' begins at byte {} where {} was expected", where,
           printable(tensor.name), tensor.begin, covered);
    }
    covered = tensor.end;
  }
  if (covered > n_buffer_bytes) {
    fail(ErrorKind::BadFormat,
         "{}: the tensors take {} bytes, but {} follow the header; the file is truncated", where,
         covered, n_buffer_bytes);
  }
  if (covered < n_buffer_bytes) {
    fail(ErrorKind::BadFormat, "{}: {} bytes after the last tensor belong to none", where,
         n_buffer_bytes - covered);
  }
}

}  // namespace

std::int64_t dtype_bytes(std::string_view dtype) {
  if (dtype == "F32") return 4;
  if (dtype == "F64") return 8;
  return 0;
}

std::string format_safetensors_header(
    const std::vector<std::pair<std::string, std::string>>& metadata,
    const std::vector<TensorInfo>& tensors) {
  nlohmann::ordered_json header;
  header["__metadata__"] = nlohmann::ordered_json::object();
  for (const auto& [key, value] : metadata) header["__metadata__"][key] = value;
  for (const TensorInfo& tensor : tensors) {
    header[tensor.name] = {{"dtype", tensor.dtype},
                           {"shape", tensor.shape},
                           {"data_offsets", {tensor.begin, tensor.end}}};
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

SafetensorsHeader parse_safetensors_header(std::string_view json, std::int64_t n_buffer_bytes,
                                           const std::string& where) {
  if (json.empty() || json.front() != '{') {
    fail(ErrorKind::BadFormat, "{}: the header does not begin with '{{'", where);
  }
  const auto root = parse_strict_json(json, {}, where + ": header");
  SafetensorsHeader header;
  for (const auto& [name, value] : root.items()) {
    if (name != "__metadata__") {
      header.tensors.push_back(
          read_tensor(name, value, where + ": tensor '" + printable(name) + "'"));
      continue;
    }
    if (!value.is_object()) fail(ErrorKind::BadFormat, "{}: __metadata__ is no object", where);
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) {
        fail(ErrorKind::BadFormat, "{}: __metadata__ '{}' is not a text", where, printable(key));
      }
      header.metadata[key] = text.get<std::string>();
    }
  }
  require_full_cover(header.tensors, n_buffer_bytes, where);
  return header;
}

}  // namespace saithe
