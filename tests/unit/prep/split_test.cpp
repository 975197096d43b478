#include "saithe/prep/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "saithe/core/error.h"

namespace saithe {
namespace {

const std::vector<std::string> kTypes = {"B", "NK", "T"};

std::vector<LabelIndex> labels_of(std::initializer_list<std::pair<LabelIndex, int>> parts) {
  std::vector<LabelIndex> labels;
  for (const auto& [label, n] : parts) labels.insert(labels.end(), as_size(n), label);
  return labels;
}

void expect_partition(const Split& split, std::size_t n) {
  std::vector<CellIndex> all = split.training;
  all.insert(all.end(), split.validation.begin(), split.validation.end());
  std::sort(all.begin(), all.end());
  std::vector<CellIndex> expected(n);
  std::iota(expected.begin(), expected.end(), CellIndex{0});
  EXPECT_EQ(all, expected);
  EXPECT_TRUE(std::is_sorted(split.validation.begin(), split.validation.end()));
}

TEST(SplitRandom, TakesAsManyCellsAsTheArticle) {
  const Context context(1, 5);
  for (const auto& [n, n_training] : {std::pair(2638, 2110), {2640, 2112}, {5, 4}, {10, 8}}) {
    const auto labels = labels_of({{0, n}});
    const Split split = split_random(labels, kTypes, 0.2, context);
    EXPECT_EQ(split.training.size(), as_size(n_training)) << n;
    expect_partition(split, labels.size());
  }
}

TEST(SplitRandom, SeedAloneDecides) {
  const auto labels = labels_of({{0, 300}, {1, 200}});
  const Split one = split_random(labels, kTypes, 0.2, Context(1, 5));
  EXPECT_EQ(one.training, split_random(labels, kTypes, 0.2, Context(2, 5)).training);
  EXPECT_NE(one.training, split_random(labels, kTypes, 0.2, Context(1, 6)).training);
  EXPECT_FALSE(std::is_sorted(one.training.begin(), one.training.end()));
}

TEST(SplitRandom, WarnsOfATypeWithoutTrainingCell) {
  const auto labels = labels_of({{0, 50}, {2, 1}});
  int n_absent = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Context context(1, seed);
    std::vector<std::string> warnings;
    context.on_warning = [&](const std::string& text) { warnings.push_back(text); };
    const Split split = split_random(labels, kTypes, 0.2, context);
    const bool trains =
        std::find(split.training.begin(), split.training.end(), 50) != split.training.end();
    n_absent += trains ? 0 : 1;
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_NE(warnings[0].find("'T'"), std::string::npos) << warnings[0];
    EXPECT_EQ(warnings[0].find("cannot learn") != std::string::npos, !trains) << warnings[0];
  }
  EXPECT_GT(n_absent, 0);
  EXPECT_LT(n_absent, 40);
}

TEST(SplitRandom, RefusesFractionsThatLeaveASetEmpty) {
  const auto labels = labels_of({{0, 3}});
  for (const double fraction : {0.0, 1.0, -0.1, 1.5, 0.99}) {
    // 0.99 of more cells would do.
    const ErrorKind kind = fraction == 0.99 ? ErrorKind::BadFormat : ErrorKind::InvalidArgument;
    try {
      split_random(labels, kTypes, fraction, Context(1, 0));
      ADD_FAILURE() << fraction;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << fraction;
    }
  }
}

TEST(SplitStratified, TakesTheShareOfEveryType) {
  const auto labels = labels_of({{0, 100}, {1, 11}, {2, 37}});
  const Split split = split_stratified(labels, kTypes, 0.2, Context(1, 3));
  expect_partition(split, labels.size());
  std::vector<int> n_validation(3);
  for (const CellIndex cell : split.validation) ++n_validation[as_size(labels[as_size(cell)])];
  EXPECT_EQ(n_validation, (std::vector<int>{20, 2, 7}));
}

TEST(SplitStratified, KeepsSmallTypesInTraining) {
  const auto labels = labels_of({{0, 40}, {1, 1}, {2, 2}});
  Context context(1, 3);
  std::vector<std::string> warnings;
  context.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  const Split split = split_stratified(labels, kTypes, 0.9, context);
  std::vector<int> n_training(3);
  for (const CellIndex cell : split.training) ++n_training[as_size(labels[as_size(cell)])];
  EXPECT_EQ(n_training, (std::vector<int>{4, 1, 1}));
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("'NK'"), std::string::npos) << warnings[0];
}

TEST(SplitByDonor, HoldsOutWholeDonors) {
  std::vector<std::string> donors;
  for (int i = 0; i < 100; ++i) donors.push_back(fmt::format("d{}", i % 5));
  const Split split = split_by_donor(donors, 0.2, Context(1, 3));
  expect_partition(split, donors.size());
  EXPECT_EQ(split.validation.size(), 20U);
  for (const CellIndex cell : split.validation) {
    EXPECT_EQ(donors[as_size(cell)], donors[as_size(split.validation[0])]);
  }
}

TEST(SplitByDonor, RefusesOneDonorAndMissingDonors) {
  for (const auto& donors :
       {std::vector<std::string>{"a", "a"}, std::vector<std::string>{"a", "", "b"}}) {
    try {
      split_by_donor(donors, 0.2, Context(1, 0));
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::BadFormat);
    }
  }
}

}  // namespace
}  // namespace saithe
