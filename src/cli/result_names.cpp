#include "result_names.h"

#include <algorithm>

#include "saithe/core/error.h"
#include "saithe/core/text_io.h"

namespace saithe::cli {

std::string require_key(const std::string& name) {
  // Names of AnnData's own, and of the files of a Zarr store.
  static constexpr std::string_view kReserved[] = {"_index",  ".zarray",    ".zattrs",
                                                   ".zgroup", ".zmetadata", "zarr.json"};
  std::string key = name;
  std::replace(key.begin(), key.end(), '/', '_');
  const bool is_key = key.find_first_not_of('.') != std::string::npos && !key.starts_with("__") &&
                      key == printable(key) &&
                      std::ranges::find(kReserved, key) == std::end(kReserved);
  if (is_key) return key;
  fail(ErrorKind::InvalidArgument,
       "--key-added '{}': is no name for a column: not empty, no dots alone, no control "
       "characters, not two underscores first, and none that AnnData or Zarr keep for themselves "
       "(_index, zarr.json)",
       printable(name));
}

ResultNames ResultNames::make(const NamingOptions& options) {
  ResultNames names;
  if (options.celltypist_names && !options.key_added.empty()) {
    fail(ErrorKind::InvalidArgument, "--celltypist-names and --key-added exclude each other");
  }
  if (options.celltypist_names) {
    return {"predicted_labels", "conf_score", "over_clustering", "majority_voting",
            "saithe_predicted_labels"};
  }
  if (options.key_added.empty()) return names;
  const std::string key = require_key(options.key_added);
  if (key == names.label) return names;
  return {key, key + "_confidence", key + "_cluster", key + "_majority", "saithe_" + key};
}

TableHeads TableHeads::make(const NamingOptions& options) {
  if (!options.key_added.empty()) {
    fail(ErrorKind::InvalidArgument,
         "--key-added names columns of an h5ad or Zarr store; the heads of a table do not change "
         "with it");
  }
  if (!options.celltypist_names) return {};
  return {"predicted_labels", "conf_score", "over_clustering", "majority_voting"};
}

}  // namespace saithe::cli
