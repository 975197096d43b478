#pragma once

// Consolidated metadata: the copy of all nodes' metadata that a Zarr store keeps at its root.
// Private to io/.

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace saithe::io {

/// The file that holds them: .zmetadata in version 2, the root's own zarr.json in version 3.
const char* consolidated_file(int version);

/// Whether the content of that file has them (a zarr.json need not).
bool has_consolidated(const nlohmann::ordered_json& file, int version);

/// A zarr.json without them.
nlohmann::ordered_json without_consolidated(nlohmann::ordered_json file);

/// The store around a folder whose consolidated metadata have that folder's, as SpatialData keeps
/// them of its tables; nothing if there is none.
std::optional<std::filesystem::path> consolidated_above(const std::filesystem::path& folder);

/// Whether they have a metadata file, by its key ("obs/.zattrs").
bool is_consolidated(const nlohmann::ordered_json& file, int version, const std::string& key);

/// That file without the nodes that are removed ("obs/louvain", with what is in them) and with the
/// metadata files (by their keys, "obs/louvain/.zattrs") that are new or changed.
nlohmann::ordered_json update_consolidated(
    nlohmann::ordered_json file, int version, const std::vector<std::string>& removed,
    const std::map<std::string, nlohmann::ordered_json>& changed);

}  // namespace saithe::io
