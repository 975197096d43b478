// train() on several files: halves of a file are the file, and genes that a file lacks are missing,
// not 0.

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "saithe/classify/predict.h"
#include "saithe/classify/train.h"
#include "saithe/data/concatenate.h"
#include "support/marker_cells.h"

namespace saithe {
namespace {

using testing::marker_cells;

constexpr int kTypes = 6;
constexpr GeneIndex kGenes = 60;

Dataset renamed(const Dataset& dataset, const std::string& name) {
  return Dataset(name, dataset.counts, dataset.obs(), dataset.var());
}

/// Deeply sequenced cells of six types in turn: every gene is seen in almost every cell, so that a
/// zero says much. A gene is three times as high in one type.
Dataset deep_cells(CellIndex n_cells, std::uint64_t stream) {
  const Dataset named = marker_cells(n_cells, kGenes, kTypes);
  const Random genes(77, 1);
  const Random draws(78, stream);
  CsrMatrix counts;
  counts.n_rows = n_cells;
  counts.n_cols = kGenes;
  for (CellIndex cell = 0; cell < n_cells; ++cell) {
    for (GeneIndex gene = 0; gene < kGenes; ++gene) {
      const auto at = static_cast<std::uint64_t>(gene);
      double mean = 2 + 8 * genes.uniform(at);
      const bool is_marker =
          static_cast<CellIndex>(genes.below(1000 + at, kTypes)) == cell % kTypes;
      if (is_marker) mean *= 3;
      const double z = draws.normal(static_cast<std::uint64_t>(cell * kGenes + gene));
      const double count = std::round(mean + z * std::sqrt(mean + 0.3 * mean * mean));
      if (count <= 0) continue;
      counts.columns.push_back(gene);
      counts.values.push_back(static_cast<float>(count));
    }
    counts.row_start.push_back(static_cast<RowPointer>(counts.columns.size()));
  }
  return Dataset("cells.h5ad", std::move(counts), named.obs(), named.var());
}

/// The first cells of each type: `n_low` of each of the first three, `n_high` of the others.
Dataset with_composition(const Dataset& dataset, int n_low, int n_high) {
  std::vector<CellIndex> cells;
  std::vector<int> n_taken(kTypes);
  for (CellIndex cell = 0; cell < dataset.n_cells(); ++cell) {
    const auto type = as_size(cell % kTypes);
    if (n_taken[type] == (type < 3 ? n_low : n_high)) continue;
    cells.push_back(cell);
    ++n_taken[type];
  }
  return select_cells(dataset, cells);
}

/// Every other gene.
Dataset without_odd_genes(const Dataset& dataset) {
  std::vector<GeneIndex> even;
  for (GeneIndex gene = 0; gene < dataset.n_genes(); gene += 2) even.push_back(gene);
  return select_genes(dataset, even);
}

TrainOptions recipe() {
  TrainOptions options = TrainOptions::preset("fast");
  options.preprocessor.n_variable_genes = 0;
  options.validate = Validation::None;
  options.calibrate = false;
  options.novelty = false;
  return options;
}

TrainResult trained(const Dataset& dataset, const TrainOptions& options) {
  return train(
      prepare_training_data(dataset, dataset.obs().as_text("cell_type"), options, Context(1)),
      options, kernels::Device::Cpu, Context(2, 3));
}

double accuracy_on(const Model& model, Dataset query) {
  const Predictions predictions = predict(model, query, {}, kernels::Device::Cpu, Context(2));
  const auto truth = model.types.encode(query.obs().as_text("cell_type"));
  double n_right = 0;
  for (std::size_t cell = 0; cell < truth.size(); ++cell) {
    n_right += predictions.best_labels[cell] == truth[cell] ? 1 : 0;
  }
  return n_right / static_cast<double>(truth.size());
}

TEST(UnionTraining, HalvesOfAFileAreTheFile) {
  const Dataset whole = marker_cells(150, kGenes, kTypes);
  std::vector<CellIndex> first(70);
  std::vector<CellIndex> second(80);
  std::iota(first.begin(), first.end(), CellIndex{0});
  std::iota(second.begin(), second.end(), CellIndex{70});
  TrainOptions options = TrainOptions::preset("standard");
  options.hidden = {16};
  options.trainer.min_steps = 0;
  options.trainer.epochs = 2;
  options.preprocessor.n_variable_genes = 40;
  const auto of_whole = trained(whole, options);
  const auto of_halves = trained(concatenate({renamed(select_cells(whole, first), "a.h5ad"),
                                              renamed(select_cells(whole, second), "b.h5ad")},
                                             {GeneChoice::Union}),
                                 options);
  ASSERT_EQ(of_whole.model.members.size(), of_halves.model.members.size());
  for (std::size_t i = 0; i < of_whole.model.members.size(); ++i) {
    EXPECT_EQ(of_whole.model.members[i].parameters, of_halves.model.members[i].parameters);
  }
  EXPECT_EQ(of_whole.model.card, of_halves.model.card);
  EXPECT_EQ(of_whole.model.calibration, of_halves.model.calibration);
}

TEST(UnionTraining, TheCardNamesTheFiles) {
  const Dataset whole = marker_cells(60, kGenes, kTypes);
  TrainingData data =
      prepare_training_data(whole, whole.obs().as_text("cell_type"), recipe(), Context(1));
  data.sources = {"a.h5ad", "b.h5ad"};
  const auto result = train(std::move(data), recipe(), kernels::Device::Cpu, Context(1));
  EXPECT_EQ(result.model.card.sources, (std::vector<std::string>{"a.h5ad", "b.h5ad"}));
}

TEST(UnionTraining, WhatAFileLacksIsMissingAndNotZero) {
  // The second file lacks every other gene, and has half of the types only: with zeros the absence
  // of genes becomes the mark of these types.
  const Dataset first = renamed(with_composition(deep_cells(600, 1), 40, 80), "complete.h5ad");
  const Dataset second = renamed(with_composition(deep_cells(600, 2), 80, 0), "lacking.h5ad");
  const Dataset complete = concatenate({first, second}, {});
  const Dataset missing = concatenate({first, without_odd_genes(second)}, {GeneChoice::Union});
  ASSERT_FALSE(missing.measured.is_complete());
  Dataset zeros = missing;
  zeros.measured = {};

  const Model of_complete = trained(complete, recipe()).model;
  const Model of_missing = trained(missing, recipe()).model;
  const Model of_zeros = trained(zeros, recipe()).model;

  // Cells that lack the genes.
  const Dataset query = deep_cells(1200, 5);
  const Dataset poor = without_odd_genes(query);
  EXPECT_GE(accuracy_on(of_missing, poor), accuracy_on(of_complete, poor) - 0.02);
  EXPECT_LT(accuracy_on(of_zeros, poor), accuracy_on(of_missing, poor) - 0.1);
  // And cells that have all.
  EXPECT_GE(accuracy_on(of_missing, query), accuracy_on(of_complete, query) - 0.02);
  EXPECT_LT(accuracy_on(of_zeros, query), accuracy_on(of_missing, query));
}

TEST(UnionTraining, TheFalseRejectRateHoldsForCellsWithAllGenes) {
  // Each file lacks another fifth of the genes.
  std::vector<Dataset> files;
  for (GeneIndex lacks = 0; lacks < 2; ++lacks) {
    std::vector<GeneIndex> genes;
    for (GeneIndex gene = 0; gene < kGenes; ++gene) {
      if (gene % 5 != lacks) genes.push_back(gene);
    }
    const auto all = marker_cells(400, kGenes, kTypes, static_cast<std::uint64_t>(10 + lacks));
    files.push_back(renamed(select_genes(all, genes), "file" + std::to_string(lacks) + ".h5ad"));
  }
  TrainOptions options = recipe();
  options.novelty = true;
  options.validate = Validation::FiveFold;
  const Model model = trained(concatenate(files, {GeneChoice::Union}), options).model;
  const auto share_rejected = [&](Dataset query, double rate) {
    PredictOptions predicting;
    predicting.false_reject_rate = rate;
    const auto labels = predict(model, query, predicting, kernels::Device::Cpu, Context(2)).labels;
    return static_cast<double>(std::ranges::count(labels, kNoLabel)) /
           static_cast<double>(labels.size());
  };
  const Dataset query = marker_cells(1500, kGenes, kTypes, 20);
  // Genes that were never measured together are taken to vary together less than they do: fewer
  // cells are rejected, not nearly none.
  EXPECT_NEAR(share_rejected(query, 0.2), 0.2, 0.1);
  EXPECT_NEAR(share_rejected(query, 0.5), 0.5, 0.15);
  const Dataset others = marker_cells(1500, kGenes, kTypes + 1, 21);
  std::vector<CellIndex> of_unseen_type;
  for (CellIndex cell = kTypes; cell < 1500; cell += kTypes + 1) of_unseen_type.push_back(cell);
  const Dataset unseen = select_cells(others, of_unseen_type);
  EXPECT_GT(share_rejected(unseen, 0.2), 2 * share_rejected(query, 0.2));
}

TEST(UnionTraining, AnyNumberOfThreadsGivesTheSameBits) {
  const Dataset missing =
      concatenate({renamed(marker_cells(120, kGenes, kTypes, 1), "a.h5ad"),
                   without_odd_genes(renamed(marker_cells(120, kGenes, kTypes, 2), "b.h5ad"))},
                  {GeneChoice::Union});
  TrainOptions options = TrainOptions::preset("standard");
  options.hidden = {70};
  options.trainer.min_steps = 0;
  options.trainer.epochs = 2;
  options.preprocessor.n_variable_genes = 40;
  const auto data =
      prepare_training_data(missing, missing.obs().as_text("cell_type"), options, Context(1));
  const auto one = train(data, options, kernels::Device::Cpu, Context(1, 3));
  const auto three = train(data, options, kernels::Device::Cpu, Context(3, 3));
  for (std::size_t i = 0; i < one.model.members.size(); ++i) {
    EXPECT_EQ(one.model.members[i].parameters, three.model.members[i].parameters);
  }
  EXPECT_EQ(one.model.card, three.model.card);
}

}  // namespace
}  // namespace saithe
