// Votes counted by hand: ties, unassigned cells, cells without group, small majorities; tables.

#include "saithe/classify/majority_vote.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "saithe/core/error.h"

namespace saithe {
namespace {

constexpr LabelIndex kNone = kNoLabel;
const LabelSet kTypes({"B", "NK", "T"});

ErrorKind kind_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.kind();
  }
  return ErrorKind::Internal;
}

TEST(GroupByName, SortsNamesAndLeavesEmptyOnesOut) {
  const std::vector<std::string> names = {"d2", "", "d10", "d2", "a"};
  const CellGroups groups = group_by_name(names);
  EXPECT_EQ(groups.names, (std::vector<std::string>{"a", "d10", "d2"}));
  EXPECT_EQ(groups.group, (std::vector<std::int32_t>{2, -1, 1, 2, 0}));
}

TEST(GroupByName, SortsWholeNumbersByValue) {
  const std::vector<std::string> names = {"10", "9", "-1", "2", "10"};
  const CellGroups groups = group_by_name(names);
  EXPECT_EQ(groups.names, (std::vector<std::string>{"-1", "2", "9", "10"}));
  EXPECT_EQ(groups.group, (std::vector<std::int32_t>{3, 2, 0, 1, 3}));
}

TEST(GroupByNumber, KeepsNumbersAndHoles) {
  const std::vector<std::int32_t> clusters = {2, -1, 0};
  const CellGroups groups = group_by_number(clusters);
  EXPECT_EQ(groups.names, (std::vector<std::string>{"0", "1", "2"}));
  EXPECT_EQ(groups.group, clusters);
  const std::vector<std::int32_t> wrong = {0, -2};
  EXPECT_EQ(kind_of([&] { group_by_number(wrong); }), ErrorKind::InvalidArgument);
}

TEST(MajorityVote, GivesEachClusterItsMostFrequentType) {
  const std::vector<std::int32_t> clusters = {0, 0, 0, 0, 1, 1, 1};
  const std::vector<LabelIndex> labels = {2, 2, 1, 2, 0, kNone, 0};
  const MajorityVote vote = majority_vote(group_by_number(clusters), labels, 3, 0);
  EXPECT_EQ(vote.labels, (std::vector<LabelIndex>{2, 2, 2, 2, 0, 0, 0}));
  EXPECT_EQ(vote.types.counts, (std::vector<std::int64_t>{0, 1, 3, 2, 0, 0}));
  EXPECT_EQ(vote.types.n_unassigned, (std::vector<std::int64_t>{0, 1}));
  EXPECT_EQ(vote.types.n_cells, (std::vector<std::int64_t>{4, 3}));
  EXPECT_DOUBLE_EQ(vote.groups[0].share, 0.75);
  EXPECT_DOUBLE_EQ(vote.groups[1].share, 2.0 / 3);
}

TEST(MajorityVote, TiesGoToTheFirstTypeAndToATypeBeforeUnassigned) {
  const std::vector<std::int32_t> clusters = {0, 0, 1, 1, 2, 2, 2};
  const std::vector<LabelIndex> labels = {2, 1, kNone, 2, kNone, kNone, 0};
  const MajorityVote vote = majority_vote(group_by_number(clusters), labels, 3, 0);
  // Cells unlike the reference are not outvoted by one that is not.
  EXPECT_EQ(vote.labels, (std::vector<LabelIndex>{1, 1, 2, 2, kNone, kNone, kNone}));
  EXPECT_FALSE(vote.groups[2].is_heterogeneous);
  EXPECT_DOUBLE_EQ(vote.groups[2].share, 2.0 / 3);
}

