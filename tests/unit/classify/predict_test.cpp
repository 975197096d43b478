// predict(): the same bits whatever the blocks, genes that match or do not, cells without counts.

#include "saithe/classify/predict.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>

#include "support/marker_cells.h"

namespace saithe {
namespace {

using testing::empty_cell;
using testing::first_gene;
using testing::marker_cells;
using testing::stored_value;

constexpr GeneIndex kGenes = 40;

/// An untrained network on statistics of some cells: predictions need no more.
Model random_model() {
  const Dataset dataset = marker_cells(90, kGenes, 3, 1);
  Model model;
  model.types = LabelSet({"type0", "type1", "type2"});
  model.preprocessor =
      Preprocessor::fit(dataset.counts.view(), {}, dataset.var().index(),
                        dataset.var().as_text("gene_ids"), PreprocessorOptions{}, Context(1));
  Member member;
  member.shape = {kGenes, {70, 12}, {0.5}, 3};
  member.parameters = initial_parameters(member.shape, 3);
  model.members.push_back(std::move(member));
  return model;
}

Predictions everything(const Model& model, Dataset dataset, std::int64_t block_cells = 4096,
                       int n_threads = 1, bool force = false) {
  PredictOptions options;
  options.with_logits = true;
  options.with_hidden = true;
  options.force = force;
  options.block_cells = block_cells;
  return predict(model, dataset, options, kernels::Device::Cpu, Context(n_threads));
}

void expect_same(const DenseMatrix& a, const DenseMatrix& b) {
  ASSERT_EQ(a.n_rows(), b.n_rows());
  ASSERT_EQ(a.n_cols(), b.n_cols());
  EXPECT_TRUE(std::equal(a.data(), a.data() + a.n_rows() * a.n_cols(), b.data()));
}

void expect_same(const Predictions& a, const Predictions& b) {
  EXPECT_EQ(a.labels, b.labels);
  EXPECT_EQ(a.confidence, b.confidence);
  expect_same(a.probabilities, b.probabilities);
  expect_same(a.logits, b.logits);
  expect_same(a.hidden, b.hidden);
}

/// The kind and message of the error that predicting gives.
std::pair<ErrorKind, std::string> refusal(const Model& model, const Dataset& dataset,
                                          bool force = false) {
  try {
    everything(model, dataset, 16, 1, force);
  } catch (const Error& error) {
    return {error.kind(), error.what()};
  }
  ADD_FAILURE() << "the query was accepted";
  return {ErrorKind::Internal, ""};
}

/// Keeps some genes of a data set.
Dataset with_genes(const Dataset& dataset, const std::vector<GeneIndex>& genes) {
  return select_genes(dataset, genes);
}

TEST(Predict, BlocksAndThreadsDoNotChangeABit) {
  const Model model = random_model();
  Dataset dataset = marker_cells(157, kGenes, 3);
  empty_cell(dataset, 80);
  const auto whole = everything(model, dataset);
  EXPECT_EQ(whole.labels.size(), 157U);
  for (const std::int64_t block_cells : {1, 7, 64, 156}) {
    SCOPED_TRACE(block_cells);
    expect_same(everything(model, dataset, block_cells), whole);
  }
  for (const int n_threads : {2, 5}) {
    SCOPED_TRACE(n_threads);
    expect_same(everything(model, dataset, 50, n_threads), whole);
  }
}

TEST(Predict, PermutedCellsArePermutedPredictions) {
  const Model model = random_model();
  const Dataset dataset = marker_cells(60, kGenes, 3);
  std::vector<CellIndex> order(60);
  std::iota(order.begin(), order.end(), CellIndex{0});
  Random(4, 0).shuffle(std::span<CellIndex>(order));
  const auto straight = everything(model, dataset);
  const auto permuted = everything(model, select_cells(dataset, order));
  expect_same(permuted.logits, select_rows(straight.logits.view(), order));
}

TEST(Predict, OrderOfGenesAndForeignGenesDoNotMatter) {
  const Model model = random_model();
  const Dataset dataset = marker_cells(60, kGenes, 3);
  const auto straight = everything(model, dataset);
  std::vector<GeneIndex> order(kGenes);
  std::iota(order.begin(), order.end(), GeneIndex{0});
  std::reverse(order.begin(), order.end());
  expect_same(everything(model, with_genes(dataset, order)), straight);

  // a wider file whose first genes are the model's
  const Dataset wide = marker_cells(60, kGenes + 30, 3);
  std::vector<GeneIndex> first(kGenes);
  std::iota(first.begin(), first.end(), GeneIndex{0});
  const auto wider = everything(model, wide);
  expect_same(wider, everything(model, with_genes(wide, first)));
  EXPECT_EQ(wider.genes.n_matched, kGenes);
  EXPECT_EQ(wider.weight_matched, 1.0);
}

TEST(Predict, GenesMatchByIdWhereNamesDoNot) {
  const Model model = random_model();
  const Dataset dataset = marker_cells(30, kGenes, 3);
  std::vector<std::string> names;
  for (GeneIndex gene = 0; gene < kGenes; ++gene) names.push_back("other" + std::to_string(gene));
  Table var(names);
  var.set("gene_ids", TextColumn{dataset.var().as_text("gene_ids"), {}});
  expect_same(everything(model, Dataset("q", dataset.counts, dataset.obs(), var)),
              everything(model, dataset));
}

/// The network in double precision, densely and cell by cell; genes that are not `present` have
/// z = 0, and the others are normalised to the share of the training counts that they had.
std::vector<double> plain_logits(const Model& model, const CsrView& counts, CellIndex cell,
                                 const std::vector<bool>& present) {
  const MlpShape& shape = model.members.front().shape;
  const MlpParameters& parameters = model.members.front().parameters;
  const auto n_genes = as_size(shape.n_inputs);
  std::vector<double> x(n_genes);
  double total = 0;
  double share = 0;
  for (std::size_t gene = 0; gene < n_genes; ++gene) {
    if (present[gene]) share += model.preprocessor.reference().count_share[gene];
  }
  for (std::size_t i = 0; i < counts.row_size(cell); ++i) {
    const auto gene = as_size(counts.row_columns(cell)[i]);
    if (!present[gene]) continue;
    x[gene] = static_cast<double>(counts.row_values(cell)[i]);
    total += x[gene];
  }
  for (std::size_t gene = 0; gene < n_genes; ++gene) {
    const double sd = model.preprocessor.sd()[gene];
    const double z =
        (std::log1p(x[gene] * 1e4 * share / total) - model.preprocessor.mean()[gene]) / sd;
    x[gene] = present[gene] ? z : 0;
  }
  for (int layer = 0; layer < shape.n_layers(); ++layer) {
    const auto n_in = as_size(shape.inputs_of(layer));
    const auto n_out = as_size(shape.outputs_of(layer));
    const auto& w = parameters.weights[as_size(layer)];
    std::vector<double> y(n_out);
    for (std::size_t o = 0; o < n_out; ++o) {
      y[o] = static_cast<double>(parameters.biases[as_size(layer)][o]);
      for (std::size_t i = 0; i < n_in; ++i) {
        y[o] += x[i] * static_cast<double>(layer == 0 ? w[i * n_out + o] : w[o * n_in + i]);
      }
      if (layer + 1 < shape.n_layers()) y[o] = std::max(y[o], 0.0);
    }
    x = std::move(y);
  }
  return x;
}

TEST(Predict, IsTheNetworkOnZScoresWithMissingGenesAtZero) {
  const Model model = random_model();
  const Dataset dataset = marker_cells(40, kGenes, 3);
  std::vector<GeneIndex> kept;
  std::vector<bool> present(kGenes, true);
  for (GeneIndex gene = 0; gene < kGenes; ++gene) {
    present[as_size(gene)] = gene % 3 != 1;
    if (present[as_size(gene)]) kept.push_back(gene);
  }
  const std::vector<bool> all(kGenes, true);
  const auto full = everything(model, dataset);
  const auto part = everything(model, with_genes(dataset, kept));
  EXPECT_EQ(part.genes.n_matched, static_cast<std::int64_t>(kept.size()));
  // Sums of 40 products of float32 near 1, three layers deep.
  constexpr double kTolerance = 1e-5;
  for (CellIndex cell = 0; cell < 40; ++cell) {
    const auto of_full = plain_logits(model, dataset.counts.view(), cell, all);
    const auto of_part = plain_logits(model, dataset.counts.view(), cell, present);
    double sum = 0;
    for (std::int64_t type = 0; type < 3; ++type) {
      EXPECT_NEAR(static_cast<double>(full.logits(cell, type)), of_full[as_size(type)], kTolerance);
      EXPECT_NEAR(static_cast<double>(part.logits(cell, type)), of_part[as_size(type)], kTolerance);
      sum += static_cast<double>(full.probabilities(cell, type));
    }
    EXPECT_NEAR(sum, 1.0, 1e-6);
    const auto row = full.probabilities.row(cell);
    EXPECT_EQ(full.confidence[as_size(cell)], *std::max_element(row.begin(), row.end()));
    EXPECT_EQ(full.confidence[as_size(cell)], row[as_size(full.labels[as_size(cell)])]);
  }
}

TEST(Predict, CellsWithoutCountsAreUnassigned) {
  const Model model = random_model();
  Dataset dataset = marker_cells(30, kGenes + 10, 3);
  empty_cell(dataset, 4);  // stored zeros
  const auto view = dataset.counts.view();
  for (std::size_t i = 0; i < view.row_size(9); ++i) {  // counts on genes that the model lacks
    if (view.row_columns(9)[i] < kGenes) stored_value(dataset, 9, view.row_columns(9)[i]) = 0;
  }
  ASSERT_GE(view.row_columns(9).back(), kGenes);
  const auto found = everything(model, dataset);
  for (CellIndex cell = 0; cell < 30; ++cell) {
    const bool is_empty = cell == 4 || cell == 9;
    EXPECT_EQ(found.labels[as_size(cell)] == kNoLabel, is_empty) << cell;
    EXPECT_EQ(found.confidence[as_size(cell)] == 0, is_empty) << cell;
    EXPECT_EQ(found.probabilities(cell, 0) == 0, is_empty) << cell;
  }
}

TEST(Predict, GivesWhatIsAskedFor) {
  const Model model = random_model();
  Dataset dataset = marker_cells(10, kGenes, 3);
  PredictOptions options;
  options.with_probabilities = false;
  const auto found = predict(model, dataset, options, kernels::Device::Cpu, Context(1));
  EXPECT_EQ(found.labels.size(), 10U);
  EXPECT_EQ(found.probabilities.n_rows() + found.logits.n_rows() + found.hidden.n_rows(), 0);
  EXPECT_EQ(everything(model, dataset).hidden.n_cols(), 12);

  const std::vector<CellIndex> none;
  EXPECT_TRUE(everything(model, select_cells(dataset, none)).labels.empty());
}

TEST(Predict, AQueryOfOtherGenesIsIncompatible) {
  const Model model = random_model();
  const Dataset dataset = marker_cells(20, kGenes, 3);
  std::vector<std::string> names(as_size(kGenes));
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = "mouse" + std::to_string(i);
  const Dataset foreign("mouse.h5ad", dataset.counts, dataset.obs(), Table(names));
  for (const bool force : {false, true}) {
    const auto [kind, message] = refusal(model, foreign, force);
    EXPECT_EQ(kind, ErrorKind::Incompatible);
    EXPECT_NE(message.find("0 of the model's 40 genes"), std::string::npos) << message;
  }
}

TEST(Predict, FewGenesOfLittleWeightNeedForce) {
  Model model = random_model();
  const Dataset dataset = marker_cells(20, kGenes, 3);
  const Dataset poor = with_genes(dataset, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10});  // 27.5 %
  const auto [kind, message] = refusal(model, poor);
  EXPECT_EQ(kind, ErrorKind::Incompatible);
  EXPECT_NE(message.find("11 of the model's 40 genes"), std::string::npos) << message;
  EXPECT_NE(message.find("--force"), std::string::npos) << message;
  const auto forced = everything(model, poor, 4096, 1, true);
  EXPECT_EQ(forced.genes.n_matched, 11);
  EXPECT_LT(forced.weight_matched, 0.3);
  EXPECT_EQ(everything(model, with_genes(dataset, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}))
                .genes.n_matched,
            12);  // 30 % of the genes are enough
  for (std::size_t i = 0; i < 11 * 70; ++i) model.members[0].parameters.weights[0][i] *= 4;
  EXPECT_GT(everything(model, poor).weight_matched, 0.3);  // and so is 30 % of the weight
}

