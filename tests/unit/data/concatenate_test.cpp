// concatenate(): genes matched by name or id, common or union, obs columns, names of files,
// barcodes, and what is refused.

#include "saithe/data/concatenate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "saithe/data/packed_cells.h"
#include "support/marker_cells.h"

namespace saithe {
namespace {

using testing::marker_cells;

const ConcatenateOptions kUnion{GeneChoice::Union};

Dataset renamed(const Dataset& dataset, const std::string& name) {
  return Dataset(name, dataset.counts, dataset.obs(), dataset.var());
}

/// One cell with a count of g + 1 on its gene g.
Dataset one_cell(const std::string& name, std::vector<std::string> genes,
                 std::vector<std::string> ids = {}) {
  CsrMatrix counts;
  counts.n_rows = 1;
  counts.n_cols = static_cast<GeneIndex>(genes.size());
  for (std::size_t g = 0; g < genes.size(); ++g) {
    counts.columns.push_back(static_cast<GeneIndex>(g));
    counts.values.push_back(static_cast<float>(g + 1));
  }
  counts.row_start.push_back(static_cast<RowPointer>(genes.size()));
  Table var(std::move(genes));
  if (!ids.empty()) var.set("gene_ids", TextColumn{std::move(ids), {}});
  return Dataset(name, std::move(counts), Table({"cell"}), std::move(var));
}

std::string refused(std::vector<Dataset> datasets, const ConcatenateOptions& options) {
  try {
    concatenate(std::move(datasets), options);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::BadFormat);
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(Concatenate, TwoHalvesAreTheWhole) {
  const Dataset whole = marker_cells(20, 30, 3);
  std::vector<CellIndex> first;
  std::vector<CellIndex> second;
  for (CellIndex cell = 0; cell < 20; ++cell) (cell < 8 ? first : second).push_back(cell);
  for (const GeneChoice genes : {GeneChoice::Common, GeneChoice::Union}) {
    const Dataset joined = concatenate({renamed(select_cells(whole, first), "a.h5ad"),
                                        renamed(select_cells(whole, second), "b.h5ad")},
                                       {genes});
    EXPECT_EQ(joined.counts.row_start, whole.counts.row_start);
    EXPECT_EQ(joined.counts.columns, whole.counts.columns);
    EXPECT_EQ(joined.counts.values, whole.counts.values);
    EXPECT_EQ(joined.var().index(), whole.var().index());
    EXPECT_EQ(joined.var().as_text("gene_ids"), whole.var().as_text("gene_ids"));
    EXPECT_EQ(joined.obs().index(), whole.obs().index());
    EXPECT_EQ(joined.obs().as_text("cell_type"), whole.obs().as_text("cell_type"));
    EXPECT_EQ(joined.obs().as_text("donor"), whole.obs().as_text("donor"));
    EXPECT_TRUE(joined.measured.is_complete());
    const auto references = joined.obs().as_text("reference");
    EXPECT_EQ(std::count(references.begin(), references.end(), "a.h5ad"), 8);
    EXPECT_EQ(std::count(references.begin(), references.end(), "b.h5ad"), 12);
  }
}

TEST(ConcatenatedCells, KnowHowManyValuesCellsOfTheirPartsHave) {
  const Dataset whole = marker_cells(20, 30, 3);
  std::vector<std::unique_ptr<CellSource>> parts;
  parts.push_back(std::make_unique<Dataset>(renamed(whole, "a.h5ad")));
  parts.push_back(std::make_unique<PackedCells>(renamed(whole, "b.h5ad"), Context(1)));
  const ConcatenatedCells both(std::move(parts), {});
  const auto n_in = [&](CellIndex begin, CellIndex end) {
    return whole.counts.row_start[as_size(end)] - whole.counts.row_start[as_size(begin)];
  };
  EXPECT_EQ(both.most_stored(3, 7), n_in(3, 7));
  EXPECT_EQ(both.most_stored(18, 25), n_in(18, 20) + n_in(0, 5));
  EXPECT_EQ(both.most_stored(20, 40), whole.counts.n_stored());
}

TEST(Concatenate, CommonKeepsWhatAllHave) {
  const Dataset joined =
      concatenate({one_cell("a", {"x", "y", "z"}), one_cell("b", {"z", "w", "y"})}, {});
  EXPECT_EQ(joined.var().index(), (std::vector<std::string>{"y", "z"}));
  EXPECT_EQ(joined.counts.values, (std::vector<float>{2, 3, 3, 1}));
  EXPECT_TRUE(joined.measured.is_complete());
}

TEST(Concatenate, UnionTellsWhatIsMissing) {
  const Dataset joined =
      concatenate({one_cell("a", {"x", "y", "z"}), one_cell("b", {"z", "w"})}, kUnion);
  EXPECT_EQ(joined.var().index(), (std::vector<std::string>{"x", "y", "z", "w"}));
  EXPECT_EQ(joined.measured.source_of_cell, (std::vector<std::int32_t>{0, 1}));
  EXPECT_EQ(joined.measured.has_gene[0], (std::vector<bool>{true, true, true, false}));
  EXPECT_EQ(joined.measured.has_gene[1], (std::vector<bool>{false, false, true, true}));
  EXPECT_EQ(joined.counts.columns, (std::vector<GeneIndex>{0, 1, 2, 2, 3}));
}

TEST(Concatenate, TheOrderOfFilesChangesTheOrderOfCellsOnly) {
  const std::vector<Dataset> parts = {one_cell("a", {"x", "y", "z"}), one_cell("b", {"w", "z"}),
                                      one_cell("c", {"u", "z", "w"})};
  const Dataset forth = concatenate({parts[0], parts[1], parts[2]}, kUnion);
  const Dataset back = concatenate({parts[2], parts[1], parts[0]}, kUnion);
  EXPECT_EQ(forth.var().index(), back.var().index());
  for (CellIndex cell = 0; cell < 3; ++cell) {
    const auto a = forth.counts.view().row_values(cell);
    const auto b = back.counts.view().row_values(2 - cell);
    EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end()));
    EXPECT_EQ(forth.measured.has_gene[as_size(cell)], back.measured.has_gene[as_size(2 - cell)]);
  }
}

TEST(Concatenate, GenesMeetByTheColumnThatOverlapsMost) {
  const Dataset named = one_cell("a", {"x", "y", "z"}, {"E1", "E2", "E3"});
  const Dataset by_ids = concatenate({named, one_cell("b", {"E3", "E1"})}, {});
  EXPECT_EQ(by_ids.var().index(), (std::vector<std::string>{"x", "z"}));
  EXPECT_EQ(by_ids.counts.values, (std::vector<float>{1, 3, 2, 1}));
  // Two symbols changed, the ids did not.
  const Dataset changed =
      concatenate({named, one_cell("b", {"X1", "Y1", "z"}, {"E1", "E2", "E3"})}, {});
  EXPECT_EQ(changed.n_genes(), 3);
  // A symbol that two ids share stands for two genes.
  const Dataset both =
      concatenate({named, one_cell("b", {"X1", "y", "z"}, {"E1", "E9", "E3"})}, kUnion);
  EXPECT_EQ(both.n_genes(), 4);
}

TEST(Concatenate, ColumnsOfObsThatAllHave) {
  Dataset a = one_cell("a", {"x"});
  Dataset b = one_cell("b", {"x"});
  a.obs().set("type", make_category_column(std::vector<std::string>{"T"}));
  b.obs().set("type", make_category_column(std::vector<std::string>{"B"}));
  a.obs().set("age", NumberColumn{{3}, NumberColumn::Kind::Integer});
  b.obs().set("age", NumberColumn{{4.5}, NumberColumn::Kind::Float64});
  a.obs().set("batch", NumberColumn{{1}, NumberColumn::Kind::Integer});
  b.obs().set("batch", TextColumn{{"two"}, {}});
  a.obs().set("only", TextColumn{{"here"}, {}});
  const Dataset joined = concatenate({a, b}, {});
  EXPECT_EQ(joined.obs().column_names(), "type, age, batch, reference");
  EXPECT_EQ(std::get<CategoryColumn>(*joined.obs().find("type")).levels,
            (std::vector<std::string>{"B", "T"}));
  EXPECT_EQ(joined.obs().as_text("type"), (std::vector<std::string>{"T", "B"}));
  EXPECT_EQ(joined.obs().as_text("age"), (std::vector<std::string>{"3", "4.5"}));
  EXPECT_EQ(joined.obs().as_text("batch"), (std::vector<std::string>{"1", "two"}));
}

TEST(Concatenate, RefusesFilesThatShareFewGenesAndNamesThem) {
  const std::string message = refused({one_cell("mouse.h5ad", {"Cd3e", "Cd4", "Lyz2", "x"}),
                                       one_cell("man.h5ad", {"CD3E", "x", "CD4", "LYZ"})},
                                      {});
  EXPECT_NE(message.find("mouse.h5ad"), std::string::npos);
  EXPECT_NE(message.find("man.h5ad"), std::string::npos);
  EXPECT_NE(message.find("30 %"), std::string::npos);
}

TEST(Concatenate, SaysWhichFileLacksWhat) {
  const std::string message =
      refused({one_cell("symbols.h5ad", {"x", "y", "z", "u"}),
               one_cell("ids.h5ad", {"ENSG00000000011", "ENSG00000000012", "ENSG00000000013"})},
              {});
  EXPECT_NE(message.find("ids.h5ad has Ensembl ids and no symbols, symbols.h5ad has no ids. Add"),
            std::string::npos)
      << message;
}

// The largest file has symbols only, the others are called by ids and have symbols beside them.
TEST(Concatenate, OfThreeFilesOneMayLackAColumnByWhichTwoMeet) {
  const auto with_symbols = [](const std::string& name, std::vector<std::string> ids,
                               std::vector<std::string> symbols, const char* column) {
    Dataset cells = one_cell(name, std::move(ids));
    cells.var().set(column, TextColumn{std::move(symbols), {}});
    return cells;
  };
  const Dataset a = one_cell("a", {"x", "y", "z", "u", "v"});
  const Dataset b = with_symbols("b", {"ENSG00000000011", "ENSG00000000012", "ENSG00000000019"},
                                 {"x", "y", "w"}, "feature_name");
  const Dataset c = with_symbols("c", {"ENSG00000000012", "ENSG00000000011", "ENSG00000000019"},
                                 {"y", "x", "w"}, "gene_symbols");
  const Dataset common = concatenate({b, a, c}, {});
  EXPECT_EQ(common.var().index(), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(common.counts.values, (std::vector<float>{1, 2, 1, 2, 2, 1}));
  EXPECT_EQ(concatenate({c, b, a}, kUnion).n_genes(), 6);
  // One with ids alone is known by those that another file has beside the symbols.
  const Dataset ids = one_cell("d", {"ENSG00000000012", "ENSG00000000011"});
  const Dataset all = concatenate({a, b, ids}, {});
  EXPECT_EQ(all.var().index(), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(all.counts.values, (std::vector<float>{1, 2, 1, 2, 2, 1}));
}

// The file that knows both kinds of names is the smallest.
TEST(Concatenate, FilesOfIdsAndOfSymbolsMeetByOneThatHasBoth) {
  const Dataset both = one_cell("both", {"x", "y"}, {"ENSG00000000011", "ENSG00000000012"});
  const Dataset ids = one_cell("ids", {"ENSG00000000012", "ENSG00000000011", "ENSG00000000019"});
  const Dataset symbols = one_cell("symbols", {"u", "y", "x", "v"});
  ConcatenateOptions options;
  for (const auto& files : {std::vector{both, ids, symbols}, std::vector{symbols, ids, both}}) {
    const Dataset common = concatenate(files, options);
    EXPECT_EQ(common.var().index(), (std::vector<std::string>{"x", "y"}));
    EXPECT_EQ(concatenate(files, kUnion).n_genes(), 5);
  }
  EXPECT_EQ(concatenate({both, ids, symbols}, options).counts.values,
            (std::vector<float>{1, 2, 2, 1, 3, 2}));
}

TEST(Concatenate, RefusesRepeatedGenesAndNamesTheFile) {
  const std::string id = "ENSG00000000003";
  const std::string message =
      refused({one_cell("a.h5ad", {"x", id, "z"}), one_cell("b.h5ad", {id, id})}, {});
  EXPECT_NE(message.find("b.h5ad"), std::string::npos);
  EXPECT_NE(message.find("'" + id + "'"), std::string::npos);
  refused({one_cell("a.h5ad", {"x", "y", "x"}, {"E1", "E2", "E3"}), one_cell("b.h5ad", {"y"})},
          kUnion);
}

TEST(Concatenate, GenesOfOneFileThatAreTheSameAreAddedUpAndTold) {
  std::vector<std::string> said;
  const auto say = [&](const std::string& note) { said.push_back(note); };
  const std::vector<Dataset> parts = {one_cell("a", {"x", "y", "z"}),
                                      one_cell("b", {"y", "new", "y", "new"})};
  const Dataset joined = concatenate(parts, kUnion, say);
  EXPECT_EQ(joined.var().index(), (std::vector<std::string>{"x", "y", "z", "new"}));
  EXPECT_EQ(joined.counts.values, (std::vector<float>{1, 2, 3, 4, 6}));
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(
      said[0],
      "2 genes of b had the name of another one and were added to it (the first: 'y', 'new')");
}

TEST(Concatenate, GenesOfASingleFileToo) {
  std::vector<std::string> said;
  const auto say = [&](const std::string& note) { said.push_back(note); };
  const Dataset single = concatenate({one_cell("a", {"y", "x", "y"})}, {}, say);
  EXPECT_EQ(single.var().index(), (std::vector<std::string>{"y", "x"}));
  EXPECT_EQ(single.counts.values, (std::vector<float>{4, 2}));
  EXPECT_EQ(said.size(), 1U);
  const std::string id = "ENSG00000000003";
  const Dataset versions = concatenate({one_cell("a", {id + ".1", "x", id + ".2"})}, {}, say);
  EXPECT_EQ(versions.counts.values, (std::vector<float>{4, 2}));
  EXPECT_EQ(said.size(), 2U);
  // Ids tell genes of one symbol apart.
  EXPECT_EQ(concatenate({one_cell("a", {"y", "y-1"}, {"E1", "E2"})}, {}, say).n_genes(), 2);
  EXPECT_EQ(said.size(), 2U);
  refused({one_cell("a", {id, "x", id})}, {});
}

TEST(Concatenate, GenesThatAreOnlyNumberedAreCalledByTheColumnThatNamesThem) {
  const auto numbered = [](const std::string& name, const std::vector<std::string>& genes) {
    Dataset cells = one_cell(name, {"0", "1", "2"});
    cells.var().set("feature_name", TextColumn{genes, {}});
    return cells;
  };
  std::vector<std::string> said;
  const auto say = [&](const std::string& text) { said.push_back(text); };
  const std::string told =
      "a.h5ad: the index of the genes only numbers them; they are called by 'feature_name'";
  const Dataset single = concatenate({numbered("a.h5ad", {"A", "B", "C"})}, {}, say);
  EXPECT_EQ(single.var().index(), (std::vector<std::string>{"A", "B", "C"}));
  EXPECT_EQ(said, std::vector<std::string>{told});
  said.clear();
  const Dataset joined = concatenate(
      {numbered("a.h5ad", {"A", "B", "C"}), numbered("b.h5ad", {"C", "A", "B"})}, {}, say);
  EXPECT_EQ(joined.var().index(), (std::vector<std::string>{"A", "B", "C"}));
  EXPECT_EQ(joined.counts.values, (std::vector<float>{1, 2, 3, 2, 3, 1}));
  EXPECT_EQ(said.front(), told);
}

TEST(Concatenate, AnyColumnOfAFileMayMeetTheOthersNames) {
  Dataset cellxgene = one_cell("c", {"ENSG00000000011", "ENSG00000000012"});
  cellxgene.var().set("feature_name", TextColumn{{"z", "x"}, {}});
  std::vector<std::string> said;
  const Dataset joined = concatenate({one_cell("a", {"x", "y", "z"}), cellxgene}, {},
                                     [&](const std::string& note) { said.push_back(note); });
  EXPECT_EQ(joined.var().index(), (std::vector<std::string>{"x", "z"}));
  EXPECT_EQ(joined.counts.values, (std::vector<float>{1, 3, 2, 1}));
  ASSERT_EQ(said.size(), 1U);
  EXPECT_NE(said[0].find("feature_name"), std::string::npos);
}

TEST(Concatenate, AnyColumnOfTheFileWithMostGenesMayMeet) {
  Dataset cellxgene = one_cell("c", {"ENSG00000000011", "ENSG00000000012", "ENSG00000000013"});
  cellxgene.var().set("feature_name", TextColumn{{"z", "x", "w"}, {}});
  ConcatenateOptions options;
  std::vector<std::string> said;
  const auto say = [&](const std::string& note) { said.push_back(note); };
  const Dataset common = concatenate({one_cell("a", {"x", "z"}), cellxgene}, options, say);
  EXPECT_EQ(common.var().index(), (std::vector<std::string>{"ENSG00000000011", "ENSG00000000012"}));
  EXPECT_EQ(common.counts.values, (std::vector<float>{2, 1, 1, 2}));
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0], "a is matched by feature_name of c, gene names of a");
  // A third file finds a gene of the second by the same column.
  options.genes = GeneChoice::Union;
  const Dataset all =
      concatenate({one_cell("a", {"x", "v"}), cellxgene, one_cell("b", {"v", "x"})}, options);
  EXPECT_EQ(all.n_genes(), 4);
  EXPECT_EQ(all.var().index()[3], "v");
  // Genes of one name there are added up.
  cellxgene.var().set("feature_name", TextColumn{{"x", "x", "w"}, {}});
  const Dataset added = concatenate({one_cell("a", {"x", "w"}), cellxgene}, {});
  EXPECT_EQ(added.var().index(), (std::vector<std::string>{"ENSG00000000011", "ENSG00000000013"}));
  EXPECT_EQ(added.counts.values, (std::vector<float>{1, 2, 3, 3}));
}

TEST(Concatenate, AColumnCalledReferenceStays) {
  Dataset a = one_cell("a", {"x"});
  Dataset b = one_cell("b", {"x"});
  a.obs().set("reference", TextColumn{{"donor1"}, {}});
  b.obs().set("reference", TextColumn{{"donor2"}, {}});
  const Dataset joined = concatenate({a, b}, {});
  EXPECT_EQ(joined.obs().as_text("reference"), (std::vector<std::string>{"donor1", "donor2"}));
  EXPECT_EQ(joined.obs().as_text("reference_file"), (std::vector<std::string>{"a", "b"}));
}

TEST(Concatenate, TheGeneColumnThatIsAskedForNamesTheGenes) {
  Dataset single = one_cell("a", {"ENSG00000000011", "ENSG00000000012", "ENSG00000000013"});
  single.var().set("symbol", TextColumn{{"x", "y", "x"}, {}});
  ConcatenateOptions options;
  options.matching.gene_column = "symbol";
  const Dataset renamed = concatenate({single}, options);
  EXPECT_EQ(renamed.var().index(), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(renamed.var().as_text("gene_ids"),
            (std::vector<std::string>{"ENSG00000000011", "ENSG00000000012"}));
  EXPECT_EQ(renamed.counts.values, (std::vector<float>{4, 2}));
  // A fraction makes them logarithms, ln(1 + x): x is added up.
  single.counts.values[1] = 2.5F;
  EXPECT_FLOAT_EQ(concatenate({single}, options).counts.values[0],
                  std::log(std::exp(1.0F) + std::exp(3.0F) - 1));
  options.matching.gene_column = "nowhere";
  EXPECT_NE(refused({single}, options).find("symbol"), std::string::npos);
}

TEST(Concatenate, RefusesFilesWithoutACommonGene) {
  refused({one_cell("a", {"x", "y"}), one_cell("b", {"y", "z"}), one_cell("c", {"z", "x"})}, {});
}

TEST(ReferenceNames, AreAsShortAsTellsThemApart) {
  const std::vector<std::string> different = {"/data/a.h5ad", "b/", "c.h5"};
  EXPECT_EQ(reference_names(different), (std::vector<std::string>{"a.h5ad", "b", "c.h5"}));
  const std::vector<std::string> alike = {"s1/cells.h5", "s2/cells.h5"};
  EXPECT_EQ(reference_names(alike), alike);
  const std::vector<std::string> twice = {"s1/cells.h5", "./s1/cells.h5"};
  EXPECT_THROW(reference_names(twice), Error);
}

TEST(MakeBarcodesDistinct, CountsOnAndSkipsWhatIsTaken) {
  Dataset dataset("x", {}, Table({"a", "b", "a", "a", "a-1"}), {});
  EXPECT_EQ(make_barcodes_distinct(dataset.obs()), 2);
  EXPECT_EQ(dataset.obs().index(), (std::vector<std::string>{"a", "b", "a-2", "a-3", "a-1"}));
  EXPECT_EQ(make_barcodes_distinct(dataset.obs()), 0);
}

}  // namespace
}  // namespace saithe
