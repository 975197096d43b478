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

Texts names_of(const Table& table) {
  Texts names;
  for (const auto& [name, column] : table.columns()) names.push_back(name);
  return names;
}

class NamesForH5ad : public ::testing::Test {
 protected:
  NamesForH5ad() : context_(1) {
    context_.on_warning = [this](const std::string& text) { warnings_.push_back(text); };
  }
  std::optional<Table> mend(const Table& table, const Texts& taken = {}) {
    return io::with_names_for_h5ad(table, taken, "f: obs", context_);
  }
  Context context_;
  Texts warnings_;
};

TEST_F(NamesForH5ad, StayWhereTheyCan) {
  EXPECT_EQ(mend(with_columns({"a", "a_b", ".a", "a.", "index", " ", "\xC3\xA9"})), std::nullopt);
  EXPECT_EQ(mend(with_columns({"a"}, "barcode")), std::nullopt);
  EXPECT_EQ(mend(with_columns({"ours"}), {"ours"}), std::nullopt);  // is to be replaced
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(NamesForH5ad, AreChangedAndMeetNoOther) {
  const auto table =
      mend(with_columns({"a/b", "_index", "", ".", "..", "a_b", "__categories", "/", "index"}));
  ASSERT_TRUE(table.has_value());
  EXPECT_EQ(names_of(*table), (Texts{"a_b_1", "index_1", "unnamed", "unnamed_1", "unnamed_2", "a_b",
                                     "categories", "_", "index"}));
  for (std::size_t i = 0; i < table->columns().size(); ++i) {  // each has its own values
    EXPECT_EQ(std::get<NumberColumn>(table->columns()[i].second).values[0], static_cast<double>(i));
  }
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_TRUE(testing::contains(warnings_[0], "f: obs: 7 names that an h5ad cannot hold"));
  EXPECT_TRUE(testing::contains(warnings_[0], "'a/b' is now 'a_b_1', '_index' is now 'index_1'"));
}

TEST_F(NamesForH5ad, AColumnThatIsCalledLikeTheIndex) {
  const auto table = mend(with_columns({"barcode"}, "barcode"));
  ASSERT_TRUE(table.has_value());
  EXPECT_EQ(table->index_name, "barcode");
  EXPECT_EQ(names_of(*table), Texts{"barcode_1"});
}

TEST_F(NamesForH5ad, TheIndexAndColumnsLeaveOurNamesAlone) {
  const auto table = mend(with_columns({"my/type"}, "type"), {"type", "my_type"});
  ASSERT_TRUE(table.has_value());
  EXPECT_EQ(table->index_name, "type_1");
  EXPECT_EQ(names_of(*table), Texts{"my_type_1"});
  EXPECT_EQ(mend(with_columns({}, ""))->index_name, "unnamed");
}

TEST_F(NamesForH5ad, AWarningListsTheFirstTen) {
  Texts names;
  for (char c = 'a'; c < 'm'; ++c) names.push_back(std::string("/") + c);
  EXPECT_EQ(names_of(*mend(with_columns(names))).back(), "_l");
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_TRUE(testing::contains(warnings_[0], "12 names"));
  EXPECT_TRUE(testing::contains(warnings_[0], "'/j' is now '_j', ..."));
}

}  // namespace
}  // namespace saithe
