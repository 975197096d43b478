// Backgrounds of explanations: the training cells' mean, cells of a file.

#include "saithe/classify/background.h"

#include <gtest/gtest.h>

#include "support/marker_cells.h"

namespace saithe {
namespace {

using testing::marker_cells;

constexpr GeneIndex kGenes = 40;
constexpr double kRounding = 1e-9;

Preprocessor fitted(bool scale) {
  const Dataset dataset = marker_cells(90, kGenes, 3, 1);
  PreprocessorOptions options;
  options.scale = scale;
  return Preprocessor::fit(dataset.counts.view(), {}, dataset.var().index(),
                           dataset.var().as_text("gene_ids"), options, Context(1));
}

TEST(Background, OfTheModelIsTheMeanOfEachGene) {
  for (const bool scale : {false, true}) {
    const Preprocessor preprocessor = fitted(scale);
    const Background background = mean_background(preprocessor);
    EXPECT_EQ(background.values.n_rows, 1);
    EXPECT_EQ(background.values.n_stored(), 0);
    EXPECT_EQ(background.expression, preprocessor.mean());
    for (std::size_t gene = 0; gene < kGenes; ++gene) {
      EXPECT_EQ(background.offset[gene],
                scale ? 0.0F : static_cast<float>(preprocessor.mean()[gene]));
    }
  }
}

TEST(Background, OfCellsIsTheirMeanExpression) {
  const Preprocessor preprocessor = fitted(true);
  Dataset cells = marker_cells(10, kGenes, 3, 8);
  testing::empty_cell(cells, 5);
  const Background background = cell_background(preprocessor, cells, 0, Context(1));
  EXPECT_EQ(background.values.n_rows, 9);  // without the empty one
  EXPECT_EQ(cell_background(preprocessor, cells, 5, Context(1)).values.n_rows, 5);
  const Features logs =
      preprocessor.unscaled().apply(cells.counts.view(), preprocessor.match_genes(cells.var()),
                                    ExpressionKind::Counts, Context(1));
  std::vector<double> mean(kGenes);
  for (std::size_t i = 0; i < logs.values.values.size(); ++i) {
    mean[as_size(logs.values.columns[i])] += static_cast<double>(logs.values.values[i]) / 9;
  }
  for (std::size_t gene = 0; gene < kGenes; ++gene) {
    EXPECT_NEAR(background.expression[gene], mean[gene], kRounding);
  }
}

TEST(Background, CellsThatSayNothingAreRefused) {
  const Preprocessor preprocessor = fitted(false);
  Dataset empty = marker_cells(1, kGenes, 3, 8);
  testing::empty_cell(empty, 0);
  EXPECT_THROW(cell_background(preprocessor, empty, 0, Context(1)), Error);
  Dataset foreign = marker_cells(3, kGenes, 3, 8);
  std::vector<std::string> names(kGenes, "x");
  for (std::size_t i = 0; i < names.size(); ++i) names[i] += std::to_string(i);
  foreign.var() = Table(names);
  EXPECT_THROW(cell_background(preprocessor, foreign, 0, Context(1)), Error);
}

}  // namespace
}  // namespace saithe
