#pragma once

// What an earlier run of saithe left in a file that a new one, which replaces its labels, does not
// write itself: a vote or terms of other labels would contradict the new ones. Private to io/.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "saithe/io/write_h5ad.h"

namespace saithe::io {

/// Keys of obs and obsm, entries of uns ("saithe/ontology").
struct StaleNames {
  std::vector<std::string> obs;
  std::vector<std::string> obsm;
  std::vector<std::string> uns;

  /// "obs/louvain"
  [[nodiscard]] std::vector<std::string> paths() const;
};

/// What is asked of a file.
struct FileOfEarlierRun {
  std::function<bool(const std::string& path)> has;  ///< "uns/saithe/version"
  /// The list that the run left of what it added; empty if what is there is no list of texts.
  std::function<std::vector<std::string>(const std::string& path)> read_list;
  std::string index;  ///< the name of the index of obs, which is never stale
};

/// What is to be removed where `annotations` replace the labels of an earlier run: what that run
/// lists, these do not write and the file still has. Nothing else is saithe's, whatever its name.
StaleNames stale_names(const Annotations& annotations, const FileOfEarlierRun& file);

}  // namespace saithe::io
