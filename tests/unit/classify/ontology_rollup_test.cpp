#include "saithe/classify/ontology_rollup.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "saithe/core/text_io.h"
#include "small_ontology.h"

namespace saithe {
namespace {

using namespace testing;  // NOLINT: the small ontology

DenseMatrix rows_of(const std::vector<std::vector<float>>& rows) {
  DenseMatrix matrix(static_cast<std::int64_t>(rows.size()),
                     static_cast<std::int64_t>(rows.front().size()));
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::copy(rows[r].begin(), rows[r].end(), matrix.row(static_cast<std::int64_t>(r)).begin());
  }
  return matrix;
}

/// CD4 T, CD8 T, B, monocyte, and a type without a term.
class SmallRollup : public ::testing::Test {
 protected:
  [[nodiscard]] std::vector<TermIndex> terms_of_types() const {
    return {ontology_.find("CL:0000005"), ontology_.find("CL:0000006"),
            ontology_.find("CL:0000007"), ontology_.find("CL:0000009"), kNoTerm};
  }
  RolledUpCell deepest(const std::vector<float>& row, double threshold) const {
    return rollup_.find_deepest(rows_of({row}).view(), threshold, context_).front();
  }
  void expect_deepest(const std::vector<float>& row, double threshold, const char* id, float p) {
    const RolledUpCell cell = deepest(row, threshold);
    EXPECT_EQ(cell.term, ontology_.find(id)) << id;
    EXPECT_EQ(cell.type, kNoLabel);
    EXPECT_FLOAT_EQ(cell.probability, p) << id;
  }

