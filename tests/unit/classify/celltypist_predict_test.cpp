// Decisions against a plain loop over every gene; against CellTypist itself in
// celltypist_parity_test.cpp.

#include "saithe/classify/celltypist_predict.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "saithe/core/error.h"
#include "saithe/core/random.h"

namespace saithe {
namespace {

// Sums in another order.
constexpr double kTolerance = 1e-9;

CellTypistModel random_model(LabelIndex n_types, GeneIndex n_genes) {
  const Random random(3, 0);
  std::uint64_t at = 0;
  CellTypistModel model;
  for (LabelIndex type = 0; type < n_types; ++type) {
    model.cell_types.push_back(fmt::format("type {}", type));
    model.intercepts.push_back(random.normal(at++));
  }
  for (GeneIndex gene = 0; gene < n_genes; ++gene) {
    model.genes.push_back(fmt::format("gene {}", gene));
    // some are so rare that an expressed one passes 10; some means are negative, even below -10 sd
    model.mean.push_back(gene % 7 == 3 ? -1 : 0.1 * random.uniform(at++));
    model.scale.push_back(gene % 3 == 0 ? 0.05 : 1 + random.uniform(at++));
  }
  for (LabelIndex i = 0; i < n_types * n_genes; ++i)
    model.coefficients.push_back(random.normal(at++));
  return model;
}

CsrMatrix random_expression(CellIndex n_cells, GeneIndex n_genes) {
  const Random random(4, 0);
  CsrMatrix matrix;
  matrix.n_rows = n_cells;
  matrix.n_cols = n_genes;
  for (CellIndex cell = 0; cell < n_cells; ++cell) {
    for (GeneIndex gene = 0; gene < n_genes; ++gene) {
      const auto at = static_cast<std::uint64_t>(cell * n_genes + gene);
      if (cell == 1 || random.uniform(2 * at) > 0.2) continue;  // cell 1 has no counts
      matrix.columns.push_back(gene);
      // a stored zero is like none
      matrix.values.push_back(gene == 5 ? 0 : 3 * random.uniform_float(2 * at + 1));
    }
    matrix.row_start.push_back(static_cast<RowPointer>(matrix.columns.size()));
  }
  return matrix;
}

/// The formula of the header, gene by gene; counts the cut z-scores.
double plain_decision(const CellTypistModel& model, const CsrView& x, CellIndex cell,
                      LabelIndex type, const std::vector<GeneIndex>& model_gene, int& n_cut) {
  double decision = model.intercepts[as_size(type)];
  for (GeneIndex column = 0; column < x.n_cols; ++column) {
    const GeneIndex gene = model_gene[as_size(column)];
    if (gene < 0) continue;
    double value = 0;
    for (std::size_t i = 0; i < x.row_size(cell); ++i) {
      if (x.row_columns(cell)[i] == column) value = static_cast<double>(x.row_values(cell)[i]);
    }
    const double z = (value - model.mean[as_size(gene)]) / model.scale[as_size(gene)];
    n_cut += z > 10 ? 1 : 0;
    decision += std::min(z, 10.0) * model.coefficients[as_size(type * model.n_genes() + gene)];
  }
  return decision;
}

TEST(CellTypistPredict, DecisionsAreThoseOfThePlainLoop) {
  const CellTypistModel model = random_model(4, 60);
  const CsrMatrix x = random_expression(600, 70);
  std::vector<GeneIndex> match(70, -1);
  for (GeneIndex column = 0; column < 50; ++column) match[as_size(69 - column)] = column;
  const auto decisions = celltypist_decisions(model, x.view(), match, Context(1, 0));
  ASSERT_EQ(decisions.size(), 2400U);
  int n_cut = 0;
  for (CellIndex cell = 0; cell < 20; ++cell) {
    for (LabelIndex type = 0; type < 4; ++type) {
      EXPECT_NEAR(decisions[as_size(cell * 4 + type)],
                  plain_decision(model, x.view(), cell, type, match, n_cut), kTolerance);
    }
  }
  EXPECT_GT(n_cut, 0);
  EXPECT_EQ(decisions, celltypist_decisions(model, x.view(), match, Context(3, 0)));
}

TEST(CellTypistPredict, LabelsAndProbabilities) {
  const std::vector<double> decisions = {-1, 2, 0.5, 800, 801, -900, 3, 3, 1};
  EXPECT_EQ(celltypist_labels(decisions, 3), (std::vector<LabelIndex>{1, 1, 0}));
  const DenseMatrix p = celltypist_probabilities(decisions, 3);
  ASSERT_EQ(p.n_rows(), 3);
  EXPECT_FLOAT_EQ(p(0, 0), 0.26894142F);  // scipy.special.expit
  EXPECT_FLOAT_EQ(p(0, 1), 0.88079708F);
  EXPECT_EQ(p(1, 0), 1.0F);
  EXPECT_EQ(p(1, 2), 0.0F);
}

TEST(CellTypistPredict, GenesMatchByNameTheFirstOfRepeated) {
  CellTypistModel model = random_model(2, 3);
  model.genes = {"A", "B", "A-2"};
  const std::vector<GeneIndex> plain = {1, -1, 0};
  EXPECT_EQ(match_celltypist_genes(model, {"B", "b", "A"}), plain);
  // A becomes A, A-1 is taken, so; a query's own A-2 would be first
  const std::vector<GeneIndex> repeated = {0, 2, -1, -1, 1};
  EXPECT_EQ(match_celltypist_genes(model, {"A", "A", "A-1", "A", "B"}), repeated);
}

TEST(CellTypistPredict, WrongMatchesAndValuesAreRefused) {
  const CellTypistModel model = random_model(2, 3);
  CsrMatrix x = random_expression(4, 3);
  const auto kind_of = [&](const std::vector<GeneIndex>& match) {
    try {
      celltypist_decisions(model, x.view(), match, Context(1, 0));
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::Internal;
  };
  EXPECT_EQ(kind_of({-1, -1, -1}), ErrorKind::Incompatible);
  EXPECT_EQ(kind_of({0, 1}), ErrorKind::InvalidArgument);
  EXPECT_EQ(kind_of({0, 1, 3}), ErrorKind::InvalidArgument);
  EXPECT_EQ(kind_of({0, 1, 1}), ErrorKind::InvalidArgument);
  ASSERT_FALSE(x.values.empty());
  x.values[0] = NAN;
  EXPECT_EQ(kind_of({0, 1, 2}), ErrorKind::Numerical);
}

}  // namespace
}  // namespace saithe
