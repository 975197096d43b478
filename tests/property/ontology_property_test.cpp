// Roll-up of any probabilities over any types, on the bundled ontology.

#include <gtest/gtest.h>

#include <cmath>

#include "generate_cells.h"
#include "saithe/classify/ontology_rollup.h"

namespace saithe {
namespace {

using namespace testing;  // NOLINT: the generators

const CellOntology& ontology() {
  static const CellOntology read =
      CellOntology::read(std::filesystem::path(SAITHE_SOURCE_DIR) / "data" / "cl-basic.obo.gz");
  return read;
}

/// Any terms, some types without one, some sharing one.
std::vector<TermIndex> any_terms() {
  std::vector<TermIndex> terms(*rc::gen::inRange<std::size_t>(1, 12));
  const auto n_terms = static_cast<TermIndex>(ontology().terms().size());
  for (std::size_t t = 0; t < terms.size(); ++t) {
    terms[t] = *rc::gen::inRange<TermIndex>(-1, n_terms);
    if (t > 0 && *rc::gen::inRange(0, 4) == 0) terms[t] = terms[t - 1];
    if (terms[t] >= 0 && !ontology().term(terms[t]).is_cell_type) terms[t] = kNoTerm;
  }
  return terms;
}

DenseMatrix any_probabilities(std::int64_t n_types) {
  DenseMatrix rows(*rc::gen::inRange<std::int64_t>(1, 600), n_types);
  // Few numbers are drawn, many made of them: the rows only have to be awkward to add up.
  const auto draw = *rc::gen::inRange<std::uint32_t>(1, 1U << 30);
  std::uint32_t state = draw;
  for (std::int64_t r = 0; r < rows.n_rows(); ++r) {
    double sum = 0;
    for (float& p : rows.row(r)) {
      state = state * 1664525U + 1013904223U;
      p = std::exp(static_cast<float>(state >> 8) / static_cast<float>(1U << 24) * 12.0F);
      sum += static_cast<double>(p);
    }
    for (float& p : rows.row(r)) p = static_cast<float>(static_cast<double>(p) / sum);
  }
  return rows;
}

TEST(OntologyProperty, NoTermIsLessProbableThanOneBelowIt) {
  EXPECT_PROPERTY("p(parent) >= p(child), to the bit", [] {
    const auto terms = any_terms();
    const OntologyRollup rollup(ontology(), terms);
    const DenseMatrix rows = any_probabilities(static_cast<std::int64_t>(terms.size()));
    const DenseMatrix rolled = rollup.roll_up(rows.view(), Context(1));
    for (std::size_t child = 0; child < rollup.terms().size(); ++child) {
      for (const TermIndex above : ontology().find_ancestors(rollup.terms()[child])) {
        if (!ontology().term(above).is_cell_type) continue;
        const auto found = std::lower_bound(rollup.terms().begin(), rollup.terms().end(), above);
        RC_ASSERT(found != rollup.terms().end() && *found == above);
        const auto parent = found - rollup.terms().begin();
        for (std::int64_t r = 0; r < rows.n_rows(); ++r) {
          RC_ASSERT(rolled(r, parent) >= rolled(r, static_cast<std::int64_t>(child)));
        }
      }
    }
  });
}

TEST(OntologyProperty, TheRootHasTheSumOfAllTypesThatLieBelowIt) {
  EXPECT_PROPERTY("p(cell) == sum of the types under it", [] {
    const auto terms = any_terms();
    const OntologyRollup rollup(ontology(), terms);
    const DenseMatrix rows = any_probabilities(static_cast<std::int64_t>(terms.size()));
    const DenseMatrix rolled = rollup.roll_up(rows.view(), Context(1));
    const TermIndex root = ontology().find("CL:0000000");
    const auto found = std::find(rollup.terms().begin(), rollup.terms().end(), root);
    std::vector<bool> is_below;
    for (const TermIndex term : terms) {
      const auto above =
          term == kNoTerm ? std::vector<TermIndex>{} : ontology().find_ancestors(term);
      is_below.push_back(std::find(above.begin(), above.end(), root) != above.end());
    }
    const bool any_below = std::find(is_below.begin(), is_below.end(), true) != is_below.end();
    RC_ASSERT(any_below == (found != rollup.terms().end()));
    for (std::int64_t r = 0; any_below && r < rows.n_rows(); ++r) {
      double sum = 0;
      for (std::size_t t = 0; t < terms.size(); ++t) {
        if (is_below[t]) sum += static_cast<double>(rows(r, static_cast<std::int64_t>(t)));
      }
      RC_ASSERT(rolled(r, found - rollup.terms().begin()) == static_cast<float>(sum));
    }
  });
}

TEST(OntologyProperty, TheDeepestTermIsTheBestOfAllThatPass) {
  EXPECT_PROPERTY("as a search over all terms finds it; threads and blocks change nothing", [] {
    const auto terms = any_terms();
    const OntologyRollup rollup(ontology(), terms);
    const DenseMatrix rows = any_probabilities(static_cast<std::int64_t>(terms.size()));
    const double threshold = *rc::gen::inRange(1, 101) / 100.0;
    const auto cells = rollup.find_deepest(rows.view(), threshold, Context(2));
    for (std::int64_t r = 0; r < rows.n_rows(); ++r) {
      const RolledUpCell& cell = cells[as_size(r)];
      double best = 0;
      TermIndex deepest = kNoTerm;
      for (std::size_t i = 0; i < rollup.terms().size(); ++i) {
        double sum = 0;
        for (const LabelIndex type : rollup.types_of(i)) {
          sum += static_cast<double>(rows(r, type));
        }
        if (sum < threshold) continue;
        const int depth = ontology().term(rollup.terms()[i]).depth;
        const int deepest_depth = deepest == kNoTerm ? -1 : ontology().term(deepest).depth;
        if (depth < deepest_depth || (depth == deepest_depth && sum <= best)) continue;
        deepest = rollup.terms()[i];
        best = sum;
      }
      LabelIndex alone = kNoLabel;
      for (std::size_t t = 0; t < terms.size(); ++t) {
        const auto p = static_cast<double>(rows(r, static_cast<std::int64_t>(t)));
        if (terms[t] != kNoTerm || p < threshold || p <= best) continue;
        alone = static_cast<LabelIndex>(t);
        best = p;
      }
      RC_ASSERT(cell.type == alone);
      RC_ASSERT(cell.term == (alone == kNoLabel ? deepest : kNoTerm));
      RC_ASSERT(cell.probability == static_cast<float>(best));
      const DenseView one = {1, rows.n_cols(), rows.row(r).data()};
      RC_ASSERT(rollup.find_deepest(one, threshold, Context(1)).front().term == cell.term);
    }
  });
}

}  // namespace
}  // namespace saithe
