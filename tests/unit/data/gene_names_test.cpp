// Names of genes: Ensembl ids and their versions, columns, tables of symbols, letters' case.

#include "saithe/data/gene_names.h"

#include <gtest/gtest.h>

#include <fstream>

#include "saithe/core/text_io.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

const std::string kTp53 = "ENSG00000141510";
const std::string kMyc = "ENSG00000136997";

GeneColumnMatch match(const std::vector<std::string>& ours, const std::vector<std::string>& theirs,
                      const GeneMatchOptions& options = {}) {
  return match_gene_columns({{"gene names", ours}}, {{"gene names", theirs}}, options, "the model",
                            "the query", "query.h5ad");
}

TEST(EnsemblIds, AreRecognisedByTheirForm) {
  for (const char* id :
       {"ENSG00000141510", "ENSG00000141510.18", "ENSMUSG00000059552.14", "ENSDART00000000042",
        "ENSP00000269305", "ENSE00001146308.2", "ENSG00000182378.14_PAR_Y"}) {
    EXPECT_TRUE(is_ensembl_id(id)) << id;
  }
  for (const char* name :
       {"", "ENS", "ENSG", "ENSG0000014151", "ENSG000001415100", "ENSG00000141510.", "AC012345.1",
        "ENSG00000141510.x", "ENSA00000141510", "WBGene00000001.1", "RP11-34P13.7",
        "ENSG00000141510-1", "ENSG00000182378.14_PAR_X", "ensg00000141510"}) {
    EXPECT_FALSE(is_ensembl_id(name)) << name;
  }
}

TEST(EnsemblIds, LoseTheirVersionAndNothingElseDoes) {
  EXPECT_EQ(without_ensembl_version("ENSG00000141510.18"), kTp53);
  EXPECT_EQ(without_ensembl_version("ENSMUSG00000059552.14"), "ENSMUSG00000059552");
  EXPECT_EQ(without_ensembl_version("ENSG00000182378.14_PAR_Y"), "ENSG00000182378_PAR_Y");
  for (const char* name : {"AC012345.1", "RP11-34P13.7", "WBGene00000001.1", "ENSG00000141510",
                           "ENSG0000014151.1", "Y_RNA.2", ""}) {
    EXPECT_EQ(without_ensembl_version(name), name);
  }
}

TEST(GeneColumnMatching, VersionsDoNotCountAndTheParTwinStaysApart) {
  const auto found = match({kTp53 + ".16", "ENSG00000182378", "ENSG00000182378_PAR_Y"},
                           {"ENSG00000182378.14_PAR_Y", kTp53 + ".18", "ENSG00000182378.14"});
  EXPECT_EQ(found.place, (std::vector<GeneIndex>{2, 0, 1}));
  EXPECT_EQ(found.n_matched, 3);
  EXPECT_EQ(found.n_added, 0);
  ASSERT_EQ(found.notes.size(), 1U);
  EXPECT_NE(found.notes[0].find("versions"), std::string::npos);
}

TEST(GeneColumnMatching, IdsThatDifferByVersionAreOneGeneAndAnIdTwiceIsAnError) {
  const auto found = match({kTp53, kMyc}, {kTp53 + ".1", kMyc, kTp53 + ".2"});
  EXPECT_EQ(found.place, (std::vector<GeneIndex>{0, 1, 0}));
  EXPECT_EQ(found.n_added, 1);
  try {
    match({kTp53, kMyc}, {kTp53, kMyc, kTp53});
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::BadFormat);
    EXPECT_NE(std::string(error.what()).find("query.h5ad: the gene '" + kTp53), std::string::npos);
  }
}

TEST(GeneColumnMatching, ANameWithASuffixIsAnotherGene) {
  EXPECT_EQ(match({"ABC", "AC1.1"}, {"ABC-1", "AC1.2", "ABC"}).place,
            (std::vector<GeneIndex>{-1, -1, 0}));
}

