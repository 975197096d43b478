// Quality control and preprocessing of any counts.

#include <gtest/gtest.h>

#include <cmath>

#include "generate_cells.h"
#include "saithe/prep/preprocessor.h"
#include "saithe/prep/qc.h"

namespace saithe {
namespace {

using namespace testing;  // NOLINT: the generators

Preprocessor fitted(const CsrView& counts, std::span<const CellIndex> cells, int n_threads) {
  std::vector<std::string> names;
  for (GeneIndex g = 0; g < counts.n_cols; ++g) names.push_back("g" + std::to_string(g));
  return Preprocessor::fit(counts, cells, names, {}, PreprocessorOptions{}, Context(n_threads));
}

TEST(PreprocessProperty, StatisticsDoNotDependOnOrderThreadsOrCopies) {
  EXPECT_PROPERTY("mean and sd of cells in any order", [] {
    const CsrMatrix counts = any_counts(1 + any_number_of_cells(), any_number_of_genes());
    const auto order = any_order<CellIndex>(counts.n_rows);
    const Preprocessor straight = fitted(counts.view(), {}, 1);
    const Preprocessor mixed = fitted(select_rows(counts.view(), order).view(), {}, 3);
    for (GeneIndex g = 0; g < counts.n_cols; ++g) {
      const auto at = as_size(g);
      RC_ASSERT(std::abs(straight.mean()[at] - mixed.mean()[at]) <= 1e-12 * 10);
      RC_ASSERT(std::abs(straight.sd()[at] - mixed.sd()[at]) <= 1e-10);
    }
    const Preprocessor chosen = fitted(counts.view(), order, 2);
    RC_ASSERT(chosen.sd().size() == straight.sd().size());
  });
}

TEST(PreprocessProperty, FeaturesOfACellDependOnThatCellAlone) {
  EXPECT_PROPERTY("apply(rows) == rows of apply", [] {
    const CsrMatrix counts = any_counts(1 + any_number_of_cells(), any_number_of_genes());
    const Preprocessor preprocessor = fitted(counts.view(), {}, 1);
    const auto order = any_order<CellIndex>(counts.n_rows);
    const Features all = preprocessor.apply(counts.view(), Context(1));
    const Features some = preprocessor.apply(select_rows(counts.view(), order).view(), Context(2));
    RC_ASSERT(are_equal(some.values.view(), select_rows(all.values.view(), order).view()));
    RC_ASSERT(some.shift == all.shift);
  });
}

TEST(PreprocessProperty, ScaledGenesHaveMeanZeroAndDeviationOne) {
  EXPECT_PROPERTY("z = values - shift has mean 0, sd 1", [] {
    const CsrMatrix counts = any_counts(1 + any_number_of_cells(), any_number_of_genes());
    const Preprocessor preprocessor = fitted(counts.view(), {}, 1);
    const Features features = preprocessor.apply(counts.view(), Context(1));
    const auto n = static_cast<double>(counts.n_rows);
    std::vector<double> sum(as_size(counts.n_cols));
    std::vector<double> squares(as_size(counts.n_cols));
    for (CellIndex c = 0; c < counts.n_rows; ++c) {
      std::vector<double> z(as_size(counts.n_cols));
      for (std::size_t g = 0; g < z.size(); ++g) z[g] = -static_cast<double>(features.shift[g]);
      for (std::size_t i = 0; i < features.values.view().row_size(c); ++i) {
        z[as_size(features.values.view().row_columns(c)[i])] +=
            static_cast<double>(features.values.view().row_values(c)[i]);
      }
      for (std::size_t g = 0; g < z.size(); ++g) {
        sum[g] += z[g];
        squares[g] += z[g] * z[g];
      }
    }
    for (std::size_t g = 0; g < sum.size(); ++g) {
      RC_ASSERT(std::abs(sum[g]) < 1e-4 * n);
      const double expected = preprocessor.sd()[g] > 0 ? n - 1 : 0;
      RC_ASSERT(std::abs(squares[g] - expected) < 1e-3 * n);
    }
  });
}

TEST(QcProperty, FiltersKeepExactlyWhatPasses) {
  EXPECT_PROPERTY("kept cells and genes pass, dropped ones are tallied", [] {
    const CsrMatrix counts = any_counts(any_number_of_cells(), any_number_of_genes());
    const Dataset dataset = as_dataset(counts);
    QcOptions options;
    options.min_genes = *rc::gen::inRange(0, 4);
    options.min_cells = *rc::gen::inRange(0, 4);
    QcResult kept;
    try {
      kept = filter_cells_and_genes(dataset, options, Context(2));
    } catch (const Error& error) {
      RC_ASSERT(error.kind() == ErrorKind::BadFormat);  // nothing remains
      return;
    }
    std::vector<bool> is_kept(as_size(counts.n_rows));
    for (const CellIndex c : kept.cells) is_kept[as_size(c)] = true;
    for (CellIndex c = 0; c < counts.n_rows; ++c) {
      const bool passes = static_cast<int>(counts.view().row_size(c)) >= options.min_genes;
      RC_ASSERT(is_kept[as_size(c)] == passes);
    }
    const auto n_cells = count_cells_per_gene({MatrixRows(counts.view()), kept.cells}, Context(2));
    std::vector<bool> has_gene(as_size(counts.n_cols));
    for (const GeneIndex g : kept.genes) has_gene[as_size(g)] = true;
    for (std::size_t g = 0; g < has_gene.size(); ++g) {
      RC_ASSERT(has_gene[g] == (n_cells[g] >= options.min_cells));
    }
    std::int64_t n_dropped = 0;
    for (const FilterStep& step : kept.steps) n_dropped += step.n_cells_dropped;
    RC_ASSERT(n_dropped + static_cast<std::int64_t>(kept.cells.size()) == counts.n_rows);
  });
}

}  // namespace
}  // namespace saithe
