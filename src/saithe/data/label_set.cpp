#include "saithe/data/label_set.h"

#include <algorithm>
#include <set>

#include "saithe/core/text_io.h"

namespace saithe {

bool is_label(std::string_view label) {
  const std::string word = lower(label);
  return !word.empty() && word != kUnassigned && word != kHeterogeneous;
}

LabelSet::LabelSet(std::vector<std::string> names) : names_(std::move(names)) {
  SAITHE_ASSERT(std::adjacent_find(names_.begin(), names_.end(), std::greater_equal<>()) ==
                names_.end());
}

LabelSet LabelSet::from_names(std::span<const std::string> names) {
  std::set<std::string> distinct(names.begin(), names.end());
  distinct.erase("");
  return LabelSet(std::vector<std::string>(distinct.begin(), distinct.end()));
}

LabelIndex LabelSet::find(std::string_view name) const {
  const auto found = std::lower_bound(names_.begin(), names_.end(), name);
  if (found == names_.end() || *found != name) return kNoLabel;
  return static_cast<LabelIndex>(found - names_.begin());
}

std::vector<LabelIndex> LabelSet::encode(std::span<const std::string> names) const {
  std::vector<LabelIndex> labels;
  labels.reserve(names.size());
  for (const std::string& name : names) labels.push_back(find(name));
  return labels;
}

DenseMatrix one_hot(std::span<const LabelIndex> labels, LabelIndex n_types) {
  DenseMatrix targets(static_cast<std::int64_t>(labels.size()), n_types);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0 || labels[i] >= n_types) {
      fail(ErrorKind::InvalidArgument, "one_hot: label {} of cell {} is not in 0 to {}", labels[i],
           i, n_types - 1);
    }
    targets(static_cast<std::int64_t>(i), labels[i]) = 1.0F;
  }
  return targets;
}

std::vector<std::int64_t> count_labels(std::span<const LabelIndex> labels, LabelIndex n_types) {
  std::vector<std::int64_t> counts(as_size(n_types));
  for (const LabelIndex label : labels) {
    if (label != kNoLabel) ++counts[as_size(label)];
  }
  return counts;
}

}  // namespace saithe
