#include "saithe/data/value_kind.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "saithe/core/random.h"

namespace saithe {
namespace {

constexpr CellIndex kCells = 40;
constexpr GeneIndex kGenes = 60;

/// Counts of cells whose totals differ, by hand: many zeros and ones, a few large.
std::vector<std::vector<double>> make_counts() {
  const Random random(7, 0);
  std::vector<std::vector<double>> counts(kCells, std::vector<double>(kGenes));
  for (CellIndex cell = 0; cell < kCells; ++cell) {
    for (GeneIndex gene = 0; gene < kGenes; ++gene) {
      const double u = random.uniform(static_cast<std::uint64_t>(cell * kGenes + gene));
      counts[as_size(cell)][as_size(gene)] = std::floor(std::pow(u, 8) * 40);
    }
    counts[as_size(cell)][0] += 1 + static_cast<double>(cell % 5);
  }
  return counts;
}

/// The kind of f(count, total of the cell) for genes [first_gene, kGenes).
template <typename F>
ValueKindFinder find(const std::vector<std::vector<double>>& counts, F f,
                     GeneIndex first_gene = 0) {
  CsrMatrix matrix;
  matrix.n_rows = static_cast<CellIndex>(counts.size());
  matrix.n_cols = kGenes - first_gene;
  for (const auto& cell : counts) {
    double total = 0;
    for (const double count : cell) total += count;
    for (GeneIndex gene = first_gene; gene < kGenes; ++gene) {
      const auto value = static_cast<float>(f(cell[as_size(gene)], total));
      if (value == 0) continue;
      matrix.columns.push_back(gene - first_gene);
      matrix.values.push_back(value);
    }
    matrix.row_start.push_back(static_cast<RowPointer>(matrix.values.size()));
  }
  ValueKindFinder finder;
  finder.add(matrix.view(), 0);
  return finder;
}

double log1p_of(double count, double total, double target) {
  return std::log1p(count / total * target);
}

TEST(ValueKind, CountsAndLogarithmsOfThem) {
  const auto counts = make_counts();
  const auto kind = [&](auto f, GeneIndex first = 0) { return find(counts, f, first).kind(); };
  EXPECT_EQ(kind([](double c, double) { return c; }), ValueKind::Counts);
  const auto cp10k = [](double c, double t) { return log1p_of(c, t, 1e4); };
  EXPECT_EQ(kind(cp10k), ValueKind::LogNormalized);
  EXPECT_EQ(kind(cp10k, 20), ValueKind::LogNormalized);  // a subset of the genes
  EXPECT_EQ(kind([](double c, double t) { return log1p_of(c, t, 1e6); }), ValueKind::OtherLog);
  EXPECT_EQ(kind([](double c, double t) { return log1p_of(c, t, 1e6); }, 20), ValueKind::OtherLog);
  // Scanpy's default scales to the median total.
  EXPECT_EQ(kind([](double c, double t) { return log1p_of(c, t, 1730); }), ValueKind::OtherLog);
  EXPECT_EQ(kind([](double c, double) { return std::log1p(c); }), ValueKind::OtherLog);
  EXPECT_EQ(kind([](double c, double) { return std::log2(c + 1); }), ValueKind::OtherLog);
  EXPECT_EQ(kind([](double c, double t) { return std::log2(c / t * 1e4 + 1); }),
            ValueKind::OtherLog);
  EXPECT_EQ(kind([](double c, double t) { return c / t * 1e4; }), ValueKind::Unknown);
}

// To the base of 10 all sums of cells stay below 10 000, as those of some of the genes do.
TEST(ValueKind, LogarithmsToAnotherBaseAreToldApartAlsoOfSomeOfTheGenes) {
  const auto counts = make_counts();
  const auto log10_of = [](double target) {
    return [target](double c, double t) { return std::log10(1 + c / t * target); };
  };
  EXPECT_EQ(find(counts, log10_of(1e4)).kind(), ValueKind::OtherLog);
  EXPECT_EQ(find(counts, log10_of(1e4), 20).kind(), ValueKind::OtherLog);
  EXPECT_EQ(find(counts, log10_of(1e6)).kind(), ValueKind::OtherLog);
  EXPECT_EQ(find(counts, log10_of(1e6), 20).kind(), ValueKind::OtherLog);
  const auto log2 = [](double c, double t) { return std::log2(1 + c / t * 1e3); };
  EXPECT_EQ(find(counts, log2, 20).kind(), ValueKind::OtherLog);
  // Counts that were corrected are not whole; their sums tell it where all genes are there.
  const auto corrected = [](double c) { return c == 0 ? 0 : std::sqrt(c); };
  std::vector<std::vector<double>> fractions = counts;
  for (auto& cell : fractions) {
    for (double& count : cell) count = corrected(count);
  }
  EXPECT_EQ(find(fractions, log10_of(1e4)).kind(), ValueKind::OtherLog);
}

TEST(ValueKind, LogarithmsOfNoCountsAreDoubtfulUnlessTheirSumsAreRight) {
  const auto counts = make_counts();
  const auto cp10k = [](double c, double t) { return log1p_of(c, t, 1e4); };
  EXPECT_EQ(find(counts, cp10k).doubt(), "");
  EXPECT_EQ(find(counts, cp10k, 20).doubt(), "");
  std::vector<std::vector<double>> fractions = counts;
  for (auto& cell : fractions) {
    for (double& count : cell) count = std::sqrt(count) * 1.37;
  }
  EXPECT_EQ(find(fractions, cp10k).doubt(), "");
  const ValueKindFinder some = find(fractions, cp10k, 20);
  EXPECT_EQ(some.kind(), ValueKind::LogNormalized);
  EXPECT_TRUE(some.doubt().starts_with("no counts are behind it"));
}

// Counts of another sum, as Scanpy's default makes them, of some of the genes.
TEST(ValueKind, LogarithmsOfAnotherSumAreOthersAndDoubtfulInFewCells) {
  auto counts = make_counts();
  const auto median = [](double c, double t) { return log1p_of(c, t, 1731); };
  const ValueKindFinder many = find(counts, median, 20);
  EXPECT_EQ(many.kind(), ValueKind::OtherLog);
  EXPECT_TRUE(many.doubt().starts_with("10 000 over a cell's smallest value")) << many.doubt();
  counts.resize(15);
  const ValueKindFinder few = find(counts, median, 20);
  EXPECT_EQ(few.kind(), ValueKind::LogNormalized);
  EXPECT_TRUE(few.doubt().starts_with("10 000 over a cell's smallest value")) << few.doubt();
}

// Of divisors of 10 000 the smallest values stand for whole sums of counts, too.
TEST(ValueKind, LogarithmsOfADivisorOfTheSumAreOthers) {
  const auto counts = make_counts();
  for (const auto& [target, divisor] : {std::pair(1e3, "10"), std::pair(5e3, "2")}) {
    const double sum = target;
    const auto logs = [sum](double c, double t) { return log1p_of(c, t, sum); };
    const ValueKindFinder found = find(counts, logs, 20);
    EXPECT_EQ(found.kind(), ValueKind::OtherLog);
    EXPECT_TRUE(found.doubt().starts_with(
        "of 10 000 counts a cell, nearly every cell would have a multiple of " +
        std::string(divisor)))
        << found.doubt();
  }
  // Cells that were thinned to one depth have one sum of counts.
  std::vector<std::vector<double>> alike = counts;
  for (auto& cell : alike) {
    double total = 0;
    for (const double count : cell) total += count;
    cell[0] += 1230 - total;  // a multiple of 10
  }
  const auto cp10k = [](double c, double t) { return log1p_of(c, t, 1e4); };
  EXPECT_EQ(find(alike, cp10k, 20).doubt(), "");
  EXPECT_EQ(find(alike, cp10k, 20).kind(), ValueKind::LogNormalized);
}

TEST(ValueKind, LogarithmsThatWereTakenTwiceAreOthers) {
  const auto counts = make_counts();
  const auto twice = [](double c, double t) { return std::log1p(log1p_of(c, t, 1e4)); };
  EXPECT_EQ(find(counts, twice).kind(), ValueKind::OtherLog);
  EXPECT_EQ(find(counts, twice, 20).kind(), ValueKind::OtherLog);
}

TEST(ValueKind, ZScores) {
  const auto counts = make_counts();
  std::vector<std::vector<double>> scores(kCells, std::vector<double>(kGenes));
  for (std::size_t gene = 0; gene < kGenes; ++gene) {
    double mean = 0;
    double square = 0;
    for (const auto& cell : counts) mean += cell[gene] / kCells;
    for (const auto& cell : counts) square += (cell[gene] - mean) * (cell[gene] - mean) / kCells;
    for (std::size_t cell = 0; cell < kCells; ++cell) {
      if (square > 0) scores[cell][gene] = (counts[cell][gene] - mean) / std::sqrt(square);
    }
  }
  const auto clipped = [](double limit) {
    return [limit](double score, double) { return std::min(score, limit); };
  };
  EXPECT_EQ(find(scores, clipped(1e9)).kind(), ValueKind::ZScored);
  EXPECT_EQ(find(scores, clipped(3)).kind(), ValueKind::ZScored);
  EXPECT_EQ(find(scores, [](double score, double) { return 5 * score; }).kind(),
            ValueKind::Unknown);
}

// Their mean and variance are those of z-scores.
TEST(ValueKind, SparseCountsWithANegativeOneAreNoZScores) {
  std::vector<std::vector<double>> counts(kCells, std::vector<double>(kGenes));
  for (std::size_t cell = 0; cell < kCells; ++cell) {
    for (std::size_t gene = cell % 5; gene < kGenes; gene += 7) counts[cell][gene] = 1;
  }
  counts[3][5] = -1;
  const auto as_it_is = [](double count, double) { return count; };
  const ValueKindFinder found = find(counts, as_it_is);
  EXPECT_EQ(found.kind(), ValueKind::Unknown);
  EXPECT_EQ(found.first_no_count().value, -1);
  counts[4][6] = -0.5;
  EXPECT_EQ(find(counts, as_it_is).kind(), ValueKind::ZScored);
}

TEST(ValueKind, OneOddValueIsFoundAndLocated) {
  for (const float odd : {-1.0F, 1.5F, std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN()}) {
    CsrMatrix matrix{2, 3, {0, 2, 4}, {0, 2, 1, 2}, {1, 2, 30, odd}};
    ValueKindFinder finder;
    finder.add(matrix.view(), 100);
    EXPECT_EQ(finder.kind(), ValueKind::Unknown) << odd;
    EXPECT_EQ(finder.first_no_count().cell, 101);
    EXPECT_EQ(finder.first_no_count().gene, 2);
  }
  ValueKindFinder one;
  one.add(CsrMatrix{2, 2, {0, 2, 4}, {0, 1, 0, 1}, {1, 2, 30, 1.5F}}.view(), 0);
  EXPECT_EQ(one.warning(Table({"c0", "c1"}), Table({"g0", "g1"})),
            "the values are no counts: they are of no known kind (cell 'c1' (row 1) has the value "
            "1.5 for gene 'g1'; counts are whole numbers)");
  ValueKindFinder nothing;
  EXPECT_FALSE(nothing.has_values());
  EXPECT_EQ(nothing.kind(), ValueKind::Counts);
  nothing.add(CsrMatrix{2, 3, {0, 0, 1}, {1}, {0}}.view(), 0);  // a zero that is stored
  EXPECT_FALSE(nothing.has_values());
}

}  // namespace
}  // namespace saithe
