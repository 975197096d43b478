#pragma once

// Models of CellTypist (https://github.com/Teichlab/celltypist): what their pickles hold, without
// running anything of these (pickle.h). celltypist_predict.h labels cells with them.

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "saithe/core/types.h"

namespace saithe {

/// A logistic classifier, one type against the rest, on scaled log-expression.
struct CellTypistModel {
  std::vector<std::string> cell_types;  ///< two or more; numbers come as decimal text
  std::vector<std::string> genes;       ///< unique
  /// (n_types, n_genes), row by row. CellTypist keeps one row for two types, which is the second
  /// type's; here both have theirs, the first the negative.
  std::vector<double> coefficients;
  std::vector<double> intercepts;  ///< n_types
  std::vector<double> mean;        ///< n_genes; zeros without with_mean
  std::vector<double> scale;       ///< n_genes, above 0
  bool with_mean = true;           ///< whether the mean is subtracted before scaling
  std::string classifier;          ///< scikit-learn's class: "LogisticRegression", "SGDClassifier"
  std::string sklearn_version;     ///< that wrote it; empty where unknown
  /// What the makers say: date, details, url, source, version, number_celltypes. Texts and numbers
  /// as text; None is empty, and of anything else only its kind is told, "(a list)".
  std::vector<std::pair<std::string, std::string>> description;

  [[nodiscard]] LabelIndex n_types() const { return static_cast<LabelIndex>(cell_types.size()); }
  [[nodiscard]] GeneIndex n_genes() const { return static_cast<GeneIndex>(genes.size()); }
};

/// Reads a model as celltypist.models.Model.write() leaves it, of any version of CellTypist,
/// scikit-learn and NumPy under Python 3. Throws Error(NotFound), or Error(BadFormat) if anything
/// in it does not fit or asks for more than a model needs.
CellTypistModel load_celltypist_model(const std::filesystem::path& path);

/// Likewise from the file's bytes; messages begin with `where`.
CellTypistModel parse_celltypist_model(std::string bytes, const std::string& where);

}  // namespace saithe
