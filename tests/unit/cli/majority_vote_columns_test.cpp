// --majority-vote from obs or clusters to columns.

#include "majority_vote_columns.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "saithe/core/error.h"
#include "saithe/core/option_text.h"
#include "support/random_points.h"

namespace saithe::cli {
namespace {

constexpr LabelIndex kNone = kNoLabel;
const LabelSet kTypes({"B", "NK", "T"});

Table obs_of(std::int64_t n_cells) {
  std::vector<std::string> barcodes;
  NumberColumn sample;
  sample.kind = NumberColumn::Kind::Integer;
  for (std::int64_t cell = 0; cell < n_cells; ++cell) {
    barcodes.push_back(fmt::format("c{}", cell));
    sample.values.push_back(static_cast<double>(cell % 12));
  }
  Table obs(std::move(barcodes));
  obs.set("sample", sample);
  return obs;
}

MajorityVoteOptions vote_by(const std::string& column, double min_proportion = 0) {
  MajorityVoteOptions options;
  options.majority_vote = column;
  options.min_proportion = min_proportion;
  return options;
}

void expect_error(ErrorKind kind, const std::string& part, const std::function<void()>& call) {
  try {
    call();
    ADD_FAILURE() << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind);
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(MajorityVoteOptions, AreOffByDefault) {
  EXPECT_FALSE(MajorityVoteOptions().is_on());
  const auto text = options_as_text(MajorityVoteOptions());
  ASSERT_EQ(text.size(), 2U);
  EXPECT_EQ(text[0], (std::pair<std::string, std::string>("majority-vote", "")));
  EXPECT_EQ(text[1], (std::pair<std::string, std::string>("min-proportion", "0")));
}

TEST(RequireMajorityVote, NamesTheColumnsThatObsHas) {
  const Table obs = obs_of(24);
  EXPECT_NO_THROW(require_majority_vote({}, obs, Context(1)));
  EXPECT_NO_THROW(require_majority_vote(vote_by("sample"), obs, Context(1)));
  EXPECT_NO_THROW(require_majority_vote(vote_by("leiden"), obs, Context(1)));
  expect_error(ErrorKind::InvalidArgument, "'louvain'; it has: sample",
               [&] { require_majority_vote(vote_by("louvain"), obs, Context(1)); });
  expect_error(ErrorKind::InvalidArgument, "'leiden'",
               [&] { require_majority_vote(vote_by("obs:leiden"), obs, Context(1)); });
  expect_error(ErrorKind::InvalidArgument, "--min-proportion",
               [&] { require_majority_vote(vote_by("sample", 1.5), obs, Context(1)); });
}

TEST(RequireMajorityVote, WarnsOfAColumnOfThatNameAndOfBarcodes) {
  Table obs = obs_of(24);
  TextColumn barcode;
  for (const std::string& name : obs.index()) barcode.values.push_back(name);
  obs.set("barcode", barcode);
  obs.set("leiden", *obs.find("sample"));
  Context context(1);
  std::vector<std::string> warnings;
  context.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  require_majority_vote(vote_by("sample"), obs, context);
  require_majority_vote(vote_by("obs:leiden"), obs, context);
  EXPECT_TRUE(warnings.empty());
  require_majority_vote(vote_by("leiden"), obs, context);
  require_majority_vote(vote_by("barcode"), obs, context);
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_NE(warnings[0].find("obs:leiden"), std::string::npos);
  EXPECT_NE(warnings[1].find("24 cells have 24 different"), std::string::npos);
}

TEST(GroupsThatVote, TakeAColumnWithoutBlankCells) {
  const Table obs = obs_of(24);
  std::vector<bool> has_counts(24, true);
  has_counts[3] = false;
  const auto groups = groups_that_vote(vote_by("sample"), {}, obs, {}, has_counts, Context(1));
  EXPECT_EQ(groups.names[2], "2");
  EXPECT_EQ(groups.names[11], "11");
  for (std::size_t cell = 0; cell < 24; ++cell) {
    EXPECT_EQ(groups.group[cell], cell == 3 ? -1 : static_cast<std::int32_t>(cell % 12));
  }
}

TEST(GroupsThatVote, FindClustersOfCellsThatHaveCounts) {
  const DenseMatrix points = testing::clouds(300, 6, 3, 12);
  std::vector<bool> has_counts(300, true);
  for (const std::size_t cell : {0U, 7U, 299U}) has_counts[cell] = false;
  LeidenOptions clustering;
  clustering.resolution = 0.05;
  const auto groups = groups_that_vote(vote_by("leiden"), clustering, obs_of(300), points.view(),
                                       has_counts, Context(1));
  EXPECT_EQ(groups.n_groups(), 3U);
  std::set<std::pair<std::size_t, std::int32_t>> seen;
  for (std::size_t cell = 0; cell < 300; ++cell) {
    if (!has_counts[cell]) {
      EXPECT_EQ(groups.group[cell], -1);
    } else {
      seen.emplace(cell % 3, groups.group[cell]);
    }
  }
  EXPECT_EQ(seen.size(), 3U);  // each cloud is one cluster
}

TEST(VoteColumns, TellVoteShareAndCluster) {
  const std::vector<std::string> names = {"x", "x", "x", "y", "y", "z", ""};
  const std::vector<LabelIndex> labels = {2, 2, 0, 0, 1, kNone, 1};
  const CellGroups groups = group_by_name(names);
  const MajorityVote vote = majority_vote(groups, labels, 3, 0.6);
  const VoteColumns columns = vote_columns(groups, vote, kTypes, 0, 7);
  EXPECT_EQ(columns.cluster, names);
  EXPECT_EQ(columns.majority,
            (std::vector<std::string>{"T", "T", "T", "heterogeneous", "heterogeneous", "unassigned",
                                      "unassigned"}));
  EXPECT_DOUBLE_EQ(columns.share[0], 2.0 / 3);
  EXPECT_DOUBLE_EQ(columns.share[3], 0.5);
  EXPECT_EQ(columns.share[6], 0);
  const VoteColumns some = vote_columns(groups, vote, kTypes, 3, 5);
  EXPECT_EQ(some.cluster, (std::vector<std::string>{names[3], names[4]}));

  Annotations annotations;
  add_vote_columns(annotations, groups, vote, kTypes, ResultNames());
  ASSERT_EQ(annotations.obs.size(), 3U);
  EXPECT_EQ(annotations.obs[0].first, "predicted_cell_type_cluster");
  const auto& cluster = std::get<CategoryColumn>(*annotations.obs[0].second.whole());
  EXPECT_EQ(cluster.codes, (std::vector<std::int32_t>{0, 0, 0, 1, 1, 2, -1}));
  EXPECT_EQ(annotations.obs[1].first, "predicted_cell_type_majority");
  const auto& majority = std::get<CategoryColumn>(*annotations.obs[1].second.whole());
  EXPECT_EQ(majority.levels, (std::vector<std::string>{"T", "heterogeneous", "unassigned"}));
  EXPECT_EQ(majority.codes, (std::vector<std::int32_t>{0, 0, 0, 1, 1, 2, 2}));
  EXPECT_EQ(annotations.obs[2].first, "predicted_cell_type_majority_share");
}

TEST(VoteColumns, HaveOnlyClustersWithCells) {
  CellGroups groups = group_by_name(std::vector<std::string>{"x", "y", "z", "z"});
  const std::vector<LabelIndex> labels = {0, kNone, 1, 1};
  groups.group[1] = -1;  // a cell without counts was alone in its group
  Annotations annotations;
  add_vote_columns(annotations, groups, majority_vote(groups, labels, 3, 0), kTypes, ResultNames());
  const auto& cluster = std::get<CategoryColumn>(*annotations.obs[0].second.whole());
  EXPECT_EQ(cluster.levels, (std::vector<std::string>{"x", "z"}));
  EXPECT_EQ(cluster.codes, (std::vector<std::int32_t>{0, -1, 1, 1}));
}

TEST(VoteColumns, GiveATypeCalledUnassignedOneLevel) {
  const LabelSet types({"T", "unassigned"});
  const std::vector<std::string> names = {"x", "y", ""};
  const std::vector<LabelIndex> labels = {1, 0, 0};
  const CellGroups groups = group_by_name(names);
  Annotations annotations;
  add_vote_columns(annotations, groups, majority_vote(groups, labels, 2, 0), types, ResultNames());
  const auto& majority = std::get<CategoryColumn>(*annotations.obs[1].second.whole());
  EXPECT_EQ(majority.levels, (std::vector<std::string>{"T", "unassigned"}));
  EXPECT_EQ(majority.codes, (std::vector<std::int32_t>{1, 0, 1}));
}

}  // namespace
}  // namespace saithe::cli
