#include "saithe/io/zarr_consolidated.h"

#include <algorithm>
#include <tuple>

#include "saithe/core/text_io.h"
#include "saithe/io/zarr_metadata.h"

namespace saithe::io {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kNode = "zarr.json";
constexpr const char* kInNode = "consolidated_metadata";

/// zarr-python takes the nodes of one group for all of them only where they stand in a row.
std::vector<std::string> keys_by_depth(const Json& nodes) {
  std::vector<std::string> keys;
  for (const auto& [key, node] : nodes.items()) keys.push_back(key);
  std::sort(keys.begin(), keys.end(), [](const std::string& a, const std::string& b) {
    const auto depth = [](const std::string& key) {
      return std::count(key.begin(), key.end(), '/');
    };
    const auto group = [](const std::string& key) { return key.substr(0, key.rfind('/') + 1); };
    return std::tuple(depth(a), group(a), a) < std::tuple(depth(b), group(b), b);
  });
  return keys;
}

}  // namespace

const char* consolidated_file(int version) {
  return version == 3 ? kNode : ".zmetadata";
}

bool has_consolidated(const Json& file, int version) {
  return version == 2 || (file.contains(kInNode) && file[kInNode].is_object());
}

Json without_consolidated(Json file) {
  file.erase(kInNode);
  return file;
}

std::optional<fs::path> consolidated_above(const fs::path& folder) {
  for (fs::path above = folder.parent_path(); above != above.parent_path();
       above = above.parent_path()) {
    const std::string key = folder.lexically_relative(above).string();
    for (const int version : {2, 3}) {
      const fs::path file = above / consolidated_file(version);
      if (!fs::is_regular_file(file)) continue;
      const Json json = Json::parse(read_file(file, kMaxMetadataBytes), nullptr, false);
      const Json::json_pointer known(version == 3 ? "/consolidated_metadata/metadata"
                                                  : "/metadata");
      if (!json.is_object() || !json.contains(known) || !json.at(known).is_object()) continue;
      if (json.at(known).contains(version == 3 ? key : key + "/.zgroup")) return above;
    }
  }
  return std::nullopt;
}

bool is_consolidated(const Json& file, int version, const std::string& key) {
  const Json& known = (version == 3 ? file.at(kInNode) : file).at("metadata");
  return known.contains(version == 3 ? key.substr(0, key.rfind('/')) : key);
}

Json update_consolidated(Json file, int version, const std::vector<std::string>& removed,
                         const std::map<std::string, Json>& changed) {
  Json& known = (version == 3 ? file[kInNode] : file)["metadata"];
  const auto is_removed = [&](const std::string& key) {
    return std::any_of(removed.begin(), removed.end(), [&](const std::string& path) {
      return key == path || key.starts_with(path + "/");
    });
  };
  Json kept = Json::object();
  for (const auto& [key, node] : known.items()) {
    if (!is_removed(key)) kept[key] = node;
  }
  for (const auto& [key, node] : changed) {
    if (version == 2) {
      kept[key] = node;
    } else if (key != kNode) {
      Json& entry = kept[key.substr(0, key.rfind('/'))] = node;
      // zarr-python wants each group to say that what is in it stands beside it.
      if (node["node_type"] == "group") {
        entry[kInNode] = {
            {"kind", "inline"}, {"must_understand", false}, {"metadata", Json::object()}};
      }
    }
  }
  known = Json::object();
  for (const std::string& key : keys_by_depth(kept)) known[key] = std::move(kept[key]);
  return file;
}

}  // namespace saithe::io