TEST(GeneColumnMatching, RepeatedSymbolsGoBeforeTheSameMadeUniqueUnlessIdsMeet) {
  const std::vector<GeneColumn> theirs = {{"gene names", {"A", "A-1", "B"}},
                                          {"gene_ids", {"E1", "E2", "E3"}},
                                          {"gene_symbols", {"A", "A", "B"}}};
  const auto of = [&](const std::vector<GeneColumn>& ours) {
    return match_gene_columns(ours, theirs, {}, "ours", "theirs", "query.h5ad");
  };
  const auto by_symbols = of({{"gene names", {"A", "B"}}});
  EXPECT_EQ(by_symbols.place, (std::vector<GeneIndex>{0, 0, 1}));
  EXPECT_EQ(by_symbols.theirs, 2U);
  EXPECT_EQ(by_symbols.n_matched, 2);
  EXPECT_EQ(by_symbols.n_added, 1);
  ASSERT_EQ(by_symbols.notes.size(), 1U);
  EXPECT_EQ(by_symbols.notes[0],
            "1 gene of theirs had the name of another one and was added to it (the first: 'A')");
  // Made unique there, too.
  EXPECT_EQ(of({{"gene names", {"A", "A-1", "B"}}}).place, (std::vector<GeneIndex>{0, 1, 2}));
  // Ids say that the second A is another gene, which ours lacks.
  const auto by_ids = of({{"gene names", {"A", "B"}}, {"gene_ids", {"E1", "E3"}}});
  EXPECT_EQ(by_ids.place, (std::vector<GeneIndex>{0, -1, 1}));
  EXPECT_EQ(by_ids.n_added, 0);
  // Ids that meet less say nothing.
  EXPECT_EQ(of({{"gene names", {"A", "B"}}, {"gene_ids", {"E1", "E9"}}}).n_added, 1);
}

TEST(AddedGenes, AreToldWithTheFirstNames) {
  EXPECT_EQ(describe_added_genes({"a", "a", "b", "c", "d"}, "f.h5ad"),
            "5 genes of f.h5ad had the name of another one and were added to it (the first: 'a', "
            "'b', 'c')");
}

TEST(GeneColumnMatching, CaseCountsUnlessAskedNotTo) {
  const std::vector<std::string> human = {"TP53", "MYC", "ACTB", "ab", "AB"};
  const std::vector<std::string> mouse = {"Trp53", "Myc", "Actb", "AB", "Ab"};
  const auto found = match(human, mouse);
  EXPECT_EQ(found.n_matched, 1);
  ASSERT_EQ(found.notes.size(), 1U);  // of 5: poor, and the option would help
  EXPECT_NE(found.notes[0].find("--match-case-insensitive would find 3"), std::string::npos);
  GeneMatchOptions options;
  options.match_case_insensitive = true;
  const auto any_case = match(human, mouse, options);
  // "AB" is there as it is; "Ab" could be either of two.
  EXPECT_EQ(any_case.place, (std::vector<GeneIndex>{-1, 1, 2, 4, -1}));
  EXPECT_NE(any_case.matched_by.find("case"), std::string::npos);
}

TEST(GeneColumnMatching, IdsBecomeSymbolsByTableOnlyWhereNothingMeets) {
  const testing::FolderForTest folder;
  GeneMatchOptions options;
  options.gene_symbols = (folder / "symbols.tsv").string();
  std::ofstream(options.gene_symbols) << "# a table\n" << kTp53 << "\tTP53\n" << kMyc << ",MYC\n";
  const auto by_id = match({"TP53", "MYC"}, {kMyc + ".3", "ENSG00000000003", kTp53}, options);
  EXPECT_EQ(by_id.place, (std::vector<GeneIndex>{1, -1, 0}));
  EXPECT_NE(by_id.matched_by.find(options.gene_symbols), std::string::npos);
  EXPECT_EQ(match({kTp53, kMyc}, {"MYC", "TP53"}, options).place, (std::vector<GeneIndex>{1, 0}));
  // A name that meets keeps the table closed: it would find one more.
  options.gene_symbols = (folder / "none_such.tsv").string();
  EXPECT_EQ(match({"TP53", "MYC"}, {"MYC", kTp53}, options).n_matched, 1);
  EXPECT_THROW(match({"TP53", "MYC"}, {kTp53, kMyc}, options), Error);
}

