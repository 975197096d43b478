// Preprocessor and Augmenter on cells of files with different genes: what is missing is the mean of
// those who have it, never 0, and shifts no other gene.

#include <gtest/gtest.h>

#include <cmath>

#include "saithe/prep/augment.h"
#include "saithe/prep/normalize.h"
#include "saithe/prep/preprocessor.h"
#include "support/marker_cells.h"

namespace saithe {
namespace {

constexpr GeneIndex kGenes = 24;
constexpr CellIndex kCells = 60;
// Float32 features of size 10.
constexpr double kTolerance = 2e-6;

std::vector<std::string> names_of(GeneIndex n) {
  std::vector<std::string> names;
  for (GeneIndex g = 0; g < n; ++g) names.push_back("g" + std::to_string(g));
  return names;
}

/// Cells of which every other is of a file that lacks the genes from 16 on.
struct Files {
  CsrMatrix counts;
  MeasuredGenes measured;
};

Files two_files() {
  Files files;
  const Dataset cells = testing::marker_cells(kCells, kGenes, 3);
  files.counts.n_rows = kCells;
  files.counts.n_cols = kGenes;
  files.measured.has_gene.assign(2, std::vector<bool>(kGenes, true));
  for (GeneIndex gene = 16; gene < kGenes; ++gene)
    files.measured.has_gene[1][as_size(gene)] = false;
  for (CellIndex cell = 0; cell < kCells; ++cell) {
    const auto source = static_cast<std::int32_t>(cell % 2);
    files.measured.source_of_cell.push_back(source);
    const auto genes = cells.counts.view().row_columns(cell);
    for (std::size_t i = 0; i < genes.size(); ++i) {
      if (!files.measured.has_gene[as_size(source)][as_size(genes[i])]) continue;
      files.counts.columns.push_back(genes[i]);
      files.counts.values.push_back(cells.counts.view().row_values(cell)[i]);
    }
    files.counts.row_start.push_back(static_cast<RowPointer>(files.counts.columns.size()));
  }
  return files;
}

Preprocessor fitted(const Files& files, const PreprocessorOptions& options) {
  return Preprocessor::fit(files.counts.view(), {}, names_of(kGenes), {}, options, Context(2),
                           ExpressionKind::Counts, files.measured);
}

PreprocessorOptions unscaled() {
  PreprocessorOptions options;
  options.scale = false;
  return options;
}

float value_at(const CsrView& matrix, CellIndex cell, GeneIndex gene) {
  const auto genes = matrix.row_columns(cell);
  for (std::size_t i = 0; i < genes.size(); ++i) {
    if (genes[i] == gene) return matrix.row_values(cell)[i];
  }
  return 0;
}

TEST(MissingGenes, StatisticsAreOfTheCellsThatHaveTheGene) {
  const Files files = two_files();
  const Preprocessor fit = fitted(files, unscaled());
  const CsrMatrix features = fit.measured_features(files.counts.view(), Context(1), files.measured);
  for (GeneIndex gene = 0; gene < kGenes; ++gene) {
    std::vector<double> values;
    for (CellIndex cell = 0; cell < kCells; ++cell) {
      if (files.measured.has_gene[files.measured.source_of(cell)][as_size(gene)]) {
        values.push_back(static_cast<double>(value_at(features.view(), cell, gene)));
      }
    }
    EXPECT_EQ(values.size(), gene < 16 ? 60U : 30U);
    double mean = 0;
    for (const double value : values) mean += value / static_cast<double>(values.size());
    double squares = 0;
    for (const double value : values) squares += (value - mean) * (value - mean);
    EXPECT_NEAR(fit.mean()[as_size(gene)], mean, kTolerance);
    EXPECT_NEAR(fit.sd()[as_size(gene)],
                std::sqrt(squares / (static_cast<double>(values.size()) - 1)), kTolerance);
  }
}

TEST(MissingGenes, AFileIsNormalisedAsAQueryWithoutThem) {
  const Files files = two_files();
  const Preprocessor fit = fitted(files, unscaled());
  std::vector<std::string> names = names_of(16);
  const GeneMatch match = fit.match_genes(Table(names));
  std::vector<GeneIndex> columns(kGenes, -1);
  for (GeneIndex gene = 0; gene < 16; ++gene) columns[as_size(gene)] = gene;
  const CsrMatrix query = map_columns(files.counts.view(), columns, 16);
  const Features of_query = fit.apply(query.view(), match, ExpressionKind::Counts, Context(1));
  const Features of_files = fit.apply(files.counts.view(), Context(1), files.measured);
  for (CellIndex cell = 1; cell < kCells; cell += 2) {
    for (GeneIndex gene = 0; gene < 16; ++gene) {
      EXPECT_NEAR(static_cast<double>(value_at(of_files.values.view(), cell, gene)),
                  static_cast<double>(value_at(of_query.values.view(), cell, gene)), kTolerance);
    }
  }
  EXPECT_LT(match.count_share, 0.9);
}

TEST(MissingGenes, CountAsTheirMean) {
  const Files files = two_files();
  for (const bool scale : {false, true}) {
    PreprocessorOptions options;
    options.scale = scale;
    const Preprocessor fit = fitted(files, options);
    const Features features = fit.apply(files.counts.view(), Context(1), files.measured);
    validate(features.values.view(), "features");
    for (GeneIndex gene = 16; gene < kGenes; ++gene) {
      const auto at = as_size(gene);
      ASSERT_GT(fit.mean()[at], 0);
      const float expected = scale ? features.shift[at] : static_cast<float>(fit.mean()[at]);
      for (CellIndex cell = 1; cell < kCells; cell += 2) {
        EXPECT_EQ(value_at(features.values.view(), cell, gene), expected);  // scaled: z = 0
      }
    }
  }
}

TEST(MissingGenes, CompleteFilesAreAsIfOne) {
  Files files = two_files();
  files.measured.has_gene.assign(2, std::vector<bool>(kGenes, true));
  const Preprocessor marked = fitted(files, unscaled());
  files.measured = {};
  const Preprocessor plain = fitted(files, unscaled());
  EXPECT_EQ(marked.mean(), plain.mean());
  EXPECT_EQ(marked.sd(), plain.sd());
}

TEST(MissingGenes, VariableGenesAreChosenByTheCellsThatHaveThem) {
  // Gene 3 varies as much as gene 2, but only a third of the cells has it.
  CsrMatrix counts;
  counts.n_cols = 40;
  MeasuredGenes measured;
  measured.has_gene = {std::vector<bool>(40, true), std::vector<bool>(40, true)};
  measured.has_gene[1][3] = false;
  const Random random(4, 4);
  for (CellIndex cell = 0; cell < 90; ++cell) {
    const std::int32_t source = cell % 3 == 0 ? 0 : 1;
    measured.source_of_cell.push_back(source);
    for (GeneIndex gene = 0; gene < 40; ++gene) {
      const auto draw = random.below(static_cast<std::uint64_t>(cell * 40 + gene), 4);
      float value = 5.0F + static_cast<float>(draw);
      if (gene == 2 || gene == 3) value = cell % 2 == 0 ? 1.0F : 12.0F;
      if (gene == 3 && source == 1) continue;
      counts.columns.push_back(gene);
      counts.values.push_back(value);
    }
    counts.row_start.push_back(static_cast<RowPointer>(counts.columns.size()));
    ++counts.n_rows;
  }
  PreprocessorOptions options = unscaled();
  options.n_variable_genes = 2;
  const Preprocessor fit = Preprocessor::fit(counts.view(), {}, names_of(40), {}, options,
                                             Context(1), ExpressionKind::Counts, measured);
  EXPECT_EQ(fit.gene_names(), (std::vector<std::string>{"g2", "g3"}));
}

TEST(MissingGenes, AreNeitherThinnedNorLeftOut) {
  const Files files = two_files();
  const Preprocessor fit = fitted(files, unscaled());
  AugmentOptions options;
  options.input_mask = 0.5;
  options.thin_share = 1;
  const InputCells inputs(MatrixRows(files.counts.view()), fit, Context(2), files.measured);
  const Augmenter augmenter(inputs, options, Context(2));
  const std::vector<CellIndex> cells = {1, 2, 3, 5};
  const CsrMatrix features = augmenter.features_of_epoch(cells, 7, 0);
  ASSERT_EQ(features.n_rows, 4);
  validate(features.view(), "features");
  for (GeneIndex gene = 16; gene < kGenes; ++gene) {
    for (const CellIndex row : {0, 2, 3}) {
      EXPECT_EQ(value_at(features.view(), row, gene),
                static_cast<float>(fit.mean()[as_size(gene)]));
    }
  }
  int n_left_out = 0;
  for (GeneIndex gene = 0; gene < kGenes; ++gene) {
    if (value_at(features.view(), 1, gene) == 0) ++n_left_out;
  }
  EXPECT_GT(n_left_out, 6);
}

TEST(MissingGenes, ThinnedCellsAreNormalisedToTheTargetOfTheirFile) {
  const Files files = two_files();
  const Preprocessor fit = fitted(files, unscaled());
  AugmentOptions options;
  options.thin_share = 1;
  const InputCells inputs(MatrixRows(files.counts.view()), fit, Context(1), files.measured);
  const Augmenter augmenter(inputs, options, Context(1));
  const std::vector<CellIndex> cells = {0, 1};
  const CsrMatrix features = augmenter.features_of_epoch(cells, 3, 2);
  const auto targets = fit.target_sums(files.measured);
  EXPECT_EQ(targets[0], 10000);
  EXPECT_LT(targets[1], 9000);
  for (const CellIndex cell : cells) {
    double total = 0;
    for (GeneIndex gene = 0; gene < (cell == 1 ? 16 : kGenes); ++gene) {
      total += std::expm1(static_cast<double>(value_at(features.view(), cell, gene)));
    }
    EXPECT_NEAR(total, targets[as_size(cell)], 0.05);
  }
}

}  // namespace
}  // namespace saithe
