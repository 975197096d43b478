// Names of cell types, their indices, and one-hot targets.

#include "saithe/data/label_set.h"

#include <gtest/gtest.h>

#include "support/folder_for_test.h"

namespace saithe {
namespace {

TEST(LabelSet, NamesAreSortedDistinctAndNotEmpty) {
  const auto labels = LabelSet::from_names(std::vector<std::string>{"T", "B", "", "NK", "T"});
  EXPECT_EQ(labels.names(), (std::vector<std::string>{"B", "NK", "T"}));
  EXPECT_EQ(labels.n_types(), 3);
  EXPECT_EQ(labels.name(1), "NK");
}

TEST(LabelSet, EncodeFindsEachNameOrNone) {
  const LabelSet labels(std::vector<std::string>{"B", "NK", "T"});
  EXPECT_EQ(labels.encode(std::vector<std::string>{"T", "b", "", "B", "Z"}),
            (std::vector<LabelIndex>{2, kNoLabel, kNoLabel, 0, kNoLabel}));
}

TEST(LabelSet, UnsortedOrDoubleNamesAreABug) {
  EXPECT_SAITHE_ERROR(LabelSet(std::vector<std::string>{"T", "B"}), ErrorKind::Internal, "assert");
  EXPECT_SAITHE_ERROR(LabelSet(std::vector<std::string>{"B", "B"}), ErrorKind::Internal, "assert");
}

TEST(OneHot, IsTheRowOfAnIdentityMatrix) {
  const std::vector<LabelIndex> labels = {2, 0};
  const DenseMatrix targets = one_hot(labels, 3);
  ASSERT_EQ(targets.n_rows(), 2);
  ASSERT_EQ(targets.n_cols(), 3);
  for (std::int64_t r = 0; r < 2; ++r) {
    for (std::int64_t c = 0; c < 3; ++c) {
      EXPECT_EQ(targets(r, c), c == labels[as_size(r)] ? 1.0F : 0.0F);
    }
  }
}

TEST(OneHot, ALabelOutsideTheTypesIsAnError) {
  for (const LabelIndex label : {-1, 3}) {
    const std::vector<LabelIndex> labels = {0, label};
    EXPECT_SAITHE_ERROR(one_hot(labels, 3), ErrorKind::InvalidArgument, "of cell 1");
  }
}

TEST(CountLabels, UnlabelledCellsAreNotCounted) {
  const std::vector<LabelIndex> labels = {1, kNoLabel, 1, 0};
  EXPECT_EQ(count_labels(labels, 3), (std::vector<std::int64_t>{1, 2, 0}));
}

TEST(IsLabel, NothingAndTheWordsForNoTypeAreNone) {
  for (const char* word : {"", "unassigned", "heterogeneous", "Unassigned", "HETEROGENEOUS"})
    EXPECT_FALSE(is_label(word)) << word;
  for (const char* word : {"B cells", "unassigned B", " ", "0"})
    EXPECT_TRUE(is_label(word)) << word;
}

}  // namespace
}  // namespace saithe