TEST(GeneSymbolTable, SaysWhichLineIsNone) {
  const testing::FolderForTest folder;
  const auto path = folder / "symbols.tsv";
  std::ofstream(path) << kTp53 << "\tTP53\nTP53\t" << kTp53 << "\n";
  try {
    read_gene_symbols(path.string());
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::BadFormat);
    EXPECT_NE(std::string(error.what()).find("symbols.tsv:2"), std::string::npos);
  }
}

TEST(GeneSymbolTable, TheBundledOneKnowsHumanGenes) {
  const auto symbols =
      read_gene_symbols(std::string(SAITHE_SOURCE_DIR) + "/data/ensembl_symbols.tsv.gz");
  EXPECT_EQ(symbols.size(), 42361U);
  EXPECT_EQ(symbols.at(kTp53), "TP53");
  EXPECT_EQ(symbols.at("ENSG00000290825"), "DDX11L2");
  EXPECT_FALSE(symbols.contains("ENSG00000277196"));  // has no symbol
}

TEST(GeneColumns, AreTheIndexTheUsualOnesAndOtherText) {
  Table var({"a", "b"});
  var.set("length", NumberColumn{{1, 2}});
  var.set("my_names", TextColumn{{"x", "y"}, {}});
  var.set("feature_name", CategoryColumn{{1, 0}, {"P", "Q"}});
  std::vector<std::string> names;
  for (const GeneColumn& column : gene_columns(var, "", "q")) names.push_back(column.name);
  EXPECT_EQ(names, (std::vector<std::string>{"gene names", "feature_name", "my_names"}));
  EXPECT_EQ(gene_columns(var, "feature_name", "q")[0].genes, (std::vector<std::string>{"Q", "P"}));
}

TEST(GeneColumns, AnIndexOfRowNumbersNamesNoGenesWhereAColumnDoes) {
  using Texts = std::vector<std::string>;
  EXPECT_TRUE(are_row_numbers({"0", "1", "2"}));
  EXPECT_TRUE(are_row_numbers({"1", "2"}));
  for (const Texts& names : {Texts{"1"}, Texts{"2", "3"}, Texts{"0", "2"}, Texts{"01", "02"},
                             Texts{"1", "x"}, Texts{"7157", "672"}, Texts{}}) {
    EXPECT_FALSE(are_row_numbers(names));
  }
  Table var({"0", "1"});
  var.set("length", NumberColumn{{1, 2}});
  EXPECT_EQ(column_in_place_of_numbers(var), "");
  EXPECT_EQ(gene_columns(var, "", "q").front().name, "gene names");  // there is no better one
  var.set("feature_id", TextColumn{{kTp53, kMyc}, {}});
  EXPECT_EQ(column_in_place_of_numbers(var), "feature_id");
  var.set("feature_name", CategoryColumn{{1, 0}, {"MYC", "TP53"}});
  EXPECT_EQ(column_in_place_of_numbers(var), "feature_name");
  Texts names;
  for (const GeneColumn& column : gene_columns(var, "", "q")) names.push_back(column.name);
  EXPECT_EQ(names, (Texts{"feature_id", "feature_name"}));
  EXPECT_EQ(gene_columns(var, "index", "q").front().genes, (Texts{"0", "1"}));
  var.rename_rows({"A", "B"});
  EXPECT_EQ(column_in_place_of_numbers(var), "");
}

}  // namespace
}  // namespace saithe
