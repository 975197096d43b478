#include "saithe/classify/majority_vote.h"

#include <algorithm>
#include <map>

#include "saithe/classify/predict.h"
#include "saithe/core/error.h"
#include "saithe/core/text_io.h"

namespace saithe {
namespace {

/// Sorts "2" before "10", but only where all names are such numbers.
void sort_names(std::vector<std::string>& names) {
  std::int64_t number = 0;
  const bool are_numbers = std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return parse_number(name, number);
  });
  if (!are_numbers) return;  // a map's keys are sorted by name
  std::stable_sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
    std::int64_t number_a = 0;
    std::int64_t number_b = 0;
    parse_number(a, number_a);
    parse_number(b, number_b);
    return number_a < number_b;
  });
}

GroupVote vote_of(const TypesByGroup& types, std::size_t group, double min_proportion) {
  GroupVote vote;
  if (types.n_cells[group] == 0) return vote;
  std::int64_t most = 0;
  for (LabelIndex type = 0; type < types.n_types; ++type) {
    if (types.count(group, type) <= most) continue;
    most = types.count(group, type);
    vote.majority = type;
  }
  if (types.n_unassigned[group] > most) {
    most = types.n_unassigned[group];
    vote.majority = kNoLabel;
  }
  vote.share = static_cast<double>(most) / static_cast<double>(types.n_cells[group]);
  vote.is_heterogeneous = vote.share < min_proportion;
  return vote;
}

/// A name as one field of a table.
std::string field(std::string_view name) {
  return "\t" + printable(name);
}

std::string table(std::string_view title, const CellGroups& groups, const TypesByGroup& counted,
                  const LabelSet& types, const std::vector<GroupVote>* votes) {
  std::string text = printable(title) + "\tn_cells";
  if (votes != nullptr) text += "\tmajority\tshare";
  for (const std::string& name : types.names()) text += field(name);
  text += field(kUnassigned) + "\n";
  for (std::size_t group = 0; group < groups.n_groups(); ++group) {
    text += printable(groups.names[group]) + "\t" + std::to_string(counted.n_cells[group]);
    if (votes != nullptr) {
      const GroupVote& vote = (*votes)[group];
      text += field(vote_text(vote, types)) + "\t" + format_number(vote.share);
    }
    for (LabelIndex type = 0; type < counted.n_types; ++type) {
      text += "\t" + std::to_string(counted.count(group, type));
    }
    text += "\t" + std::to_string(counted.n_unassigned[group]) + "\n";
  }
  return text;
}

}  // namespace

CellGroups group_by_name(std::span<const std::string> names) {
  std::map<std::string_view, std::int32_t> index;
  for (const std::string& name : names) {
    if (!name.empty()) index.emplace(name, 0);
  }
  CellGroups groups;
  for (const auto& [name, unused] : index) groups.names.emplace_back(name);
  sort_names(groups.names);
  for (std::size_t i = 0; i < groups.names.size(); ++i) {
    index[groups.names[i]] = static_cast<std::int32_t>(i);
  }
  groups.group.reserve(names.size());
  for (const std::string& name : names) groups.group.push_back(name.empty() ? -1 : index[name]);
  return groups;
}

CellGroups group_by_number(std::span<const std::int32_t> clusters) {
  CellGroups groups;
  std::int32_t n_groups = 0;
  for (const std::int32_t cluster : clusters) {
    if (cluster < -1) {
      fail(ErrorKind::InvalidArgument,
           "majority vote: the cluster {} is neither -1 (none) nor a number from 0 up", cluster);
    }
    n_groups = std::max(n_groups, cluster + 1);
  }
  for (std::int32_t group = 0; group < n_groups; ++group) {
    groups.names.push_back(std::to_string(group));
  }
  groups.group.assign(clusters.begin(), clusters.end());
  return groups;
}

TypesByGroup count_types_by_group(const CellGroups& groups, std::span<const LabelIndex> labels,
                                  LabelIndex n_types) {
  if (groups.group.size() != labels.size()) {
    fail(ErrorKind::InvalidArgument, "types by group: {} cells have groups, {} have labels",
         groups.group.size(), labels.size());
  }
  TypesByGroup types;
  types.n_types = n_types;
  types.counts.resize(groups.n_groups() * as_size(n_types));
  types.n_unassigned.resize(groups.n_groups());
  types.n_cells.resize(groups.n_groups());
  for (std::size_t cell = 0; cell < labels.size(); ++cell) {
    if (groups.group[cell] < 0) continue;
    const auto group = as_size(groups.group[cell]);
    SAITHE_ASSERT(group < groups.n_groups() && labels[cell] < n_types);
    ++types.n_cells[group];
    if (labels[cell] == kNoLabel) {
      ++types.n_unassigned[group];
    } else {
      ++types.counts[group * as_size(n_types) + as_size(labels[cell])];
    }
  }
  return types;
}

MajorityVote majority_vote(const CellGroups& groups, std::span<const LabelIndex> labels,
                           LabelIndex n_types, double min_proportion) {
  if (!(min_proportion >= 0 && min_proportion <= 1)) {
    fail(ErrorKind::InvalidArgument, "--min-proportion: {} is not between 0 and 1", min_proportion);
  }
  MajorityVote vote;
  vote.types = count_types_by_group(groups, labels, n_types);
  for (std::size_t group = 0; group < groups.n_groups(); ++group) {
    vote.groups.push_back(vote_of(vote.types, group, min_proportion));
  }
  vote.labels.reserve(labels.size());
  for (const std::int32_t group : groups.group) {
    const bool has_vote = group >= 0 && !vote.groups[as_size(group)].is_heterogeneous;
    vote.labels.push_back(has_vote ? vote.groups[as_size(group)].majority : kNoLabel);
  }
  return vote;
}

std::string vote_text(const GroupVote& vote, const LabelSet& types) {
  if (vote.is_heterogeneous) return kHeterogeneous;
  return vote.majority == kNoLabel ? kUnassigned : types.name(vote.majority);
}

std::string types_by_group_tsv(std::string_view title, const CellGroups& groups,
                               const TypesByGroup& counted, const LabelSet& types) {
  return table(title, groups, counted, types, nullptr);
}

std::string majority_vote_tsv(std::string_view title, const CellGroups& groups,
                              const MajorityVote& vote, const LabelSet& types) {
  return table(title, groups, vote.types, types, &vote.groups);
}

}  // namespace saithe
