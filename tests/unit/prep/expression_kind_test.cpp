// What values are taken for, and which are refused.

#include "saithe/prep/expression_kind.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>

#include "saithe/data/packed_cells.h"

namespace saithe {
namespace {

/// Two cells: the first has 1 for gene g0 and 2 for g2, the second these values for g1 and g2.
Dataset cells_with(float a, float b) {
  CsrMatrix counts{2, 3, {0, 2, 4}, {0, 2, 1, 2}, {1.0F, 2.0F, a, b}};
  return Dataset("cells.h5ad", std::move(counts), Table({"first", "second"}),
                 Table({"g0", "g1", "g2"}));
}

ExpressionKind kind_of(const Dataset& dataset) {
  return find_expression_kind(dataset, dataset.counts.view(), 0, Context(2));
}

/// The message of the Error(BadFormat) that a call gives.
template <typename Call>
std::string refusal(Call call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::BadFormat);
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(ExpressionKind, WholeNumbersAreCountsAndSmallFractionsLogarithms) {
  EXPECT_EQ(kind_of(cells_with(3, 5)), ExpressionKind::Counts);
  EXPECT_EQ(kind_of(cells_with(3, 100000)), ExpressionKind::Counts);
  EXPECT_EQ(kind_of(cells_with(0, 0)), ExpressionKind::Counts);
  EXPECT_EQ(kind_of(cells_with(3, 0.25F)), ExpressionKind::LogNormalized);
  // a gene that has all counts of a cell
  const auto largest = static_cast<float>(std::log1p(10000.0));
  EXPECT_EQ(kind_of(cells_with(1, largest)), ExpressionKind::LogNormalized);
  const Dataset empty("empty", CsrMatrix{2, 3, {0, 0, 0}, {}, {}}, Table({"a", "b"}),
                      Table({"g0", "g1", "g2"}));
  EXPECT_EQ(kind_of(empty), ExpressionKind::Counts);
}

TEST(ExpressionKind, OtherValuesAreLocated) {
  for (const float value : {-0.5F, -1.0F, 9.5F, std::nanf(""), HUGE_VALF}) {
    const Dataset dataset = cells_with(value, 2);
    const std::string message = refusal([&] { (void)kind_of(dataset); });
    EXPECT_NE(message.find("'second' (row 1)"), std::string::npos) << message;
    EXPECT_NE(message.find("'g1'"), std::string::npos) << message;
  }
  const Dataset scaled = cells_with(0.5F, -1.5F);  // z-scores: the negative one is named
  EXPECT_NE(refusal([&] { (void)kind_of(scaled); }).find("--layer"), std::string::npos);
}

// Of what most values are the first is fine: the odd one is named.
TEST(ExpressionKind, AmongLogarithmsTheOneThatIsNoneIsNamed) {
  for (const float odd : {-3.0F, 80.0F, std::nanf(""), HUGE_VALF}) {
    constexpr CellIndex kCells = 30;
    CsrMatrix values{kCells, 1, {0}, {}, {}};
    std::vector<std::string> names;
    for (CellIndex cell = 0; cell < kCells; ++cell) {
      values.columns.push_back(0);
      values.values.push_back(cell == 20 ? odd : 0.5F + static_cast<float>(cell) / 7);
      values.row_start.push_back(cell + 1);
      names.push_back("c" + std::to_string(cell));
    }
    Dataset dataset("cells", std::move(values), Table(names), Table({"g"}));
    const auto whole = dataset.counts.view();
    for (const std::string& message :
         {refusal([&] { (void)find_expression_kind(dataset, whole, 0, Context(1)); }),
          refusal([&] { (void)find_expression_kind(dataset, whole, Context(1)); }), refusal([&] {
            const CsrMatrix first = dataset.read_cells(0, 5, Context(1));
            (void)find_expression_kind(dataset, first.view(), Context(1));
          })}) {
      EXPECT_NE(message.find("'c20' (row 20)"), std::string::npos) << message;
    }
  }
}

TEST(ExpressionKind, ALaterBlockMustBeOfTheSameKind) {
  const auto require = [](const Dataset& dataset, ExpressionKind kind) {
    require_expression(dataset, dataset.counts.view(), 0, kind, Context(2));
  };
  EXPECT_NO_THROW(require(cells_with(7, 20), ExpressionKind::Counts));
  EXPECT_NO_THROW(require(cells_with(0.5F, 2), ExpressionKind::LogNormalized));
  EXPECT_NO_THROW(require(cells_with(1, 2), ExpressionKind::LogNormalized));  // logarithms, too
  for (const auto& [value, kind] :
       {std::pair(0.5F, ExpressionKind::Counts), std::pair(10.0F, ExpressionKind::LogNormalized),
        std::pair(-1.0F, ExpressionKind::LogNormalized), std::pair(-1.0F, ExpressionKind::Counts),
        std::pair(std::nanf(""), ExpressionKind::LogNormalized)}) {
    const Dataset dataset = cells_with(value, 2);
    const auto wanted = kind;
    EXPECT_NE(refusal([&] { require(dataset, wanted); }).find("'second'"), std::string::npos);
  }
}

TEST(ExpressionKind, IsToldFromTheFirstCellsWhateverABlockHolds) {
  // Whole numbers, which could be counts, but for a fraction in the last of 1 200 cells.
  constexpr CellIndex kCells = 1200;
  constexpr GeneIndex kGenes = 1000;
  CsrMatrix values{kCells, kGenes, {0}, {}, {}};
  std::vector<std::string> cells;
  std::vector<std::string> genes;
  for (GeneIndex gene = 0; gene < kGenes; ++gene) genes.push_back("g" + std::to_string(gene));
  for (CellIndex cell = 0; cell < kCells; ++cell) {
    cells.push_back("c" + std::to_string(cell));
    for (GeneIndex gene = 0; gene < kGenes; ++gene) values.columns.push_back(gene);
    values.row_start.push_back(std::ssize(values.columns));
  }
  values.values.assign(values.columns.size(), 2.0F);
  values.values.back() = 0.5F;
  Dataset dataset("cells", std::move(values), Table(cells), Table(genes));
  Context little(2);
  little.max_memory = 1;
  const CellIndex end = dataset.block_end(0, 4096, little);
  ASSERT_LT(end, kCells);
  const CsrMatrix block = dataset.read_cells(0, end, little);
  EXPECT_EQ(find_expression_kind(dataset, block.view(), little), ExpressionKind::LogNormalized);
  // A value that is no logarithm makes them counts, wherever it stands.
  dataset.counts.values[dataset.counts.values.size() - 2] = 50;
  EXPECT_EQ(find_expression_kind(dataset, block.view(), little), ExpressionKind::Counts);
}

TEST(ExpressionKind, CellsWithoutAValueTellNothing) {
  // 5 000 empty cells before one with a logarithm.
  constexpr CellIndex kCells = 5001;
  CsrMatrix values{kCells, 1, std::vector<RowPointer>(kCells, 0), {0}, {0.5F}};
  values.row_start.push_back(1);
  std::vector<std::string> cells;
  for (CellIndex cell = 0; cell < kCells; ++cell) cells.push_back("c" + std::to_string(cell));
  Dataset dataset("cells", std::move(values), Table(cells), Table({"g"}));
  const Context context(1);
  const CsrMatrix block = dataset.read_cells(0, 4096, context);
  EXPECT_EQ(find_expression_kind(dataset, block.view(), context), ExpressionKind::LogNormalized);
}

/// Cells of 100 genes each; log(count + 1), or what `of` makes of the counts of a cell.
Dataset logarithms(const std::function<float(double count, double total)>& of) {
  constexpr CellIndex kCells = 60;
  constexpr GeneIndex kGenes = 100;
  CsrMatrix values{kCells, kGenes, {0}, {}, {}};
  std::vector<std::string> cells;
  std::vector<std::string> genes;
  for (GeneIndex gene = 0; gene < kGenes; ++gene) genes.push_back("g" + std::to_string(gene));
  for (CellIndex cell = 0; cell < kCells; ++cell) {
    std::vector<double> counts;
    for (GeneIndex gene = 0; gene < kGenes; ++gene) {
      counts.push_back(static_cast<double>((gene * 7 + cell * 3) % 11 + (gene + cell) % 3 + 1));
    }
    const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
    for (GeneIndex gene = 0; gene < kGenes; ++gene) {
      values.columns.push_back(gene);
      values.values.push_back(of(counts[as_size(gene)], total));
    }
    values.row_start.push_back(std::ssize(values.columns));
    cells.push_back("c" + std::to_string(cell));
  }
  return Dataset("cells.csv", std::move(values), Table(cells), Table(genes));
}

float log1p_of(double sum, double count, double total) {
  return static_cast<float>(std::log1p(count / total * sum));
}

TEST(ExpressionKind, LogarithmsOfAnotherKindAreRefusedUnlessOpeningLookedAtThem) {
  const auto cp10k = [](double count, double total) { return log1p_of(1e4, count, total); };
  EXPECT_EQ(kind_of(logarithms(cp10k)), ExpressionKind::LogNormalized);
  const std::function<float(double, double)> others[] = {
      [](double count, double total) { return log1p_of(1e3, count, total); },
      [](double count, double total) { return log1p_of(1e4, count, total) / std::log(10.0F); },
      [](double count, double) { return static_cast<float>(std::log1p(count)); },
      [](double count, double) { return static_cast<float>(std::log2(count + 1)); },
      [](double count, double total) { return std::log1p(log1p_of(1e4, count, total)); }};
  for (const auto& other : others) {
    Dataset dataset = logarithms(other);
    const std::string message = refusal([&] { (void)kind_of(dataset); });
    EXPECT_NE(message.find("cells.csv: neither counts nor log1p(CP10k) were found"),
              std::string::npos)
        << message;
    const CsrMatrix first = dataset.read_cells(0, 3, Context(1));  // as if memory were little
    EXPECT_NE(refusal([&] { (void)find_expression_kind(dataset, first.view(), Context(1)); }), "");
    PackedCells packed(dataset, Context(1));
    packed.set_values_chosen();
    EXPECT_EQ(find_expression_kind(packed, dataset.counts.view(), 0, Context(1)),
              ExpressionKind::LogNormalized);
  }
}

TEST(ExpressionKind, OfFewLogarithmsNoneAreRefused) {
  const Dataset dataset =
      logarithms([](double count, double) { return static_cast<float>(std::log1p(count)); });
  const CsrMatrix few = select_rows(dataset.counts.view(), std::vector<CellIndex>{0, 1, 2});
  EXPECT_EQ(find_expression_kind(dataset, few.view(), 0, Context(1)),
            ExpressionKind::LogNormalized);
}

TEST(ExpressionKind, ADoubtIsAWarning) {
  Context context(1);
  std::vector<std::string> warnings;
  context.on_warning = [&](const std::string& message) { warnings.push_back(message); };
  // No counts are behind these, and their sums are below 10 000.
  const Dataset dataset = logarithms([](double count, double total) {
    return log1p_of(7e3 + std::fmod(total * total, 997), std::pow(count, 0.83), total);
  });
  EXPECT_EQ(find_expression_kind(dataset, dataset.counts.view(), 0, context),
            ExpressionKind::LogNormalized);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("taken for log1p(CP10k), but may be another logarithm: no counts"),
            std::string::npos)
      << warnings[0];
}

TEST(ExpressionKind, ABlockThatBeginsLaterIsNumberedFromThere) {
  const Dataset dataset = cells_with(0.5F, -1);
  const CsrMatrix second = select_rows(dataset.counts.view(), std::vector<CellIndex>{1});
  const std::string message =
      refusal([&] { (void)find_expression_kind(dataset, second.view(), 1, Context(2)); });
  EXPECT_NE(message.find("'second' (row 1)"), std::string::npos) << message;
}

}  // namespace
}  // namespace saithe
