// train() on several files: halves of a file are the file, and genes that a file lacks are missing,
// not 0.

#include <gtest/gtest.h>

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

/// The cells of the types from `first` to `last`.
Dataset cells_of_types(const Dataset& dataset, CellIndex first, CellIndex last) {
  std::vector<CellIndex> cells;
  for (CellIndex cell = 0; cell < dataset.n_cells(); ++cell) {
    if (cell % kTypes >= first && cell % kTypes <= last) cells.push_back(cell);
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
  return train(prepare_training_data(dataset, dataset.obs().as_text("cell_type"), options,
                                     Context(1)),
               options, kernels::Device::Cpu, Context(2, 3));
}

double accuracy_on(const Model& model, Dataset query) {
  const Predictions predictions =
      predict(model, query, {}, kernels::Device::Cpu, Context(2));
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
  EXPECT_EQ(of_whole.model.temperature, of_halves.model.temperature);
}

TEST(UnionTraining, TheCardNamesTheFiles) {
  const Dataset whole = marker_cells(60, kGenes, kTypes);
  TrainingData data = prepare_training_data(whole, whole.obs().as_text("cell_type"), recipe(),
                                            Context(1));
  data.sources = {"a.h5ad", "b.h5ad"};
  const auto result = train(std::move(data), recipe(), kernels::Device::Cpu, Context(1));
  EXPECT_EQ(result.model.card.sources, (std::vector<std::string>{"a.h5ad", "b.h5ad"}));
}

TEST(UnionTraining, WhatAFileLacksIsMissingAndNotZero) {
  // The second file lacks every other gene and brings most of the cells of half of the types: with
  // zeros their absence would become the mark of these types.
  const Dataset first = renamed(marker_cells(240, kGenes, kTypes, 1), "complete.h5ad");
  const Dataset second =
      renamed(cells_of_types(marker_cells(1200, kGenes, kTypes, 2), 0, 2), "lacking.h5ad");
  const Dataset lacking = without_odd_genes(second);

  const Dataset complete = concatenate({first, second}, {});
  const Dataset missing = concatenate({first, lacking}, {GeneChoice::Union});
  ASSERT_FALSE(missing.measured.is_complete());
  Dataset zeros = missing;
  zeros.measured = {};

  const auto options = recipe();
  const Model of_complete = trained(complete, options).model;
  const auto of_missing = trained(missing, options);
  const Model of_zeros = trained(zeros, options).model;

  const Dataset query = marker_cells(1200, kGenes, kTypes, 5);
  const double with_all = accuracy_on(of_complete, query);
  const double with_missing = accuracy_on(of_missing.model, query);
  const double with_zeros = accuracy_on(of_zeros, query);
  RecordProperty("complete", std::to_string(with_all));
  RecordProperty("missing", std::to_string(with_missing));
  RecordProperty("zeros", std::to_string(with_zeros));
  EXPECT_GE(with_missing, with_all - 0.02);
  EXPECT_LT(with_zeros, with_missing - 0.05);

  // Cells that lack the genes themselves.
  const Dataset poor = without_odd_genes(query);
  EXPECT_GE(accuracy_on(of_missing.model, poor), accuracy_on(of_complete, poor) - 0.02);
  EXPECT_LT(accuracy_on(of_zeros, poor), accuracy_on(of_missing.model, poor) - 0.05);
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