TEST(MajorityVote, SmallMajoritiesAreHeterogeneous) {
  const std::vector<std::int32_t> clusters = {0, 0, 0, 0, 1, 1};
  const std::vector<LabelIndex> labels = {0, 0, 1, 2, 1, 1};
  const auto groups = group_by_number(clusters);
  // A majority of just the minimum counts, as in CellTypist.
  EXPECT_EQ(majority_vote(groups, labels, 3, 0.5).labels,
            (std::vector<LabelIndex>{0, 0, 0, 0, 1, 1}));
  const MajorityVote vote = majority_vote(groups, labels, 3, 0.51);
  EXPECT_EQ(vote.labels, (std::vector<LabelIndex>{kNone, kNone, kNone, kNone, 1, 1}));
  EXPECT_TRUE(vote.groups[0].is_heterogeneous);
  EXPECT_EQ(vote.groups[0].majority, 0);
  EXPECT_EQ(vote_text(vote.groups[0], kTypes), "heterogeneous");
  EXPECT_EQ(vote_text(vote.groups[1], kTypes), "NK");
}

TEST(MajorityVote, CellsWithoutGroupNeitherVoteNorGetAVote) {
  const std::vector<std::string> names = {"x", "", "x", "", "y"};
  const std::vector<LabelIndex> labels = {0, 1, kNone, 1, kNone};
  const MajorityVote vote = majority_vote(group_by_name(names), labels, 3, 0);
  EXPECT_EQ(vote.labels, (std::vector<LabelIndex>{0, kNone, 0, kNone, kNone}));
  EXPECT_EQ(vote.types.counts, (std::vector<std::int64_t>{1, 0, 0, 0, 0, 0}));
  EXPECT_EQ(vote_text(vote.groups[1], kTypes), "unassigned");
}

TEST(MajorityVote, RefusesWhatDoesNotFit) {
  const std::vector<std::int32_t> clusters = {0, 0};
  const std::vector<LabelIndex> labels = {0, 1};
  const std::vector<LabelIndex> fewer = {0};
  const auto groups = group_by_number(clusters);
  for (const double proportion : {-0.1, 1.1, std::nan("")}) {
    EXPECT_EQ(kind_of([&] { majority_vote(groups, labels, 3, proportion); }),
              ErrorKind::InvalidArgument);
  }
  EXPECT_EQ(kind_of([&] { majority_vote(groups, fewer, 3, 0); }), ErrorKind::InvalidArgument);
}

TEST(MajorityVote, TakesNoCellsAndEmptyGroups) {
  EXPECT_TRUE(majority_vote({}, {}, 3, 0).labels.empty());
  const std::vector<std::int32_t> clusters = {1};
  const std::vector<LabelIndex> labels = {2};
  const MajorityVote vote = majority_vote(group_by_number(clusters), labels, 3, 0.5);
  EXPECT_EQ(vote.types.n_cells[0], 0);
  EXPECT_EQ(vote.groups[0].share, 0);
  EXPECT_EQ(vote_text(vote.groups[0], kTypes), "unassigned");
}

TEST(TypesByGroupTsv, HasALineForEachGroup) {
  const std::vector<std::string> donors = {"d1", "d2", "d1", "d1", ""};
  const std::vector<LabelIndex> labels = {0, 2, 0, kNone, 1};
  const CellGroups groups = group_by_name(donors);
  const LabelSet odd({"B\tcell\n", "NK", "T"});  // a name cannot break the table
  EXPECT_EQ(types_by_group_tsv("donor", groups, count_types_by_group(groups, labels, 3), odd),
            "donor\tn_cells\tB?cell?\tNK\tT\tunassigned\n"
            "d1\t3\t2\t0\t0\t1\n"
            "d2\t1\t0\t0\t1\t0\n");
  EXPECT_EQ(majority_vote_tsv("cluster", groups, majority_vote(groups, labels, 3, 0.9), kTypes),
            "cluster\tn_cells\tmajority\tshare\tB\tNK\tT\tunassigned\n"
            "d1\t3\theterogeneous\t0.6666666666666666\t2\t0\t0\t1\n"
            "d2\t1\tT\t1\t0\t0\t1\t0\n");
}

}  // namespace
}  // namespace saithe
