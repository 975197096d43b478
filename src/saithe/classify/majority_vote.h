#pragma once

// One type for all cells of a cluster, beside the cells' own: the majority vote of CellTypist
// (Dominguez Conde et al. 2022, doi:10.1126/science.abl5197). Where clusters come from is not known
// here; donors and other groups are counted in the same way.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "saithe/data/label_set.h"

namespace saithe {

/// The group (cluster, donor) that each cell is in.
struct CellGroups {
  std::vector<std::int32_t> group;  ///< of each cell: an index of names, or -1 for none
  std::vector<std::string> names;

  [[nodiscard]] std::size_t n_groups() const { return names.size(); }
};

/// Groups from one name a cell, empty for none; sorted by name, whole numbers by value.
CellGroups group_by_name(std::span<const std::string> names);

/// Groups 0, 1, ... from one number a cell, -1 for none. Throws Error(InvalidArgument) below -1.
CellGroups group_by_number(std::span<const std::int32_t> clusters);

/// How many cells of each type a group has. A cell without group is counted nowhere.
struct TypesByGroup {
  LabelIndex n_types = 0;
  std::vector<std::int64_t> counts;        ///< (n_groups, n_types)
  std::vector<std::int64_t> n_unassigned;  ///< (n_groups): cells without label
  std::vector<std::int64_t> n_cells;       ///< (n_groups)

  [[nodiscard]] std::int64_t count(std::size_t group, LabelIndex type) const {
    return counts[group * as_size(n_types) + as_size(type)];
  }
};

/// Counts the labels, kNoLabel as unassigned, of each group. Throws Error(InvalidArgument) unless
/// labels and groups have one entry a cell.
TypesByGroup count_types_by_group(const CellGroups& groups, std::span<const LabelIndex> labels,
                                  LabelIndex n_types);

/// The vote of one group.
struct GroupVote {
  LabelIndex majority = kNoLabel;  ///< kNoLabel: more cells are unassigned than of any type
  double share = 0;                ///< of the group's cells, unassigned ones included
  bool is_heterogeneous = false;   ///< the share is below min_proportion: no type is voted
};

/// The votes of all groups.
struct MajorityVote {
  TypesByGroup types;
  std::vector<GroupVote> groups;   ///< (n_groups)
  std::vector<LabelIndex> labels;  ///< of each cell: its group's vote; kNoLabel without one
};

/// Each group votes for the type of most of its cells, the first of equal ones; unassigned counts
/// as a type that loses ties, so that cells unlike the reference are not outvoted by a few. A
/// majority with less than `min_proportion` of the group's cells is heterogeneous. A cell without
/// group neither votes nor gets a vote. The labels themselves are not changed. Throws
/// Error(InvalidArgument) unless 0 <= min_proportion <= 1, and as count_types_by_group().
MajorityVote majority_vote(const CellGroups& groups, std::span<const LabelIndex> labels,
                           LabelIndex n_types, double min_proportion);

/// A group's vote in words: a type, kHeterogeneous or "unassigned".
std::string vote_text(const GroupVote& vote, const LabelSet& types);

/// A table with a line for each group: its name under the header `title`, n_cells, one column for
/// each type, unassigned.
std::string types_by_group_tsv(std::string_view title, const CellGroups& groups,
                               const TypesByGroup& counted, const LabelSet& types);

/// The same with majority and share after n_cells.
std::string majority_vote_tsv(std::string_view title, const CellGroups& groups,
                              const MajorityVote& vote, const LabelSet& types);

}  // namespace saithe
