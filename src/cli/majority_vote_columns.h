#pragma once

// --majority-vote: the clusters that vote, and the columns and tables of their votes.

#include <span>
#include <string>
#include <vector>

#include "result_names.h"
#include "saithe/classify/majority_vote.h"
#include "saithe/data/table.h"
#include "saithe/embed/cluster_cells.h"
#include "saithe/io/write_h5ad.h"

namespace saithe::cli {

/// Who votes, and when a vote counts. LeidenOptions stands beside it.
struct MajorityVoteOptions {
  std::string majority_vote;  ///< empty: no vote
  double min_proportion = 0;

  template <typename Visitor>
  static void describe(Visitor& visit, MajorityVoteOptions& options) {
    visit("majority-vote", options.majority_vote,
          "add the majority's type of each cluster: an obs column, or leiden to find clusters "
          "(obs:leiden is the column of that name)");
    visit("min-proportion", options.min_proportion,
          "smaller majorities of a cluster are heterogeneous");
  }
  /// Those of LeidenOptions are named here, which knows nothing of votes.
  template <typename Visitor>
  static void needs(Visitor& need, const MajorityVoteOptions& options) {
    need({"min-proportion"}, options.is_on(), "without a vote: add --majority-vote");
    need({"resolution", "cluster-neighbors"}, options.finds_clusters(),
         "where no clusters are found: add --majority-vote leiden");
  }
  [[nodiscard]] bool is_on() const { return !majority_vote.empty(); }
  /// Whether clusters are found, so that an embedding is needed.
  [[nodiscard]] bool finds_clusters() const { return majority_vote == "leiden"; }
};

/// Throws Error(InvalidArgument) on a minimum outside 0 to 1 or a column that obs lacks; called
/// before anything is computed. Warns where leiden is also a column of obs, and of a column that
/// has few cells with the same entry.
void require_majority_vote(const MajorityVoteOptions& options, const Table& obs,
                           const Context& context);

/// The groups that an obs column names, cells with a missing entry in none. "obs:NAME" is the
/// column NAME. Throws Error(InvalidArgument), listing the columns, if obs lacks it.
CellGroups groups_of_column(const Table& obs, const std::string& column, const std::string& option);

/// The clusters of `embedding` (n_cells, n_dims), or the groups of the obs column that the options
/// name. Where `has_counts` is false there is nothing to cluster by: such cells are in no group,
/// and so stay unassigned. The embedding may be empty unless finds_clusters().
/// Throws as cluster_cells().
CellGroups groups_that_vote(const MajorityVoteOptions& options, const LeidenOptions& clustering,
                            const Table& obs, DenseView embedding,
                            const std::vector<bool>& has_counts, const Context& context);

/// One entry per cell of some that follow one another.
struct VoteColumns {
  std::vector<std::string> cluster;   ///< empty: none
  std::vector<std::string> majority;  ///< a type, "heterogeneous" or "unassigned"
  std::vector<double> share;          ///< of the cluster's cells; 0 without cluster
};

/// The columns of a vote for the cells [begin, end), for a table of cells.
VoteColumns vote_columns(const CellGroups& groups, const MajorityVote& vote, const LabelSet& types,
                         CellIndex begin, CellIndex end);

/// The columns of a vote as obs: cluster, majority and its share. The levels of the majority are
/// the types that were voted, in the model's order, then heterogeneous and unassigned; those of the
/// cluster are the clusters that have cells.
void add_vote_columns(Annotations& annotations, const CellGroups& groups, const MajorityVote& vote,
                      const LabelSet& types, const ResultNames& names);

}  // namespace saithe::cli