TEST(Predict, ValuesThatAreNoCountsAreLocated) {
  const Model model = random_model();
  for (const float value : {-2.0F, 1.5F, std::nanf("")}) {
    Dataset bad = marker_cells(40, kGenes, 3);
    stored_value(bad, 0, first_gene(bad, 0)) = 50;  // these are no logarithms
    const GeneIndex gene = first_gene(bad, 37);     // in the third block
    stored_value(bad, 37, gene) = value;
    const auto [kind, message] = refusal(model, bad);
    EXPECT_EQ(kind, ErrorKind::BadFormat);
    EXPECT_NE(message.find("'cell37'"), std::string::npos) << message;
    EXPECT_NE(message.find("'gene" + std::to_string(gene) + "'"), std::string::npos) << message;
  }
}

TEST(Predict, AnOverflowingNetworkIsNumerical) {
  Model model = random_model();
  for (float& weight : model.members[0].parameters.weights[0]) weight = 1e38F;
  EXPECT_EQ(refusal(model, marker_cells(20, kGenes, 3)).first, ErrorKind::Numerical);
}

TEST(Predict, StopsWhenCancelled) {
  const Model model = random_model();
  Dataset dataset = marker_cells(40, kGenes, 3);
  std::atomic<bool> cancelled = false;
  Context context(1);
  context.cancelled = &cancelled;
  std::int64_t n_done = 0;
  context.on_progress = [&](const ProgressUpdate& update) {
    n_done = update.done;
    cancelled = update.done >= 20;
  };
  PredictOptions options;
  options.block_cells = 10;
  try {
    predict(model, dataset, options, kernels::Device::Cpu, context);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Cancelled);
  }
  EXPECT_EQ(n_done, 20);
  options.block_cells = -1;
  context.cancelled = nullptr;
  EXPECT_THROW(predict(model, dataset, options, kernels::Device::Cpu, context), Error);
}

}  // namespace
}  // namespace saithe
