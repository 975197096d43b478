// Integrated gradients: they add up, a linear model's are known, gradients are finite differences.

#include "saithe/classify/attribution.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "support/marker_cells.h"
#include "support/random_cells.h"

namespace saithe {
namespace {

using testing::marker_cells;

constexpr GeneIndex kGenes = 40;
constexpr double kRounding = 1e-9;  // double sums of float32 weights

Member member_of(std::vector<int> hidden, bool layer_norm, std::uint64_t seed) {
  Member member;
  member.shape.n_inputs = kGenes;
  member.shape.hidden = std::move(hidden);
  member.shape.n_outputs = 3;
  member.shape.layer_norm = layer_norm && !member.shape.hidden.empty();
  member.parameters = initial_parameters(member.shape, seed);
  // Weights so large that the path bends.
  for (auto& weights : member.parameters.weights) {
    for (float& weight : weights) weight *= 3;
  }
  return member;
}

/// An untrained ensemble on statistics of some cells.
Model random_model(bool scale, std::vector<Member> members) {
  const Dataset dataset = marker_cells(90, kGenes, 3, 1);
  Model model;
  model.types = LabelSet({"type0", "type1", "type2"});
  PreprocessorOptions options;
  options.scale = scale;
  model.preprocessor = Preprocessor::fit(dataset.counts.view(), {}, dataset.var().index(),
                                         dataset.var().as_text("gene_ids"), options, Context(1));
  model.members = std::move(members);
  share_out(model.members, 0.5);
  return model;
}

Model mixed_model(bool scale) {
  return random_model(
      scale, {member_of({}, false, 1), member_of({24, 9}, true, 2), member_of({16}, false, 3)});
}

Features features_of(const Model& model, const Dataset& dataset) {
  return model.preprocessor.apply(dataset.counts.view(),
                                  model.preprocessor.match_genes(dataset.var()),
                                  ExpressionKind::Counts, Context(1));
}

CellFeatures cell_of(const CsrMatrix& values, CellIndex cell) {
  return {std::span(values.columns)
              .subspan(as_size(values.row_start[as_size(cell)]), values.view().row_size(cell)),
          std::span(values.values)
              .subspan(as_size(values.row_start[as_size(cell)]), values.view().row_size(cell))};
}

/// What the network sees of a cell, dense.
std::vector<float> dense(const Features& features, CellIndex cell) {
  std::vector<float> z;
  for (const float shift : features.shift) z.push_back(-shift);
  const CellFeatures sparse = cell_of(features.values, cell);
  for (std::size_t i = 0; i < sparse.genes.size(); ++i) {
    z[as_size(sparse.genes[i])] += sparse.values[i];
  }
  return z;
}

TEST(Attribution, AddsUpToTheDifferenceFromTheBackground) {
  Dataset others = marker_cells(12, kGenes, 3, 7);
  for (const bool scale : {false, true}) {
    const Model model = mixed_model(scale);
    const Features features = features_of(model, marker_cells(20, kGenes, 3, 4));
    for (const Background& background :
         {mean_background(model.preprocessor),
          cell_background(model.preprocessor, others, 5, Context(1))}) {
      const Attributor attributor(model, background, features.shift, 32);
      std::vector<double> attributions(kGenes);
      for (CellIndex cell = 0; cell < 20; ++cell) {
        for (const LabelIndex other : {kNoLabel, LabelIndex{2}}) {
          const Completeness found = attributor.attribute(
              cell_of(features.values, cell), contrast_of(model, 1, other), attributions);
          EXPECT_NEAR(std::accumulate(attributions.begin(), attributions.end(), 0.0), found.sum,
                      kRounding);
          EXPECT_NEAR(found.sum, found.difference, 0.01 * std::max(0.1, std::abs(found.difference)))
              << background.name << ", cell " << cell;
        }
      }
    }
  }
}

TEST(Attribution, DifferenceIsThatOfTheContrastItself) {
  const Model model = mixed_model(false);
  const Features features = features_of(model, marker_cells(4, kGenes, 3, 4));
  const Background background = mean_background(model.preprocessor);
  const Attributor attributor(model, background, features.shift, 32);
  // A cell that is the background: its values are the means.
  std::vector<GeneIndex> genes(kGenes);
  std::iota(genes.begin(), genes.end(), 0);
  const auto contrast = contrast_of(model, 0);
  std::vector<double> attributions(kGenes);
  const CellFeatures cell = cell_of(features.values, 1);
  const double difference = attributor.attribute(cell, contrast, attributions).difference;
  EXPECT_NEAR(
      difference,
      attributor.value(cell, contrast) - attributor.value({genes, background.offset}, contrast),
      kRounding);
  EXPECT_NEAR(attributor.attribute({genes, background.offset}, contrast, attributions).sum, 0,
              kRounding);
}

TEST(Attribution, OfALinearModelIsWeightTimesDifferenceFromTheBackground) {
  for (const bool scale : {false, true}) {
    const Model model = random_model(scale, {member_of({}, false, 5)});
    const Features features = features_of(model, marker_cells(6, kGenes, 3, 4));
    const Background background = mean_background(model.preprocessor);
    const Attributor attributor(model, background, features.shift, 1);
    const auto& weights = model.members.front().parameters.weights.front();
    std::vector<double> attributions(kGenes);
    for (CellIndex cell = 0; cell < 6; ++cell) {
      attributor.attribute(cell_of(features.values, cell), contrast_of(model, 2, 0), attributions);
      const std::vector<float> z = dense(features, cell);
      for (std::size_t gene = 0; gene < kGenes; ++gene) {
        const double weight =
            static_cast<double>(weights[3 * gene + 2]) - static_cast<double>(weights[3 * gene]);
        EXPECT_NEAR(
            attributions[gene],
            weight * (static_cast<double>(z[gene]) - static_cast<double>(background.offset[gene])),
            1e-5)  // z is float32
            << gene;
      }
    }
  }
}

TEST(Attribution, OfCellsIsTheMeanOverThem) {
  constexpr int kManySteps =
      8192;  // so many are never doubled, which the two ways would differently
  const Model model = mixed_model(true);
  const Features features = features_of(model, marker_cells(3, kGenes, 3, 4));
  Dataset others = marker_cells(4, kGenes, 3, 8);
  const auto contrast = contrast_of(model, 1);
  const CellFeatures cell = cell_of(features.values, 2);
  std::vector<double> together(kGenes);
  Attributor(model, cell_background(model.preprocessor, others, 0, Context(1)), features.shift,
             kManySteps)
      .attribute(cell, contrast, together);
  std::vector<double> mean(kGenes);
  for (CellIndex i = 0; i < 4; ++i) {
    const std::vector<CellIndex> one = {i};
    Dataset single = select_cells(others, one);
    std::vector<double> alone(kGenes);
    Attributor(model, cell_background(model.preprocessor, single, 0, Context(1)), features.shift,
               kManySteps)
        .attribute(cell, contrast, alone);
    for (std::size_t gene = 0; gene < kGenes; ++gene) mean[gene] += alone[gene] / 4;
  }
  for (std::size_t gene = 0; gene < kGenes; ++gene) {
    EXPECT_NEAR(together[gene], mean[gene], kRounding) << gene;
  }
}

TEST(Attribution, GradientIsTheFiniteDifference) {
  constexpr float kStep = 1.0F / 1024;
  const Model model = mixed_model(false);
  const Features features = features_of(model, marker_cells(3, kGenes, 3, 4));
  const Attributor attributor(model, mean_background(model.preprocessor), features.shift, 32);
  const auto contrast = contrast_of(model, 1);
  std::vector<GeneIndex> genes(kGenes);
  std::iota(genes.begin(), genes.end(), 0);
  const std::vector<float> z = dense(features, 1);
  const auto gradient = attributor.gradient({genes, z}, contrast);
  for (std::size_t gene = 0; gene < kGenes; ++gene) {
    std::vector<float> up = z;
    std::vector<float> down = z;
    up[gene] += kStep;
    down[gene] -= kStep;
    const double slope =
        (attributor.value({genes, up}, contrast) - attributor.value({genes, down}, contrast)) /
        (static_cast<double>(up[gene]) - static_cast<double>(down[gene]));
    EXPECT_NEAR(gradient[gene], slope, 1e-4 * std::max(1.0, std::abs(slope))) << gene;
  }
}

TEST(Attribution, AGeneWithoutWeightGetsNothing) {
  Model model = mixed_model(false);
  constexpr std::size_t kGene = 6;
  for (Member& member : model.members) {
    const auto n_units = as_size(member.shape.outputs_of(0));
    std::fill_n(
        member.parameters.weights.front().begin() + static_cast<std::ptrdiff_t>(kGene * n_units),
        n_units, 0.0F);
  }
  const Features features = features_of(model, marker_cells(9, kGenes, 3, 4));
  const Attributor attributor(model, mean_background(model.preprocessor), features.shift, 8);
  std::vector<double> attributions(kGenes);
  for (CellIndex cell = 0; cell < 9; ++cell) {
    attributor.attribute(cell_of(features.values, cell), contrast_of(model, 0), attributions);
    EXPECT_EQ(attributions[kGene], 0);
    EXPECT_NE(attributions[kGene + 1], 0);
  }
}

TEST(Attribution, AGeneThatTheQueryLacksGetsNothing) {
  for (const bool scale : {false, true}) {
    const Model model = mixed_model(scale);
    std::vector<GeneIndex> kept(kGenes - 1);
    std::iota(kept.begin(), kept.end(), 1);
    const Features features = features_of(model, select_genes(marker_cells(5, kGenes, 3, 4), kept));
    const Attributor attributor(model, mean_background(model.preprocessor), features.shift, 8);
    std::vector<double> attributions(kGenes);
    attributor.attribute(cell_of(features.values, 3), contrast_of(model, 0), attributions);
    EXPECT_EQ(attributions[0], 0);
    EXPECT_NE(attributions[1], 0);
  }
}

TEST(Attribution, ContrastsOfSoftmaxSumToZero) {
  Model model = mixed_model(false);
  for (const LabelIndex other : {kNoLabel, LabelIndex{0}}) {
    const auto contrast = contrast_of(model, 1, other);
    EXPECT_NEAR(std::accumulate(contrast.begin(), contrast.end(), 0.0), 0, 1e-15);
  }
  model.output = OutputKind::OneVsRest;
  EXPECT_EQ(contrast_of(model, 1), (std::vector<double>{0, 1, 0}));
  EXPECT_EQ(contrast_of(model, 1, 2), (std::vector<double>{0, 1, -1}));
}

}  // namespace
}  // namespace saithe
