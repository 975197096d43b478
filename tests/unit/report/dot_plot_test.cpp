// The dot plot: dots where the table says, in its sizes and colours; which genes are shown.

#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "saithe/report/plots.h"
#include "support/picture.h"

namespace saithe {
namespace {

using testing::Picture;

/// `n_types` types with `n_genes` genes each, which only they express.
MarkerTable table_of(std::size_t n_types, std::size_t n_genes, const std::string& name = "type ") {
  MarkerTable table;
  for (std::size_t t = 0; t < n_types; ++t) {
    table.types.push_back(name + std::to_string(t));
    table.n_cells.push_back(static_cast<std::int64_t>(100 * t + 1));
    for (std::size_t g = 0; g < n_genes; ++g) {
      table.genes.push_back("GENE" + std::to_string(t * n_genes + g));
      table.row_of.push_back(t);
    }
  }
  table.mean =
      DenseMatrix(static_cast<std::int64_t>(n_types), static_cast<std::int64_t>(n_types * n_genes));
  table.share = table.mean;
  for (std::size_t g = 0; g < table.genes.size(); ++g) {
    const auto row = static_cast<std::int64_t>(table.row_of[g]);
    table.mean(row, static_cast<std::int64_t>(g)) = 3;
    table.share(row, static_cast<std::int64_t>(g)) = 1;
  }
  return table;
}

/// Pixels of the highest colour left of the legend.
std::int64_t n_bright(const MarkerTable& table) {
  const Figure figure = plot_markers(table, "dotplot", "Dots");
  return Picture(figure).count({0, 0, figure.width() - 80, figure.height()}, hex(viridis(1)));
}

TEST(DotPlot, AreaIsTheShareOfCells) {
  MarkerTable table = table_of(3, 4);
  const std::int64_t full = n_bright(table);
  EXPECT_GT(full, 12 * 300);  // of 12 dots of radius 6 points = 452 pixels, less their edges
  for (float& share : std::span(table.share.data(), 36)) share *= 0.5F;
  const double ratio = static_cast<double>(n_bright(table)) / static_cast<double>(full);
  EXPECT_NEAR(ratio, 0.5, 0.07);
}

TEST(DotPlot, ColourIsTheMeanAgainstTheLargest) {
  MarkerTable table = table_of(2, 1);
  table.mean(0, 0) = 6;
  const Figure figure = plot_markers(table, "dotplot", "Dots");
  const Picture picture(figure);
  const Rect plot{0, 0, figure.width() - 80, figure.height()};
  EXPECT_GT(picture.count(plot, hex(viridis(1))), 300);
  EXPECT_GT(picture.count(plot, hex(viridis(0.5))), 300);
}

TEST(DotPlot, NothingIsCutOff) {
  for (const auto& [n_types, n_genes] :
       {std::pair<std::size_t, std::size_t>{1, 1}, {2, 10}, {8, 5}, {40, 1}}) {
    for (const char* name : {"T", "a type with quite a long name "}) {
      const Figure figure = plot_markers(table_of(n_types, n_genes, name), "dotplot", "Dots");
      EXPECT_TRUE(Picture(figure).has_white_margin()) << n_types << " x " << n_genes << name;
    }
  }
}

TEST(DotPlot, EmptyTablesStillGiveAPicture) {
  EXPECT_TRUE(Picture(plot_markers({}, "dotplot", "Dots")).has_white_margin());
  MarkerTable silent = table_of(2, 2);
  std::fill_n(silent.mean.data(), 8, 0.0F);
  std::fill_n(silent.share.data(), 8, 0.0F);
  EXPECT_TRUE(Picture(plot_markers(silent, "dotplot", "Dots")).has_white_margin());
}

/// A model of `n_types` types and an explanation in which gene g speaks for type t by
/// attribution[t][g].
std::pair<Model, Explanation> explanation_of(const std::vector<std::vector<double>>& attribution) {
  const std::size_t n_types = attribution.size();
  const std::size_t n_genes = attribution.front().size();
  std::vector<std::string> types;
  for (std::size_t t = 0; t < n_types; ++t) types.push_back("t" + std::to_string(100 + t));
  Model model;
  model.types = LabelSet(types);
  ReferenceGenes genes;
  for (std::size_t g = 0; g < n_genes; ++g) {
    genes.names.push_back("g" + std::to_string(g));
    genes.inputs.push_back(static_cast<GeneIndex>(g));
  }
  model.preprocessor =
      Preprocessor({}, ExpressionKind::Counts, genes, std::vector<double>(n_genes, 1.0),
                   std::vector<double>(n_genes, 1.0));
  Explanation explanation;
  explanation.expression.mean =
      DenseMatrix(static_cast<std::int64_t>(n_types), static_cast<std::int64_t>(n_genes));
  explanation.expression.share = explanation.expression.mean;
  for (std::size_t t = 0; t < n_types; ++t) {
    TypeExplanation type;
    type.type = static_cast<LabelIndex>(t);
    type.n_cells = 5;
    type.over_all.attribution = attribution[t];
    type.over_all.is_expressed.assign(n_genes, true);
    explanation.types.push_back(type);
    for (std::size_t g = 0; g < n_genes; ++g) {
      explanation.expression.mean.row(static_cast<std::int64_t>(t))[g] =
          static_cast<float>(10 * t + g);
    }
  }
  return {std::move(model), std::move(explanation)};
}

TEST(DotPlot, AGeneStandsOnceWhereItSpeaksLoudest) {
  auto [model, explanation] = explanation_of({{5, 4, 1, 0}, {6, 1, 3, 2}});
  const MarkerTable table = marker_table(model, explanation, 2);
  EXPECT_EQ(table.genes, (std::vector<std::string>{"g1", "g0", "g2"}));
  EXPECT_EQ(table.row_of, (std::vector<std::size_t>{0, 1, 1}));
  EXPECT_EQ(table.mean(0, 0), 1);
  EXPECT_EQ(table.mean(1, 2), 12);
  explanation.types[1].over_all.is_expressed[0] = false;
  EXPECT_EQ(marker_table(model, explanation, 2).genes,
            (std::vector<std::string>{"g0", "g1", "g2", "g3"}));
}

TEST(DotPlot, ManyTypesGetFewerGenesEach) {
  std::vector<std::vector<double>> attribution(15, std::vector<double>(150));
  for (std::size_t g = 0; g < 150; ++g) attribution[g % 15][g] = 1;
  const auto [model, explanation] = explanation_of(attribution);
  EXPECT_EQ(marker_table(model, explanation, 10).genes.size(), 30U);
  EXPECT_EQ(marker_table(model, explanation, 1).genes.size(), 15U);
}

}  // namespace
}  // namespace saithe
