#include "saithe/io/earlier_run.h"

#include <algorithm>
#include <set>

#include "saithe/io/hdf5_writer.h"

namespace saithe::io {
namespace {

/// "obs/louvain" of everything that a run writes; of uns the entries that it replaces as a whole.
std::set<std::string> written_paths(const Annotations& annotations) {
  std::set<std::string> paths;
  for (const auto& [name, column] : annotations.obs) paths.insert("obs/" + as_key(name));
  for (const auto& [name, matrix] : annotations.obsm) paths.insert("obsm/" + as_key(name));
  for (const auto& [path, value] : annotations.uns) paths.insert("uns/" + uns_entry(path));
  return paths;
}

/// A list may hold anything, and parts of its paths become names of files.
bool is_name(const std::string& text) {
  return text.find_first_not_of('.') != std::string::npos && text.find('/') == std::string::npos;
}

void add_stale(StaleNames& stale, const std::string& path, const std::string& index) {
  const std::size_t slash = path.find('/');
  if (slash == std::string::npos) return;
  const std::string place = path.substr(0, slash);
  const std::string name = path.substr(slash + 1);
  const std::size_t inner = name.find('/');
  if (place == "obs" && is_name(name) && name != index && name != kLevelsOfCategories) {
    stale.obs.push_back(name);
  } else if (place == "obsm" && is_name(name)) {
    stale.obsm.push_back(name);
  } else if (place == "uns" && is_name(name.substr(0, inner)) &&
             (inner == std::string::npos || is_name(name.substr(inner + 1)))) {
    stale.uns.push_back(name);
  }
}

}  // namespace

StaleNames stale_names(const Annotations& annotations, const FileOfEarlierRun& file) {
  const Annotations::EarlierRun& run = annotations.of_earlier_run;
  // The first column is what the others belong to.
  if (annotations.obs.empty() || run.list.empty() ||
      !file.has("obs/" + as_key(annotations.obs.front().first))) {
    return {};
  }
  const std::set<std::string> written = written_paths(annotations);
  StaleNames stale;
  if (file.has("uns/" + run.list)) {
    for (const std::string& path : file.read_list("uns/" + run.list)) {
      if (!written.contains(path)) add_stale(stale, path, file.index);
    }
    return stale;
  }
  if (!file.has("uns/" + run.record)) return {};
  for (const auto& group : run.unlisted_obs) {
    const bool has_all = std::all_of(group.begin(), group.end(), [&](const std::string& name) {
      return file.has("obs/" + as_key(name));
    });
    if (!has_all) continue;
    for (const std::string& name : group) {
      const std::string path = "obs/" + as_key(name);
      if (!written.contains(path)) add_stale(stale, path, file.index);
    }
  }
  for (const std::string& entry : run.unlisted_uns) {
    if (!written.contains("uns/" + entry)) stale.uns.push_back(entry);
  }
  return stale;
}

}  // namespace saithe::io
