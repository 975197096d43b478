#pragma once

// Cell-type names and their indices.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saithe/core/types.h"
#include "saithe/matrix/dense_matrix.h"

namespace saithe {

/// The word for a cell that gets no label.
inline constexpr const char* kUnassigned = "unassigned";
/// The word for the cells of a cluster whose majority is too small.
inline constexpr const char* kHeterogeneous = "heterogeneous";

/// Whether a label names a type. An empty one does not, nor do the two words above, which stand in
/// the place of a type: learned as types they could not be told from them. Capitals do not matter.
bool is_label(std::string_view label);

/// The cell types of a reference, sorted by name.
class LabelSet {
 public:
  LabelSet() = default;
  /// Throws Error(Internal) unless the names are sorted and distinct.
  explicit LabelSet(std::vector<std::string> names);
  /// The sorted distinct names; empty names are no label.
  static LabelSet from_names(std::span<const std::string> names);

  [[nodiscard]] LabelIndex n_types() const { return static_cast<LabelIndex>(names_.size()); }
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  [[nodiscard]] const std::string& name(LabelIndex label) const { return names_[as_size(label)]; }
  /// The index of a name, or kNoLabel.
  [[nodiscard]] LabelIndex find(std::string_view name) const;
  /// The index of each name, kNoLabel where the set lacks it.
  [[nodiscard]] std::vector<LabelIndex> encode(std::span<const std::string> names) const;

 private:
  std::vector<std::string> names_;
};

/// Targets as the rows of an identity matrix: (n_cells, n_types), one 1 a row.
/// Throws Error(InvalidArgument) on a label outside the types.
DenseMatrix one_hot(std::span<const LabelIndex> labels, LabelIndex n_types);

/// Number of cells of each type; kNoLabel is not counted.
std::vector<std::int64_t> count_labels(std::span<const LabelIndex> labels, LabelIndex n_types);

}  // namespace saithe
