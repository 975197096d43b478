// stratified_folds() and donor_folds(): every cell in one fold, types and donors as they should be.

#include "saithe/prep/folds.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <set>

#include "saithe/core/error.h"
#include "saithe/core/random.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

constexpr int kFolds = 5;

/// 203 cells of types with 120, 60, 20 and 3 cells, in any order.
std::vector<LabelIndex> uneven_labels() {
  std::vector<LabelIndex> labels;
  for (const auto& [type, n] :
       {std::pair(0, 120), std::pair(1, 60), std::pair(2, 20), std::pair(3, 3)}) {
    labels.insert(labels.end(), static_cast<std::size_t>(n), type);
  }
  Random(1, 1).shuffle(std::span<LabelIndex>(labels));
  return labels;
}

ErrorKind kind_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.kind();
  }
  ADD_FAILURE() << "no error";
  return ErrorKind::Internal;
}

TEST(StratifiedFolds, FoldsAndTypesInThemDifferByOneCellAtMost) {
  const auto labels = uneven_labels();
  const auto folds = stratified_folds(labels, 4, kFolds, Context(1, 7));
  ASSERT_EQ(folds.size(), labels.size());
  EXPECT_EQ(count_folds(folds), kFolds);
  const auto spread = [&](auto is_counted) {
    std::vector<int> n(kFolds);
    for (std::size_t cell = 0; cell < folds.size(); ++cell) {
      if (is_counted(labels[cell])) ++n[as_size(folds[cell])];
    }
    return *std::max_element(n.begin(), n.end()) - *std::min_element(n.begin(), n.end());
  };
  EXPECT_LE(spread([](LabelIndex) { return true; }), 1);
  for (LabelIndex type = 0; type < 4; ++type) {
    EXPECT_LE(spread([=](LabelIndex label) { return label == type; }), 1) << type;
  }
}

TEST(StratifiedFolds, TheSeedDecides) {
  const auto labels = uneven_labels();
  const auto folds = stratified_folds(labels, 4, kFolds, Context(1, 7));
  EXPECT_EQ(stratified_folds(labels, 4, kFolds, Context(5, 7)), folds);
  EXPECT_NE(stratified_folds(labels, 4, kFolds, Context(1, 8)), folds);
  // cells of one type do not follow each other through the folds
  std::vector<int> of_first;
  for (std::size_t cell = 0; cell < labels.size(); ++cell) {
    if (labels[cell] == 0) of_first.push_back(folds[cell]);
  }
  EXPECT_FALSE(std::is_sorted(of_first.begin(), of_first.end()));
}

TEST(StratifiedFolds, TooFewCellsOrFoldsAreRefused) {
  const std::vector<LabelIndex> labels = {0, 1, 0, 1};
  EXPECT_EQ(kind_of([&] { (void)stratified_folds(labels, 2, 5, Context(1)); }),
            ErrorKind::InvalidArgument);
  EXPECT_EQ(kind_of([&] { (void)stratified_folds(labels, 2, 1, Context(1)); }),
            ErrorKind::InvalidArgument);
  const auto folds = stratified_folds(labels, 2, 4, Context(1));
  EXPECT_EQ(std::set<int>(folds.begin(), folds.end()).size(), 4U);
}

TEST(DonorFolds, EveryDonorIsAFold) {
  const std::vector<std::string> donors = {"b", "a", "c", "b", "a", "a"};
  EXPECT_EQ(donor_folds(donors, 10), (std::vector<int>{1, 0, 2, 1, 0, 0}));
  EXPECT_EQ(count_folds(donor_folds(donors, 3)), 3);
  const std::vector<std::string> some = {"b", "", "c", ""};
  EXPECT_SAITHE_ERROR(donor_folds(some, 3), ErrorKind::BadFormat,
                      "--validate by-donor: the column of --donor-key has no donor for 2 of the 4");
}

TEST(DonorFolds, ManyDonorsShareFoldsOfLikeSizes) {
  std::vector<std::string> donors;
  for (int donor = 0; donor < 23; ++donor) {
    donors.insert(donors.end(), static_cast<std::size_t>(10 + 5 * (donor % 4)),
                  "donor" + std::to_string(donor));
  }
  const auto folds = donor_folds(donors, 4);
  EXPECT_EQ(count_folds(folds), 4);
  std::map<std::string, std::set<int>> folds_of;
  std::vector<int> n_cells(4);
  for (std::size_t cell = 0; cell < donors.size(); ++cell) {
    folds_of[donors[cell]].insert(folds[cell]);
    ++n_cells[as_size(folds[cell])];
  }
  for (const auto& [donor, own] : folds_of) EXPECT_EQ(own.size(), 1U) << donor;
  const auto [least, most] = std::minmax_element(n_cells.begin(), n_cells.end());
  EXPECT_LE(*most - *least, 25);  // the largest donor
}

TEST(DonorFolds, OneDonorOrNoneIsRefused) {
  EXPECT_EQ(kind_of([] {
              (void)donor_folds(std::vector<std::string>{"a", "a"}, 10);
            }),
            ErrorKind::BadFormat);
  EXPECT_EQ(kind_of([] {
              (void)donor_folds(std::vector<std::string>{"a", "", "b"}, 10);
            }),
            ErrorKind::BadFormat);
}

TEST(Draws, StratifiedKeepsSharesAndEvenlyKeepsSmallTypes) {
  std::vector<LabelIndex> labels;
  for (int i = 0; i < 1000; ++i) labels.push_back(i % 100 == 0 ? 2 : i % 10 == 1 ? 1 : 0);
  std::vector<CellIndex> cells;
  for (CellIndex cell = 0; cell < 900; ++cell) cells.push_back(cell);  // 801 + 90 + 9
  const Context context(1, 4);
  const auto sizes_of = [&](const std::vector<CellIndex>& drawn) {
    EXPECT_TRUE(std::ranges::is_sorted(drawn));
    EXPECT_EQ(std::ranges::adjacent_find(drawn), drawn.end());
    EXPECT_TRUE(drawn.empty() || drawn.back() < 900);
    std::vector<int> sizes(3);
    for (const CellIndex cell : drawn) ++sizes[as_size(labels[as_size(cell)])];
    return sizes;
  };
  EXPECT_EQ(draw_stratified(cells, labels, 900, context), cells);
  EXPECT_EQ(draw_evenly(cells, labels, 3, 5000, context), cells);
  EXPECT_EQ(sizes_of(draw_stratified(cells, labels, 300, context)), (std::vector<int>{267, 30, 3}));
  EXPECT_EQ(sizes_of(draw_evenly(cells, labels, 3, 300, context)), (std::vector<int>{201, 90, 9}));
  EXPECT_EQ(sizes_of(draw_evenly(cells, labels, 3, 109, context)), (std::vector<int>{50, 50, 9}));
  EXPECT_EQ(sizes_of(draw_evenly(cells, labels, 3, 1, context)), (std::vector<int>{1, 1, 1}));
  EXPECT_NE(draw_evenly(cells, labels, 3, 109, Context(1, 5)),
            draw_evenly(cells, labels, 3, 109, context));
}

}  // namespace
}  // namespace saithe
