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

TEST(MakeGeneTable, OfSymbolsAndIds) {
  const Table var = make_gene_table({"A", "B", "A"}, {"E1", "E2", "E3"}, "f");
  EXPECT_EQ(var.index(), (std::vector<std::string>{"A", "B", "A-1"}));
  EXPECT_EQ(var.as_text("gene_ids"), (std::vector<std::string>{"E1", "E2", "E3"}));
}

TEST(MakeGeneTable, OfOneNamePerGene) {
  Listening listening;
  const Table var = make_gene_table({"A", "B", "A"}, "f", listening.context);
  EXPECT_EQ(var.index(), (std::vector<std::string>{"A", "B", "A-1"}));
  ASSERT_EQ(listening.warnings.size(), 1U);
  EXPECT_TRUE(testing::contains(listening.warnings[0], "f: a gene symbol stands more than once"));
  const std::string id = "ENSG00000141510";
  EXPECT_SAITHE_ERROR(make_gene_table({id, "B", id}, "f", listening.context), ErrorKind::BadFormat,
                      "stands twice");
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

TEST(WarnOfRepeatedBarcodes, SaysHowMany) {
  Listening listening;
  io::warn_of_repeated_barcodes({"a", "b", "c"}, "f", listening.context);
  EXPECT_TRUE(listening.warnings.empty());
  io::warn_of_repeated_barcodes({"a", "b", "a", "b"}, "f", listening.context);
  ASSERT_EQ(listening.warnings.size(), 1U);
  EXPECT_TRUE(testing::contains(listening.warnings[0], "2 cells have the barcode"));
}

TEST(NumberedNames, BeginWithOne) {
  EXPECT_EQ(io::numbered_names("cell_", 3),
            (std::vector<std::string>{"cell_1", "cell_2", "cell_3"}));
}

}  // namespace
}  // namespace saithe
