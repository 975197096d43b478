// Axes of cells that lack features are those of complete cells.

#include "saithe/prep/incomplete_axes.h"

#include <gtest/gtest.h>

#include <cmath>

#include "saithe/core/random.h"
#include "saithe/prep/principal_axes.h"

namespace saithe {
namespace {

constexpr GeneIndex kGenes = 40;
constexpr CellIndex kCells = 800;

/// Cells of two factors; odd ones lack the first ten features, even ones the last ten, if asked.
struct FactorCells {
  CsrMatrix features{kCells, kGenes, {0}, {}, {}};
  std::vector<double> center = std::vector<double>(kGenes);
  std::vector<CellsWithInputs> groups;

  explicit FactorCells(bool lacks) : groups(2) {
    const Random random(9, 2);
    for (std::size_t gene = 0; gene < kGenes; ++gene) center[gene] = 1 + random.uniform(gene);
    for (std::size_t group = 0; group < 2; ++group) {
      if (lacks) groups[group].has_input.assign(kGenes, true);
      for (std::size_t i = 0; lacks && i < 10; ++i) {
        groups[group].has_input[group == 1 ? i : kGenes - 1 - i] = false;
      }
    }
    for (CellIndex cell = 0; cell < kCells; ++cell) {
      const auto at = static_cast<std::uint64_t>(1000 * (cell + 1));
      auto& group = groups[as_size(cell % 2)];
      group.cells.push_back(cell);
      const double first = 3 * random.normal(at);
      const double second = 2 * random.normal(at + 1);
      for (std::size_t gene = 0; gene < kGenes; ++gene) {
        double value = center[gene];
        if (group.has_input.empty() || group.has_input[gene]) {
          const double angle = static_cast<double>(gene);
          value += first * std::cos(angle) + second * std::sin(angle) +
                   0.3 * random.normal(at + 2 + gene);
        }
        features.columns.push_back(static_cast<GeneIndex>(gene));
        features.values.push_back(static_cast<float>(value));
      }
      features.row_start.push_back(static_cast<RowPointer>(features.columns.size()));
    }
  }
  [[nodiscard]] AlignedVector<float> axes() const {
    return fit_principal_axes(features.view(), center, 2, Context(1));
  }
  [[nodiscard]] AlignedVector<float> completed() const {
    return complete_axes(axes(), MatrixRows(features.view()), groups, center, Context(1));
  }
};

/// Which share of a unit vector within one plane lies in another, at least: the smaller cosine of
/// two planes.
double likeness(const AlignedVector<float>& a, const AlignedVector<float>& b) {
  double product[2][2] = {};
  for (std::size_t gene = 0; gene < kGenes; ++gene) {
    for (std::size_t i = 0; i < 2; ++i) {
      for (std::size_t j = 0; j < 2; ++j) {
        product[i][j] +=
            static_cast<double>(a[2 * gene + i]) * static_cast<double>(b[2 * gene + j]);
      }
    }
  }
  // The smaller singular value: the determinant is the product of both.
  double squares = 0;
  for (const auto& row : product) squares += row[0] * row[0] + row[1] * row[1];
  const double determinant = product[0][0] * product[1][1] - product[0][1] * product[1][0];
  const double root = std::sqrt(std::max(0.0, squares * squares - 4 * determinant * determinant));
  return std::sqrt(std::max(0.0, (squares - root) / 2));
}

TEST(IncompleteAxes, AreThoseOfCompleteCells) {
  const auto expected = FactorCells(false).axes();
  const FactorCells cells(true);
  EXPECT_LT(likeness(cells.axes(), expected), 0.99);
  const auto completed = cells.completed();
  EXPECT_GT(likeness(completed, expected), 0.999);
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t j = 0; j < 2; ++j) {
      double product = 0;
      for (std::size_t gene = 0; gene < kGenes; ++gene) {
        product += static_cast<double>(completed[2 * gene + i]) *
                   static_cast<double>(completed[2 * gene + j]);
      }
      EXPECT_NEAR(product, i == j ? 1 : 0, 1e-6);
    }
  }
}

TEST(IncompleteAxes, OfCompleteCellsStayWhatTheyAre) {
  const FactorCells cells(false);
  EXPECT_GT(likeness(cells.completed(), cells.axes()), 0.99999);
}

TEST(IncompleteAxes, AFeatureThatNoCellHasHarmsNoWeight) {
  FactorCells cells(true);
  for (auto& group : cells.groups) group.has_input[20] = false;
  for (const float weight : cells.completed()) EXPECT_TRUE(std::isfinite(weight));
}

}  // namespace
}  // namespace saithe
