#include "majority_vote_columns.h"

#include <algorithm>
#include <map>
#include <set>

#include "saithe/classify/predict.h"
#include "saithe/core/text_io.h"

namespace saithe::cli {
namespace {

constexpr const char* kObsPrefix = "obs:";

std::string column_name(const std::string& given) {
  return given.starts_with(kObsPrefix) ? given.substr(std::string(kObsPrefix).size()) : given;
}

/// Clusters of the cells that have counts; -1 for the others.
CellGroups find_clusters(const LeidenOptions& clustering, DenseView embedding,
                         const std::vector<bool>& has_counts, const Context& context) {
  std::vector<CellIndex> cells;
  for (std::size_t cell = 0; cell < has_counts.size(); ++cell) {
    if (has_counts[cell]) cells.push_back(static_cast<CellIndex>(cell));
  }
  std::vector<std::int32_t> of_cells;
  if (cells.size() == has_counts.size()) {
    of_cells = cluster_cells(embedding, clustering, context);
  } else {
    const DenseMatrix selected = select_rows(embedding, cells);
    of_cells = cluster_cells(selected.view(), clustering, context);
  }
  std::vector<std::int32_t> clusters(has_counts.size(), -1);
  for (std::size_t i = 0; i < cells.size(); ++i) clusters[as_size(cells[i])] = of_cells[i];
  return group_by_number(clusters);
}

/// The same column with the levels that occur, in their order.
CategoryColumn with_used_levels(const CategoryColumn& column) {
  std::vector<std::int32_t> new_code(column.levels.size(), -1);
  for (const std::int32_t code : column.codes) {
    if (code >= 0) new_code[as_size(code)] = 0;
  }
  CategoryColumn used;
  for (std::size_t level = 0; level < column.levels.size(); ++level) {
    if (new_code[level] < 0) continue;
    new_code[level] = static_cast<std::int32_t>(used.levels.size());
    used.levels.push_back(column.levels[level]);
  }
  for (const std::int32_t code : column.codes) {
    used.codes.push_back(code < 0 ? -1 : new_code[as_size(code)]);
  }
  return used;
}

}  // namespace

void require_majority_vote(const MajorityVoteOptions& options, const Table& obs,
                           const Context& context) {
  if (!options.is_on()) return;
  if (!(options.min_proportion >= 0 && options.min_proportion <= 1)) {
    fail(ErrorKind::InvalidArgument, "--min-proportion: {} is not between 0 and 1",
         options.min_proportion);
  }
  if (!options.finds_clusters()) {
    const CellGroups groups = groups_of_column(obs, options.majority_vote, "majority-vote");
    if (groups.n_groups() == 0 && obs.n_rows() > 0) {
      context.warn(
          fmt::format("--majority-vote {}: the column has no entry for any cell, so there "
                      "is no cluster and no vote",
                      options.majority_vote));
    }
    if (groups.n_groups() > 1 && 2 * groups.n_groups() > groups.group.size()) {
      context.warn(
          fmt::format("--majority-vote {}: {} cells have {} different entries; most votes "
                      "are of one cell",
                      options.majority_vote, groups.group.size(), groups.n_groups()));
    }
  } else if (obs.has(options.majority_vote)) {
    context.warn(
        "--majority-vote leiden finds clusters anew; obs has a column of that name, which "
        "--majority-vote obs:leiden would take");
  }
}

CellGroups groups_of_column(const Table& obs, const std::string& column,
                            const std::string& option) {
  const std::string name = column_name(column);
  if (!obs.has(name)) {
    const std::string names = obs.column_names();
    fail(ErrorKind::InvalidArgument, "--{}: the query's obs has no column '{}'; it has: {}", option,
         printable(name), names.empty() ? "none" : printable(names));
  }
  return group_by_name(obs.as_text(name));
}

CellGroups groups_that_vote(const MajorityVoteOptions& options, const LeidenOptions& clustering,
                            const Table& obs, DenseView embedding,
                            const std::vector<bool>& has_counts, const Context& context) {
  SAITHE_ASSERT(options.is_on() && has_counts.size() == as_size(obs.n_rows()));
  if (!options.finds_clusters()) {
    CellGroups groups = groups_of_column(obs, options.majority_vote, "majority-vote");
    for (std::size_t cell = 0; cell < has_counts.size(); ++cell) {
      if (!has_counts[cell]) groups.group[cell] = -1;
    }
    return groups;
  }
  if (obs.n_rows() == 0) return {};
  SAITHE_ASSERT(embedding.n_cols > 0 && embedding.n_rows == obs.n_rows());
  return find_clusters(clustering, embedding, has_counts, context);
}

VoteColumns vote_columns(const CellGroups& groups, const MajorityVote& vote, const LabelSet& types,
                         CellIndex begin, CellIndex end) {
  VoteColumns columns;
  for (const std::int32_t group :
       std::span(groups.group).subspan(as_size(begin), as_size(end - begin))) {
    const bool has_group = group >= 0;
    columns.cluster.push_back(has_group ? printable(groups.names[as_size(group)]) : "");
    columns.majority.push_back(has_group ? vote_text(vote.groups[as_size(group)], types)
                                         : kUnassigned);
    columns.share.push_back(has_group ? vote.groups[as_size(group)].share : 0);
  }
  return columns;
}

void add_vote_columns(Annotations& annotations, const CellGroups& groups, const MajorityVote& vote,
                      const LabelSet& types, const ResultNames& names) {
  std::vector<std::string> of_group;
  for (const GroupVote& group : vote.groups) of_group.push_back(vote_text(group, types));
  std::set<std::string> voted(of_group.begin(), of_group.end());
  if (std::find(groups.group.begin(), groups.group.end(), -1) != groups.group.end()) {
    voted.insert(kUnassigned);
  }
  std::vector<std::string> words = types.names();
  words.emplace_back(kHeterogeneous);
  words.emplace_back(kUnassigned);
  CategoryColumn majority;
  std::map<std::string, std::int32_t> level;
  for (const std::string& word : words) {
    // A model may have a type of that name: one level serves both.
    if (!voted.contains(word) || level.contains(word)) continue;
    level[word] = static_cast<std::int32_t>(majority.levels.size());
    majority.levels.push_back(word);
  }
  for (const std::int32_t group : groups.group) {
    majority.codes.push_back(level.at(group < 0 ? kUnassigned : of_group[as_size(group)]));
  }
  std::vector<double> share = vote_columns(groups, vote, types, 0, std::ssize(groups.group)).share;
  annotations.obs.emplace_back(names.cluster, with_used_levels({groups.group, groups.names}));
  annotations.obs.emplace_back(names.majority, std::move(majority));
  annotations.obs.emplace_back(names.of("majority_share"),
                               NumberColumn{std::move(share), NumberColumn::Kind::Float32});
}

}  // namespace saithe::cli
