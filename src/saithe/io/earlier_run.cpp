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

void add_stale(StaleNames& stale, const std::string& path, const FileOfEarlierRun& file) {
  const std::size_t slash = path.find('/');
  if (slash == std::string::npos) return;
  const std::string place = path.substr(0, slash);
  const std::string name = path.substr(slash + 1);
  const std::size_t inner = name.find('/');
  const bool is_nested = place == "uns" && inner != std::string::npos;
  if (!is_name(name.substr(0, is_nested ? inner : name.size())) ||
      (is_nested && !is_name(name.substr(inner + 1))) || !file.has(path)) {
    return;
  }
  if (place == "obs" && name != file.index && name != kLevelsOfCategories) {
    stale.obs.push_back(name);
  } else if (place == "obsm") {
    stale.obsm.push_back(name);
  } else if (place == "uns") {
    stale.uns.push_back(name);
  }
}

}  // namespace

std::vector<std::string> StaleNames::paths() const {
  std::vector<std::string> paths;
  for (const std::string& name : obs) paths.push_back("obs/" + name);
  for (const std::string& name : obsm) paths.push_back("obsm/" + name);
  for (const std::string& name : uns) paths.push_back("uns/" + name);
  return paths;
}

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
      if (!written.contains(path)) add_stale(stale, path, file);
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
      if (!written.contains(path)) add_stale(stale, path, file);
    }
  }
  for (const std::string& entry : run.unlisted_uns) {
    const std::string path = "uns/" + entry;
    if (!written.contains(path) && file.has(path)) stale.uns.push_back(entry);
  }
  return stale;
}

}  // namespace saithe::io
