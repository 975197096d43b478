// Principal axes against NumPy's singular vectors (tests/golden/novelty), and of planted structure.

#include "saithe/prep/principal_axes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "saithe/core/random.h"
#include "saithe/core/text_io.h"
#include "support/random_cells.h"

namespace saithe {
namespace {

CsrMatrix sparse_of(const std::vector<std::vector<float>>& rows) {
  CsrMatrix matrix;
  matrix.n_rows = static_cast<CellIndex>(rows.size());
  matrix.n_cols = static_cast<GeneIndex>(rows[0].size());
  for (const auto& row : rows) {
    for (std::size_t gene = 0; gene < row.size(); ++gene) {
      if (row[gene] == 0) continue;
      matrix.columns.push_back(static_cast<GeneIndex>(gene));
      matrix.values.push_back(row[gene]);
    }
    matrix.row_start.push_back(static_cast<RowPointer>(matrix.columns.size()));
  }
  return matrix;
}

TEST(PrincipalAxes, AreNumPysSingularVectors) {
  const auto json =
      nlohmann::json::parse(read_file(SAITHE_TEST_FILES "/novelty/expected.json", 1 << 20));
  const CsrMatrix cells = sparse_of(json.at("features").get<std::vector<std::vector<float>>>());
  std::vector<CellIndex> training(json.at("n_training").get<std::size_t>());
  std::iota(training.begin(), training.end(), CellIndex{0});
  const auto center = json.at("center").get<std::vector<double>>();
  const auto axes =
      fit_principal_axes(select_rows(cells.view(), training).view(), center, 3, Context(1));
  const auto expected = json.at("axes").get<std::vector<std::vector<float>>>();
  ASSERT_EQ(axes.size(), 36U);
  for (std::size_t gene = 0; gene < 12; ++gene) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      EXPECT_NEAR(axes[3 * gene + axis], expected[gene][axis], 2e-7) << gene << ' ' << axis;
    }
  }
}

TEST(PrincipalAxes, FindWhatIsPlantedAmongManyGenes) {
  // Cells that lie on two directions of 300 genes, far more than the noise around them.
  constexpr std::int64_t kGenes = 300;
  const Random random(3, 1);
  std::vector<std::vector<double>> planted(2, std::vector<double>(kGenes));
  for (std::size_t gene = 0; gene < kGenes; ++gene) planted[gene % 2][gene] = 1 / std::sqrt(150);
  std::vector<std::vector<float>> rows;
  std::vector<double> center(kGenes);
  std::uint64_t index = 0;
  for (int cell = 0; cell < 400; ++cell) {
    const double far[2] = {20 * random.normal(index++), 10 * random.normal(index++)};
    std::vector<float> row;
    for (std::size_t gene = 0; gene < kGenes; ++gene) {
      const double value = far[gene % 2] * planted[gene % 2][gene] + 0.1 * random.normal(index++);
      row.push_back(static_cast<float>(value));
      center[gene] += value / 400;
    }
    rows.push_back(std::move(row));
  }
  const auto axes = fit_principal_axes(sparse_of(rows).view(), center, 5, Context(1));
  ASSERT_EQ(axes.size(), as_size(5 * kGenes));
  for (std::size_t a = 0; a < 5; ++a) {
    for (std::size_t b = 0; b < 5; ++b) {
      double product = 0;
      for (std::size_t g = 0; g < kGenes; ++g) {
        product += static_cast<double>(axes[5 * g + a]) * static_cast<double>(axes[5 * g + b]);
      }
      EXPECT_NEAR(product, a == b ? 1 : 0, 1e-6);
    }
  }
  for (std::size_t a = 0; a < 2; ++a) {
    double along = 0;
    for (std::size_t g = 0; g < kGenes; ++g) {
      along += static_cast<double>(axes[5 * g + a]) * planted[a][g];
    }
    EXPECT_GT(std::abs(along), 0.99) << a;
  }
}

TEST(PrincipalAxes, HaveTheSameBitsForAnyNumberOfThreadsAndAnyMemory) {
  const CsrMatrix cells = testing::random_cells(5000, 90, 0.3, 5);
  const std::vector<double> center(90, 0.25);
  const auto one = fit_principal_axes(cells.view(), center, 8, Context(1));
  EXPECT_EQ(one, fit_principal_axes(cells.view(), center, 8, Context(3)));
  Context little(2);
  little.max_memory = 1;  // from the temporary file
  EXPECT_EQ(one, fit_principal_axes(cells.view(), center, 8, little));
}

TEST(PrincipalAxes, AreNoMoreThanCellsOrGenes) {
  const CsrMatrix cells = testing::random_cells(30, 6, 0.5, 5);
  const std::vector<double> center(6, 0.1);
  EXPECT_EQ(fit_principal_axes(cells.view(), center, 20, Context(1)).size(), 36U);
  const std::vector<CellIndex> two = {4, 9};
  const auto axes =
      fit_principal_axes(select_rows(cells.view(), two).view(), center, 20, Context(1));
  EXPECT_EQ(axes.size(), 12U);
  for (const float value : axes) EXPECT_TRUE(std::isfinite(value));
}

}  // namespace
}  // namespace saithe
