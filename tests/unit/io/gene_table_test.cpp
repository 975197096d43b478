#include "saithe/io/gene_table.h"

#include <gtest/gtest.h>

#include "support/folder_for_test.h"

namespace saithe {
namespace {

using io::make_gene_table;

// anndata.utils.make_index_unique of 0.11 gives the same names.
TEST(MakeNamesUnique, AsScanpyDoes) {
  std::vector<std::string> names = {"A", "B", "A", "A-1", "A", "B"};
  EXPECT_EQ(io::make_names_unique(names), 3);
  EXPECT_EQ(names, (std::vector<std::string>{"A", "B", "A-2", "A-1", "A-3", "B-1"}));
  EXPECT_EQ(io::make_names_unique(names), 0);
}

TEST(RequireUniqueGeneIds, NamesTheFirstThatStandsTwice) {
  io::require_unique_gene_ids({"E1", "", "E2", ""}, "f");  // an id that is not known is no repeat
  EXPECT_SAITHE_ERROR(io::require_unique_gene_ids({"E1", "E2", "E3", "E2"}, "f"),
                      ErrorKind::BadFormat, "'E2' stands twice, as gene 1 and 3");
}

/// A context of one thread that keeps its warnings.
struct Listening {
  Listening() : context(1) {
    context.on_warning = [this](const std::string& text) { warnings.push_back(text); };
  }
  Context context;
  std::vector<std::string> warnings;
};

using Texts = std::vector<std::string>;

TEST(MakeGeneTable, IdsTellGenesOfOneSymbolApartAndTheSymbolsStay) {
  Listening listening;
  const Table var =
      make_gene_table({"A", "B", "A", "A"}, {"E1", "E2", "E3", "E4"}, "f", listening.context);
  EXPECT_EQ(var.index(), (Texts{"A", "B", "A-1", "A-2"}));
  EXPECT_EQ(var.as_text("gene_ids"), (Texts{"E1", "E2", "E3", "E4"}));
  EXPECT_EQ(var.as_text("gene_symbols"), (Texts{"A", "B", "A", "A"}));
  ASSERT_EQ(listening.warnings.size(), 1U);
  EXPECT_TRUE(testing::contains(listening.warnings[0],
                                "f: 2 genes have the symbol of an earlier one ('A'); ids tell"));
  const Table distinct = make_gene_table({"A", "B"}, {"E1", "E2"}, "f", listening.context);
  EXPECT_EQ(distinct.column_names(), "gene_ids");
  EXPECT_EQ(listening.warnings.size(), 1U);
  EXPECT_SAITHE_ERROR(make_gene_table({"A", "B"}, {"E1", "E1"}, "f", listening.context),
                      ErrorKind::BadFormat, "stands twice");
}

TEST(MakeGeneTable, TheTextOfAMissingIdIsNone) {
  Listening listening;
  const Table var = make_gene_table({"A", "B", "C"}, {"nan", "E2", "nan"}, "f", listening.context);
  EXPECT_EQ(var.as_text("gene_ids"), (Texts{"", "E2", ""}));
  EXPECT_EQ(listening.warnings, Texts{"f: 2 genes have the id 'nan', which is taken for none"});
  EXPECT_EQ(make_gene_table({"A", "B"}, {"NA", "E2"}, "f", Context(1)).as_text("gene_ids"),
            (Texts{"NA", "E2"}));
}

TEST(MakeGeneTable, NumbersOfRowsAreNoIds) {
  Listening listening;
  const Table var = make_gene_table({"A", "B"}, {"1", "2"}, "f", listening.context);
  EXPECT_EQ(var.as_text("gene_ids"), (Texts{"", ""}));
  EXPECT_EQ(listening.warnings,
            Texts{"f: the ids of the genes only number them, and are taken for none"});
  EXPECT_EQ(make_gene_table({"A", "B"}, {"7157", "672"}, "f", Context(1)).as_text("gene_ids"),
            (Texts{"7157", "672"}));
}

TEST(MakeGeneTable, WithoutIdsASymbolStaysRepeated) {
  Listening listening;
  const Table var = make_gene_table({"A", "B", "A"}, "f", listening.context);
  EXPECT_EQ(var.index(), (Texts{"A", "B", "A"}));
  ASSERT_EQ(listening.warnings.size(), 1U);
  EXPECT_TRUE(testing::contains(listening.warnings[0],
                                "f: a gene has the symbol of an earlier one ('A'); to a model "
                                "genes of one symbol are one gene"));
  const std::string id = "ENSG00000141510";
  EXPECT_SAITHE_ERROR(make_gene_table({id, "B", id}, "f", listening.context), ErrorKind::BadFormat,
                      "stands twice");
}

TEST(MakeIndexUnique, IsTakenBackWhenItIsReadAgain) {
  Listening listening;
  Table var({"A", "B", "A"});
  var.set("gene_symbols", TextColumn{{"x", "y", "z"}, {}});  // the file's own
  EXPECT_EQ(io::make_index_unique(var), 1);
  EXPECT_EQ(io::make_index_unique(var), 0);
  EXPECT_EQ(var.index(), (Texts{"A", "B", "A-1"}));
  EXPECT_EQ(var.as_text("gene_symbols"), (Texts{"x", "y", "z"}));
  EXPECT_EQ(var.as_text("gene_symbols_1"), (Texts{"A", "B", "A"}));
  io::settle_gene_names(var, "f", listening.context);
  EXPECT_EQ(var.index(), (Texts{"A", "B", "A"}));
  EXPECT_EQ(io::make_index_unique(var), 1);
  EXPECT_EQ(var.column_names(), "gene_symbols, gene_symbols_1");  // once
  // Names that are not what it makes of the column are another's, and stay.
  Table other({"A", "B", "A-2"});
  other.set("gene_symbols", TextColumn{{"A", "B", "A"}, {}});
  io::settle_gene_names(other, "f", listening.context);
  EXPECT_EQ(other.index(), (Texts{"A", "B", "A-2"}));
}

TEST(WarnOfOtherFeatures, CountsByType) {
  Listening listening;
  io::warn_of_other_features({}, "f", listening.context);
  EXPECT_TRUE(listening.warnings.empty());
  io::warn_of_other_features({{"Peaks", 1}}, "f", listening.context);
  io::warn_of_other_features({{"Antibody Capture", 2}, {"", 1}}, "f", listening.context);
  EXPECT_EQ(listening.warnings,
            (std::vector<std::string>{
                "f: 1 feature is not of the type 'Gene Expression' and left out: 1 Peaks",
                "f: 3 features are not of the type 'Gene Expression' and left out: 1 without a "
                "type, 2 Antibody Capture"}));
}

TEST(NumberedNames, BeginWithOne) {
  EXPECT_EQ(io::numbered_names("cell_", 3),
            (std::vector<std::string>{"cell_1", "cell_2", "cell_3"}));
}

}  // namespace
}  // namespace saithe
