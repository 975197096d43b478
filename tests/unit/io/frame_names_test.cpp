#include "saithe/io/frame_names.h"

#include <gtest/gtest.h>

#include "support/folder_for_test.h"

namespace saithe {
namespace {

using Texts = std::vector<std::string>;

Table with_columns(const Texts& names, const std::string& index_name = "_index") {
  Table table({"c1"});
  table.index_name = index_name;
  double value = 0;
  for (const std::string& name : names) table.set(name, NumberColumn{{value++}});
  return table;
}

class NamesForH5ad : public ::testing::Test {
 protected:
  NamesForH5ad() : context_(1) {
    context_.on_warning = [this](const std::string& text) { warnings_.push_back(text); };
  }
  io::FrameNames mend(const Table& table, const Texts& taken = {}) {
    return io::names_for_h5ad(table, taken, "f: obs", context_);
  }
  void expect_the_same(const Table& table, const Texts& taken = {}) {
    const io::FrameNames names = mend(table, taken);
    EXPECT_EQ(names.index, table.index_name);
    EXPECT_EQ(names.columns, table.names_of_columns());
  }
  Context context_;
  Texts warnings_;
};

TEST_F(NamesForH5ad, StayWhereTheyCan) {
  expect_the_same(with_columns({"a", "a_b", ".a", "a.", "index", " ", "\xC3\xA9"}));
  expect_the_same(with_columns({"a"}, "barcode"));
  expect_the_same(with_columns({"ours"}), {"ours"});  // is to be replaced
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(NamesForH5ad, AreChangedAndMeetNoOther) {
  const auto names =
      mend(with_columns({"a/b", "_index", "", ".", "..", "a_b", "__categories", "/", "index"}));
  EXPECT_EQ(names.columns, (Texts{"a_b_1", "index_1", "unnamed", "unnamed_1", "unnamed_2", "a_b",
                                  "categories", "_", "index"}));
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_TRUE(testing::contains(warnings_[0], "f: obs: 7 names that an h5ad cannot hold"));
  EXPECT_TRUE(testing::contains(warnings_[0], "'a/b' is now 'a_b_1', '_index' is now 'index_1'"));
}

TEST_F(NamesForH5ad, AColumnThatIsCalledLikeTheIndex) {
  const auto names = mend(with_columns({"barcode"}, "barcode"));
  EXPECT_EQ(names.index, "barcode");
  EXPECT_EQ(names.columns, Texts{"barcode_1"});
}

TEST_F(NamesForH5ad, TheIndexAndColumnsLeaveOurNamesAlone) {
  const auto names = mend(with_columns({"my/type"}, "type"), {"type", "my_type"});
  EXPECT_EQ(names.index, "type_1");
  EXPECT_EQ(names.columns, Texts{"my_type_1"});
  EXPECT_EQ(mend(with_columns({}, "")).index, "unnamed");
}

TEST_F(NamesForH5ad, AWarningListsTheFirstTen) {
  Texts names;
  for (char c = 'a'; c < 'm'; ++c) names.push_back(std::string("/") + c);
  EXPECT_EQ(mend(with_columns(names)).columns.back(), "_l");
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_TRUE(testing::contains(warnings_[0], "12 names"));
  EXPECT_TRUE(testing::contains(warnings_[0], "'/j' is now '_j', ..."));
}

}  // namespace
}  // namespace saithe
