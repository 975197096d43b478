#pragma once

// What results are called where they are written: all names of one run begin alike.

#include <string>

namespace saithe::cli {

struct NamingOptions {
  std::string key_added;
  bool celltypist_names = false;

  template <typename Visitor>
  static void describe(Visitor& visit, NamingOptions& options) {
    visit("key-added", options.key_added,
          "h5ad: name of the new obs column, with which all other new names begin (default "
          "predicted_cell_type)");
    visit("celltypist-names", options.celltypist_names,
          "CellTypist's names: predicted_labels, conf_score, over_clustering, majority_voting");
  }
};

/// The names in an h5ad.
struct ResultNames {
  std::string label = "predicted_cell_type";  ///< obs; with it begin those that have no own name
  std::string confidence = "predicted_cell_type_confidence";
  std::string cluster = "predicted_cell_type_cluster";
  std::string majority = "predicted_cell_type_majority";
  std::string uns = "saithe";  ///< the dict of types, parameters and version

  /// Throws Error(InvalidArgument) on a name that an h5ad cannot have, and on both options.
  static ResultNames make(const NamingOptions& options);
  /// "LABEL_SUFFIX".
  [[nodiscard]] std::string of(const std::string& suffix) const { return label + "_" + suffix; }
};

/// The heads of a table's columns.
struct TableHeads {
  std::string label = "predicted";
  std::string confidence = "confidence";
  std::string cluster = "cluster";
  std::string majority = "majority";

  /// Throws Error(InvalidArgument) on --key-added, which names nothing in a table.
  static TableHeads make(const NamingOptions& options);
};

/// `name` as a key of an h5ad: a '/' is replaced by '_'. Throws Error(InvalidArgument) on a name
/// that AnnData or CELLxGENE refuse: empty, a dot, two underscores first, control characters.
std::string require_key(const std::string& name);

}  // namespace saithe::cli
