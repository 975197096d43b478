// match_genes(): the genes of a model in a query, and what a query's cells are divided by.

#include "saithe/prep/gene_matching.h"

#include <gtest/gtest.h>

#include <cmath>

#include "saithe/prep/preprocessor.h"
#include "support/reference_genes.h"

namespace saithe {
namespace {

using testing::reference_genes;

TEST(MatchGenes, AnyColumnOfTheQueryMayHoldTheNames) {
  const Preprocessor model({}, ExpressionKind::Counts,
                           reference_genes({"A", "B", "C"}, {"ENSG1", "ENSG2", "ENSG3"}), {0, 0, 0},
                           {1, 1, 1});
  for (const char* column : {"gene_ids", "gene_symbols", "feature_name"}) {
    Table symbols({"x0", "x1", "x2"});
    symbols.set(column, TextColumn{{"C", "A", "Z"}, {}});
    EXPECT_EQ(model.match_genes(symbols).model_gene, (std::vector<GeneIndex>{2, 0, -1})) << column;
    EXPECT_NE(model.match_genes(symbols).matched_by.find(column), std::string::npos);
    Table ids({"x0", "x1", "x2"});
    ids.set(column, TextColumn{{"ENSG9", "ENSG2", "ENSG1"}, {}});
    EXPECT_EQ(model.match_genes(ids).model_gene, (std::vector<GeneIndex>{-1, 1, 0})) << column;
  }
  // an index of ids against a model of symbols that keeps ids, and the index before all where equal
  EXPECT_EQ(model.match_genes(Table({"ENSG3", "ENSG1"})).model_gene,
            (std::vector<GeneIndex>{2, 0}));
  Table both({"A", "B"});
  both.set("gene_ids", TextColumn{{"ENSG2", "ENSG3"}, {}});
  EXPECT_EQ(model.match_genes(both).matched_by, "gene names");
  EXPECT_EQ(model.match_genes(Table({"none"})).n_matched, 0);
}

TEST(MatchGenes, GenesThatAreNoInputsCountForTheTotalAlone) {
  ReferenceGenes genes = reference_genes({"A", "B", "C"}, {}, {0.5, 0.25, 0.25});
  genes.inputs = {1};
  const Preprocessor model({}, ExpressionKind::Counts, genes, {0.5}, {1});
  const GeneMatch match = model.match_genes(Table({"C", "D", "B"}));
  EXPECT_EQ(match.model_gene, (std::vector<GeneIndex>{-1, -1, 0}));
  EXPECT_EQ(match.is_counted, (std::vector<bool>{true, false, true}));
  EXPECT_EQ(match.n_matched, 1);
  EXPECT_DOUBLE_EQ(match.count_share, 0.5);
  EXPECT_EQ(model.match_genes(Table({"B", "A", "C"})).count_share, 1.0);
  const GeneMatch own = model.match_reference();
  EXPECT_EQ(own.model_gene, (std::vector<GeneIndex>{-1, 0, -1}));
  EXPECT_EQ(own.count_share, 1.0);
}

TEST(MatchGenes, TakesTheBetterColumn) {
  const Preprocessor model({}, ExpressionKind::Counts,
                           reference_genes({"A", "B"}, {"ENSG1", "ENSG2"}), {0, 0}, {1, 1});
  Table var({"x", "B", "y"});
  var.set("gene_ids", TextColumn{{"ENSG1", "ENSG2", "ENSG3"}, {}});
  const GeneMatch match = model.match_genes(var);
  EXPECT_EQ(match.matched_by, "gene_ids");
  EXPECT_EQ(match.model_gene, (std::vector<GeneIndex>{0, 1, -1}));
}

TEST(MatchGenes, GenesOfOneNameAreAddedUpAndTheirShareCountsOnce) {
  PreprocessorOptions options;
  options.scale = false;
  const Preprocessor model(options, ExpressionKind::Counts,
                           reference_genes({"A", "B"}, {}, {0.75, 0.25}), {0.5, 0.5}, {1, 1});
  const GeneMatch match = model.match_genes(Table({"B", "A", "B"}));
  EXPECT_EQ(match.model_gene, (std::vector<GeneIndex>{1, 0, 1}));
  EXPECT_EQ(match.is_counted, (std::vector<bool>{true, true, true}));
  EXPECT_EQ(match.n_matched, 2);
  EXPECT_EQ(match.n_added, 1);
  EXPECT_EQ(match.count_share, 1.0);
  ASSERT_EQ(match.notes.size(), 1U);
  EXPECT_NE(match.notes[0].find("'B'"), std::string::npos);
  const Context context(1);
  // The query says the same with one B of 5 as with two of 2 and 3, in counts and in logarithms.
  const CsrMatrix split{1, 3, {0, 3}, {0, 1, 2}, {2.0F, 5.0F, 3.0F}};
  const CsrMatrix whole{1, 2, {0, 2}, {0, 1}, {5.0F, 5.0F}};
  const GeneMatch plain = model.match_genes(Table({"B", "A"}));
  EXPECT_EQ(model.apply(split.view(), match, ExpressionKind::Counts, context).values.values,
            model.apply(whole.view(), plain, ExpressionKind::Counts, context).values.values);
  CsrMatrix logs = split;
  for (float& value : logs.values) value = std::log1p(value);
  const auto added =
      model.apply(logs.view(), match, ExpressionKind::LogNormalized, context).values.values;
  ASSERT_EQ(added.size(), 2U);
  EXPECT_EQ(added[0], std::log1p(5.0F));
  EXPECT_FLOAT_EQ(added[1], std::log1p(5.0F));
}

TEST(MatchGenes, TheColumnThatIsAskedForIsTaken) {
  const Preprocessor model({}, ExpressionKind::Counts, reference_genes({"A", "B"}, {}, {}), {0, 0},
                           {1, 1});
  Table var({"A", "B"});
  var.set("other", TextColumn{{"B", "x"}, {}});
  GeneMatchOptions options;
  options.gene_column = "other";
  EXPECT_EQ(model.match_genes(var, options).model_gene, (std::vector<GeneIndex>{1, -1}));
  EXPECT_EQ(model.match_genes(var, options).matched_by,
            "gene names of the model, other of the query");
  options.gene_column = "index";
  EXPECT_EQ(model.match_genes(var, options).n_matched, 2);
  options.gene_column = "nowhere";
  try {
    (void)model.match_genes(var, options, "query.h5ad");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::BadFormat);
    EXPECT_NE(std::string(error.what()).find("query.h5ad: --gene-column nowhere"),
              std::string::npos);
    EXPECT_NE(std::string(error.what()).find("index, other"), std::string::npos);
  }
}

}  // namespace
}  // namespace saithe
