// explain_model() and explain_cells(): what is named for types and cells.

#include "saithe/classify/explain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "support/marker_cells.h"

namespace saithe {
namespace {

using testing::kMarkersOfType;
using testing::marker_cells;

constexpr GeneIndex kGenes = 40;
constexpr CellIndex kCells = 120;

/// A linear member and a network on cells whose genes 4 k to 4 k + 3 mark type k: weights +1 on a
/// type's own markers, small ones elsewhere.
Model marker_model(bool scale = false) {
  const Dataset dataset = marker_cells(90, kGenes, 3, 1);
  Model model;
  model.types = LabelSet({"type0", "type1", "type2"});
  PreprocessorOptions options;
  options.scale = scale;
  model.preprocessor = Preprocessor::fit(dataset.counts.view(), {}, dataset.var().index(),
                                         dataset.var().as_text("gene_ids"), options, Context(1));
  Member linear;
  linear.shape.n_inputs = kGenes;
  linear.shape.n_outputs = 3;
  linear.parameters = initial_parameters(linear.shape, 1);
  for (GeneIndex gene = 0; gene < kGenes; ++gene) {
    for (GeneIndex type = 0; type < 3; ++type) {
      float& weight = linear.parameters.weights.front()[as_size(gene * 3 + type)];
      weight = gene / kMarkersOfType == type ? 1.0F : 0.1F * weight;
    }
  }
  model.members.push_back(linear);
  Member network;
  network.shape.n_inputs = kGenes;
  network.shape.hidden = {9};
  network.shape.n_outputs = 3;
  network.shape.layer_norm = true;
  network.parameters = initial_parameters(network.shape, 2);
  for (float& weight : network.parameters.weights.back())
    weight *= 0.1F;  // the markers' are larger
  model.members.push_back(network);
  share_out(model.members, 0.5);
  return model;
}

Explanation explained(const Model& model, Dataset dataset, const ExplainOptions& options = {},
                      int n_threads = 1) {
  const Context context(n_threads);
  PredictOptions predicting;
  const Predictions predictions =
      predict(model, dataset, predicting, kernels::Device::Cpu, context);
  return explain_cells(model, dataset, predictions, mean_background(model.preprocessor), options,
                       context);
}

std::vector<GeneIndex> genes_of(const std::vector<CellGene>& top) {
  std::vector<GeneIndex> genes;
  for (const CellGene& gene : top) genes.push_back(gene.gene);
  return genes;
}

void expect_same(const Explanation& a, const Explanation& b) {
  ASSERT_EQ(a.types.size(), b.types.size());
  for (std::size_t t = 0; t < a.types.size(); ++t) {
    EXPECT_EQ(a.types[t].over_all.attribution, b.types[t].over_all.attribution);
    EXPECT_EQ(a.types[t].over_other.attribution, b.types[t].over_other.attribution);
    EXPECT_EQ(a.types[t].over_other.other, b.types[t].over_other.other);
  }
  ASSERT_EQ(a.cells.size(), b.cells.size());
  for (std::size_t c = 0; c < a.cells.size(); ++c) {
    EXPECT_EQ(genes_of(a.cells[c].over_all), genes_of(b.cells[c].over_all));
    for (std::size_t i = 0; i < a.cells[c].over_other.size(); ++i) {
      EXPECT_EQ(a.cells[c].over_other[i].attribution, b.cells[c].over_other[i].attribution);
    }
  }
  EXPECT_EQ(a.largest_gap, b.largest_gap);
}

/// Throws of `call` as (kind, message).
template <typename Call>
std::pair<ErrorKind, std::string> refusal(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return {error.kind(), error.what()};
  }
  ADD_FAILURE() << "nothing was refused";
  return {ErrorKind::Internal, ""};
}

TEST(Explain, MarkersSpeakForTheirType) {
  for (const bool scale : {false, true}) {
    const Model model = marker_model(scale);
    const Explanation found = explained(model, marker_cells(kCells, kGenes, 3, 2));
    const Explanation alone = explain_model(model, {});
    for (const Explanation* explanation : {&found, &alone}) {
      ASSERT_EQ(explanation->types.size(), 3U);
      for (const TypeExplanation& type : explanation->types) {
        const auto top = top_genes(type.over_all, Evidence::Expressed, kMarkersOfType);
        EXPECT_EQ(top.size(), as_size(kMarkersOfType));
        for (const GeneIndex gene : top) EXPECT_EQ(gene / kMarkersOfType, type.type) << gene;
        // Other types' markers speak by not being there.
        for (const GeneIndex gene : top_genes(type.over_other, Evidence::Absent, 4)) {
          EXPECT_EQ(gene / kMarkersOfType, type.over_other.other) << gene;
        }
      }
    }
    EXPECT_LT(found.largest_gap, 0.01);
  }
}

TEST(Explain, ThreadsDoNotChangeABit) {
  const Model model = marker_model();
  const Dataset dataset = marker_cells(kCells, kGenes, 3, 2);
  const Explanation one = explained(model, dataset);
  for (const int n_threads : {2, 5}) {
    expect_same(explained(model, dataset, {}, n_threads), one);
  }
}

TEST(Explain, ACellDoesNotDependOnTheOthers) {
  const Model model = marker_model();
  const Dataset dataset = marker_cells(kCells, kGenes, 3, 2);
  std::vector<CellIndex> order(kCells);
  std::iota(order.begin(), order.end(), CellIndex{0});
  Random(4, 0).shuffle(std::span<CellIndex>(order));
  const Explanation straight = explained(model, dataset);
  const Explanation permuted = explained(model, select_cells(dataset, order));
  ASSERT_EQ(permuted.cells.size(), as_size(kCells));
  for (std::size_t i = 0; i < order.size(); ++i) {
    const CellExplanation& before = straight.cells[as_size(order[i])];
    const CellExplanation& after = permuted.cells[i];
    EXPECT_EQ(after.label, before.label);
    EXPECT_EQ(after.other, before.other);
    ASSERT_EQ(genes_of(after.over_all), genes_of(before.over_all));
    for (std::size_t g = 0; g < after.over_all.size(); ++g) {
      EXPECT_EQ(after.over_all[g].attribution, before.over_all[g].attribution);
      EXPECT_EQ(after.over_all[g].expression, before.over_all[g].expression);
    }
  }
}

TEST(Explain, AtMostSoManyCellsOfATypeAreExplained) {
  ExplainOptions options;
  options.cells = 7;
  const Explanation explanation =
      explained(marker_model(), marker_cells(kCells, kGenes, 3, 2), options);
  std::map<LabelIndex, int> n_of;
  for (const CellExplanation& cell : explanation.cells) ++n_of[cell.label];
  for (const auto& [label, n] : n_of) EXPECT_EQ(n, 7) << label;
  EXPECT_TRUE(std::is_sorted(
      explanation.cells.begin(), explanation.cells.end(),
      [](const CellExplanation& a, const CellExplanation& b) { return a.cell < b.cell; }));
  for (const TypeExplanation& type : explanation.types) {
    EXPECT_EQ(type.n_explained, 7);
    EXPECT_GT(type.n_cells, 7);
  }
}

TEST(Explain, ExpressionIsThatOfAllCellsOfTheType) {
  const Model model = marker_model(true);
  Dataset dataset = marker_cells(kCells, kGenes, 3, 2);
  ExplainOptions options;
  options.cells = 2;
  const Explanation explanation = explained(model, dataset, options);
  const Predictions predictions = predict(model, dataset, {}, kernels::Device::Cpu, Context(1));
  for (const GeneIndex gene : {0, 5, 30}) {
    double sum = 0;
    double n_expressing = 0;
    double n = 0;
    for (CellIndex cell = 0; cell < kCells; ++cell) {
      if (predictions.labels[as_size(cell)] != 1) continue;
      const auto genes = dataset.counts.view().row_columns(cell);
      const auto values = dataset.counts.view().row_values(cell);
      double total = 0;
      double count = 0;
      for (std::size_t i = 0; i < genes.size(); ++i) {
        total += static_cast<double>(values[i]);
        if (genes[i] == gene) count = static_cast<double>(values[i]);
      }
      sum += std::log1p(count * 1e4 / total);
      n_expressing += count > 0 ? 1 : 0;
      n += 1;
    }
    EXPECT_NEAR(static_cast<double>(explanation.expression.mean(1, gene)), sum / n, 1e-5);
    EXPECT_NEAR(static_cast<double>(explanation.expression.share(1, gene)), n_expressing / n, 1e-6);
  }
}

TEST(Explain, MeanInOthersWeighsTypesByTheirCells) {
  TypeExpression expression;
  expression.n_cells = {10, 30, 0, 60};
  expression.mean = DenseMatrix(4, 1);
  for (std::int64_t t = 0; t < 4; ++t) expression.mean(t, 0) = static_cast<float>(t + 1);
  EXPECT_NEAR(mean_in_others(expression, 0, 0), (30 * 2 + 60 * 4) / 90.0, 1e-6);
  expression.n_cells = {10, 0, 0, 0};
  EXPECT_TRUE(std::isnan(mean_in_others(expression, 0, 0)));
}

TEST(Explain, AFixedTypeIsComparedWith) {
  ExplainOptions options;
  options.against = "type2";
  const Model model = marker_model();
  const Explanation explanation = explained(model, marker_cells(kCells, kGenes, 3, 2), options);
  for (const CellExplanation& cell : explanation.cells) {
    if (cell.label == 2) {
      EXPECT_NE(cell.other, 2);  // the runner-up
    } else {
      EXPECT_EQ(cell.other, 2);
    }
  }
  EXPECT_EQ(explain_model(model, options).types[1].over_other.other, 2);
}

TEST(Explain, TheMostConfusedTypeOfAModelIsTheSecondOfItsMeanLogits) {
  Model model = marker_model();
  model.novelty.n_types = 3;
  model.novelty.n_axes = 1;
  model.novelty.means = {-1, 9, 1, 3, 20, 4, 9, 2, 0, 5, 6, 7};
  const Explanation explanation = explain_model(model, {});
  EXPECT_EQ(explanation.types[0].over_other.other, 2);
  EXPECT_EQ(explanation.types[1].over_other.other, 0);
  EXPECT_EQ(explanation.types[2].over_other.other, 1);
}

TEST(Explain, RanksAreByAttributionAndOnlyWhatSpeaksForTheType) {
  TypeContrast contrast;
  contrast.attribution = {0.5, 2, -1, 2, 0, 0.7};
  contrast.is_expressed = {true, true, true, true, true, false};
  EXPECT_EQ(top_genes(contrast, Evidence::Expressed, 9), (std::vector<GeneIndex>{1, 3, 0}));
  EXPECT_EQ(top_genes(contrast, Evidence::Expressed, 1), (std::vector<GeneIndex>{1}));
  EXPECT_EQ(top_genes(contrast, Evidence::Absent, 9), (std::vector<GeneIndex>{5}));
}

TEST(Explain, UnassignedCellsAreNotExplained) {
  Model model = marker_model();
  Dataset dataset = marker_cells(kCells, kGenes, 3, 2);
  testing::empty_cell(dataset, 10);
  const Explanation explanation = explained(model, dataset);
  EXPECT_EQ(explanation.cells.size(), as_size(kCells - 1));
  std::int64_t n = 0;
  for (const std::int64_t of_type : explanation.expression.n_cells) n += of_type;
  EXPECT_EQ(n, kCells - 1);
}

TEST(Explain, OptionsThatMakeNoSenseAreRefused) {
  const Model model = marker_model();
  for (const auto& [change, word] : std::vector<std::pair<void (*)(ExplainOptions&), const char*>>{
           {[](ExplainOptions& o) { o.top_genes = 0; }, "--top-genes"},
           {[](ExplainOptions& o) { o.cells = -1; }, "--cells"},
           {[](ExplainOptions& o) { o.steps = 0; }, "--steps"},
           {[](ExplainOptions& o) { o.against = "type9"; }, "type0, type1, type2"}}) {
    ExplainOptions options;
    change(options);
    const auto [kind, message] = refusal([&] { explain_model(model, options); });
    EXPECT_EQ(kind, ErrorKind::InvalidArgument);
    EXPECT_NE(message.find(word), std::string::npos) << message;
  }
  Model single = marker_model();
  single.types = LabelSet({"one"});
  EXPECT_EQ(refusal([&] { require_explainable(single, {}); }).first, ErrorKind::Incompatible);
}

}  // namespace
}  // namespace saithe