  const CellOntology ontology_ = small_ontology();
  const Context context_{1};
  const OntologyRollup rollup_{ontology_, terms_of_types()};
};

TEST_F(SmallRollup, TypesThatDoNotExcludeEachOtherAreTrueTogether) {
  const OntologyRollup rollup(ontology_, terms_of_types(), false);
  const DenseMatrix row = rows_of({{0.75F, 0.5F, 0.5F, 0.875F, 0.25F}});
  const DenseMatrix found = rollup.roll_up(row.view(), context_);
  EXPECT_EQ(found(0, 3), 0.875F);   // CD4 or CD8 T: 1 - 0.25 * 0.5
  EXPECT_EQ(found(0, 2), 0.9375F);  // or B
  EXPECT_EQ(found(0, 0), 0.9921875F);
  EXPECT_EQ(rollup_.roll_up(row.view(), context_)(0, 3), 1.0F);  // 1.25 is none
  for (std::int64_t term = 0; term < found.n_cols(); ++term) EXPECT_LE(found(0, term), 1.0F);
}

TEST_F(SmallRollup, KeepsOnlyTermsAboveATypeAndEachTypeOnce) {
  std::vector<std::string> ids;
  for (const TermIndex term : rollup_.terms()) ids.push_back(ontology_.term(term).id);
  EXPECT_EQ(ids, (std::vector<std::string>{"CL:0000001", "CL:0000002", "CL:0000003", "CL:0000004",
                                           "CL:0000005", "CL:0000006", "CL:0000007", "CL:0000008",
                                           "CL:0000009"}));
  const auto types = [&](std::size_t i) {
    const auto found = rollup_.types_of(i);
    return std::vector<LabelIndex>(found.begin(), found.end());
  };
  EXPECT_EQ(types(0), (std::vector<LabelIndex>{0, 1, 2, 3}));  // the monocyte once, of two paths
  EXPECT_EQ(types(1), (std::vector<LabelIndex>{0, 1, 2, 3}));
  EXPECT_EQ(types(2), (std::vector<LabelIndex>{0, 1, 2}));
  EXPECT_EQ(types(3), (std::vector<LabelIndex>{0, 1}));
  EXPECT_EQ(types(8), (std::vector<LabelIndex>{3}));
}

TEST_F(SmallRollup, SumsTheTypesBelow) {
  const DenseMatrix rolled =
      rollup_.roll_up(rows_of({{0.25F, 0.125F, 0.5F, 0.0625F, 0.0625F}}).view(), context_);
  const std::vector<float> expected = {0.9375F, 0.9375F, 0.875F,  0.375F, 0.25F,
                                       0.125F,  0.5F,    0.0625F, 0.0625F};
  EXPECT_EQ(std::vector<float>(rolled.row(0).begin(), rolled.row(0).end()), expected);
}

TEST_F(SmallRollup, SaysTheDeepestTermThatIsCertainEnough) {
  expect_deepest({0.75F, 0.125F, 0.125F, 0, 0}, 0.5, "CL:0000005", 0.75F);
  expect_deepest({0.75F, 0.125F, 0.125F, 0, 0}, 0.8, "CL:0000004", 0.875F);
  expect_deepest({0.75F, 0.125F, 0.125F, 0, 0}, 0.9, "CL:0000003", 1);
  expect_deepest({0.5F, 0, 0, 0.5F, 0}, 0.6, "CL:0000002", 1);     // below "cell", as probable
  expect_deepest({0.5F, 0, 0, 0.5F, 0}, 0.5, "CL:0000005", 0.5F);  // exactly passes
}

TEST_F(SmallRollup, EquallyDeepTermsGoByProbabilityThenId) {
  expect_deepest({0.375F, 0.4375F, 0, 0, 0.1875F}, 0.3, "CL:0000006", 0.4375F);
  expect_deepest({0.375F, 0.375F, 0, 0, 0.25F}, 0.3, "CL:0000005", 0.375F);
  // Depth comes first: the CD4 T cell is deeper than the more probable monocyte.
  expect_deepest({0.375F, 0, 0, 0.625F, 0}, 0.3, "CL:0000005", 0.375F);
}

TEST_F(SmallRollup, ATypeWithoutATermStandsForItself) {
  const RolledUpCell cell = deepest({0.125F, 0, 0, 0.125F, 0.75F}, 0.5);
  EXPECT_EQ(cell.term, kNoTerm);
  EXPECT_EQ(cell.type, 4);
  EXPECT_EQ(cell.probability, 0.75F);
  // Where a term passes, too, the more probable of both.
  EXPECT_EQ(deepest({0.375F, 0, 0, 0, 0.625F}, 0.3).type, 4);
  expect_deepest({0.5F, 0, 0, 0, 0.5F}, 0.3, "CL:0000005", 0.5F);
}

TEST_F(SmallRollup, NothingIsSaidWhereNothingPasses) {
  for (const RolledUpCell& cell :
       {deepest({0, 0, 0, 0, 0}, 0.01), deepest({0.25F, 0.25F, 0, 0, 0.5F}, 0.6),
        deepest({9.99e-5F, 0, 0, 0, 0}, 1e-4)}) {
    EXPECT_EQ(cell.term, kNoTerm);
    EXPECT_EQ(cell.type, kNoLabel);
    EXPECT_EQ(cell.probability, 0);
  }
}

TEST_F(SmallRollup, NoProbabilityIsAbove1) {
  EXPECT_EQ(deepest({0.6000001F, 0.4F, 0, 0, 0}, 1).probability, 1.0F);
  const DenseMatrix row = rows_of({{0.6000001F, 0.4F, 0, 0, 0}});
  const DenseMatrix rolled_up = rollup_.roll_up(row.view(), context_);
  EXPECT_LE(*std::ranges::max_element(rolled_up.row(0)), 1.0F);
}

TEST_F(SmallRollup, MistakesAreNamed) {
  const DenseMatrix four = rows_of({{0.5F, 0.5F, 0, 0}});
  EXPECT_SAITHE_ERROR(rollup_.roll_up(four.view(), context_), ErrorKind::InvalidArgument,
                      "probabilities of 4 types cannot be rolled up; expected the model's 5");
  for (const float p : {-0.5F, std::numeric_limits<float>::quiet_NaN()}) {
    const DenseMatrix wrong = rows_of({{0, 0, 0, 0, 0}, {0, 0, p, 0, 0}});
    EXPECT_SAITHE_ERROR(rollup_.find_deepest(wrong.view(), 0.5, context_),
                        ErrorKind::InvalidArgument, "of cell 1 of its block");
  }
  const DenseMatrix right = rows_of({{1, 0, 0, 0, 0}});
  for (const double threshold : {0.0, -1.0, 1.5, std::nan("")}) {
    EXPECT_SAITHE_ERROR(rollup_.find_deepest(right.view(), threshold, context_),
                        ErrorKind::InvalidArgument, "--ontology-threshold");
  }
  const std::vector<TermIndex> obsolete = {ontology_.find("CL:0000022")};
  EXPECT_SAITHE_ERROR(OntologyRollup(ontology_, obsolete), ErrorKind::InvalidArgument,
                      "of type 0 is no cell type");
  const std::vector<TermIndex> outside = {1000};
  EXPECT_SAITHE_ERROR(OntologyRollup(ontology_, outside), ErrorKind::InvalidArgument, "term 1000");
}

TEST_F(SmallRollup, NoCellsAndNoMappedTypes) {
  EXPECT_TRUE(rollup_.find_deepest(DenseMatrix(0, 5).view(), 0.5, context_).empty());
  const std::vector<TermIndex> none = {kNoTerm, kNoTerm};
  const OntologyRollup alone(ontology_, none);
  EXPECT_TRUE(alone.terms().empty());
  const DenseMatrix row = rows_of({{0.25F, 0.75F}});
  EXPECT_EQ(alone.roll_up(row.view(), context_).n_cols(), 0);
  EXPECT_EQ(alone.find_deepest(row.view(), 0.5, context_).front().type, 1);
}

// What a search over every term of the bundled release finds (tests/golden/ontology/generate.py).
TEST(OntologyRollup, TheBundledReleaseGivesWhatABruteForceSearchGives) {
  const CellOntology ontology = bundled_ontology();
  LineReader expected(std::string(SAITHE_TEST_FILES) + "/ontology/rollup.tsv");
  std::string_view line;
  std::vector<std::string_view> fields;
  ASSERT_TRUE(expected.next(line));
  split_fields(line, '\t', fields);
  const std::size_t n_types = fields.size() - 4;
  std::vector<TermIndex> terms;
  for (std::size_t t = 0; t < n_types; ++t) terms.push_back(ontology.find(fields[t + 1]));
  const OntologyRollup rollup(ontology, terms);
  const auto number = [](std::string_view text) {
    double value = 0;
    EXPECT_TRUE(parse_number(text, value)) << text;
    return value;
  };
  int n_rows = 0;
  while (expected.next(line)) {
    split_fields(line, '\t', fields);
    ASSERT_EQ(fields.size(), n_types + 4);
    std::vector<float> row;
    for (std::size_t t = 0; t < n_types; ++t) {
      row.push_back(static_cast<float>(number(fields[t + 1])));
    }
    const RolledUpCell cell =
        rollup.find_deepest(rows_of({row}).view(), number(fields[0]), Context(1)).front();
    EXPECT_EQ(cell.term == kNoTerm ? "" : ontology.term(cell.term).id, fields[n_types + 1])
        << expected.where();
    EXPECT_EQ(std::to_string(cell.type), fields[n_types + 2]) << expected.where();
    EXPECT_EQ(cell.probability, static_cast<float>(number(fields[n_types + 3])))
        << expected.where();
    ++n_rows;
  }
  EXPECT_EQ(n_rows, 300);
}

}  // namespace
}  // namespace saithe
