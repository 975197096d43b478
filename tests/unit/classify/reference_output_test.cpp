// Cells of a reference are judged as cells of a query with the same genes.

#include "saithe/classify/reference_output.h"

#include <gtest/gtest.h>

#include <numeric>

#include "saithe/classify/predict.h"
#include "saithe/classify/train.h"
#include "saithe/data/concatenate.h"
#include "support/marker_cells.h"

namespace saithe {
namespace {

using testing::marker_cells;

constexpr GeneIndex kGenes = 40;
constexpr int kTypes = 5;

/// A file without the genes that leave this remainder by 4.
Dataset lacking(std::uint64_t stream, GeneIndex remainder) {
  const Dataset all = marker_cells(150, kGenes, kTypes, stream);
  std::vector<GeneIndex> genes;
  for (GeneIndex gene = 0; gene < kGenes; ++gene) {
    if (gene % 4 != remainder) genes.push_back(gene);
  }
  const Dataset some = select_genes(all, genes);
  return Dataset("without" + std::to_string(remainder) + ".h5ad", some.counts, some.obs(),
                 some.var());
}

struct UnionFixture {
  Dataset first = lacking(1, 0);
  Dataset second = lacking(2, 3);
  Dataset both = concatenate({first, second}, {GeneChoice::Union});
  Context context{2, 3};
  Model model;
  std::vector<LabelIndex> labels;
  std::vector<CellIndex> all = std::vector<CellIndex>(300);
  std::unique_ptr<kernels::Backend> backend =
      kernels::make_backend(kernels::Device::Cpu, Context(2));

  UnionFixture() {
    TrainOptions options = TrainOptions::preset("fast");
    options.networks = 1;
    options.hidden = {8};
    options.trainer.min_steps = 0;
    options.trainer.epochs = 2;
    options.preprocessor.n_variable_genes = 0;
    options.qc.min_cells = 0;
    options.suspects.find = false;
    options.validate = Validation::HeldOut;
    model = train(prepare_training_data(both, both.obs().as_text("cell_type"), options, context),
                  options, kernels::Device::Cpu, context)
                .model;
    labels = model.types.encode(both.obs().as_text("cell_type"));
    std::iota(all.begin(), all.end(), CellIndex{0});
  }
  [[nodiscard]] InputCells inputs() const {
    return {MatrixRows(both.counts.view()), model.preprocessor, context, both.measured};
  }
};

TEST(ReferenceOutput, IsWhatPredictSaysOfEachFile) {
  const UnionFixture f;
  const InputCells inputs = f.inputs();
  ASSERT_EQ(inputs.by_inputs(f.all).size(), 2U);
  const EnsembleOutput output =
      forward_reference(f.model, inputs, f.all, false, *f.backend, f.context);
  const auto distances = reference_distances(f.model, inputs, output, Context(2));
  const double threshold = novelty_threshold(f.model.novelty, PredictOptions{}.false_reject_rate);
  PredictOptions options;
  options.with_probabilities = true;
  options.with_logits = true;
  std::int64_t first_cell = 0;
  for (Dataset query : {f.first, f.second}) {
    const Predictions predicted = predict(f.model, query, options, kernels::Device::Cpu, f.context);
    for (std::int64_t cell = 0; cell < query.n_cells(); ++cell) {
      const std::int64_t row = first_cell + cell;
      for (std::int64_t type = 0; type < kTypes; ++type) {
        EXPECT_FLOAT_EQ(output.probabilities(row, type), predicted.probabilities(cell, type));
        EXPECT_FLOAT_EQ(output.logits(row, type), predicted.logits(cell, type));
      }
      EXPECT_NEAR(distances[as_size(row)] / threshold,
                  static_cast<double>(predicted.novelty[as_size(cell)]), 1e-5);
    }
    first_cell += query.n_cells();
  }
}

TEST(ReferenceOutput, RowsAreInTheOrderOfTheCells) {
  const UnionFixture f;
  const InputCells inputs = f.inputs();
  const EnsembleOutput all = forward_reference(f.model, inputs, f.all, true, *f.backend, f.context);
  const std::vector<CellIndex> some = {299, 0, 151, 7, 150};
  const EnsembleOutput output =
      forward_reference(f.model, inputs, some, true, *f.backend, f.context);
  ASSERT_EQ(output.hidden.n_rows(), 5);
  for (std::size_t i = 0; i < some.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    for (const auto part :
         {&EnsembleOutput::probabilities, &EnsembleOutput::logits, &EnsembleOutput::scores,
          &EnsembleOutput::sums, &EnsembleOutput::hidden}) {
      EXPECT_TRUE(std::ranges::equal((output.*part).row(row), (all.*part).row(some[i])));
    }
  }
}

TEST(ReferenceOutput, WithoutANoveltyScoreMissingGenesAreAtTheirMeans) {
  const UnionFixture f;
  const InputCells inputs = f.inputs();
  Model model = f.model;
  model.novelty = {};
  const EnsembleOutput output =
      learn_novelty(model, inputs, f.labels, f.all, false, *f.backend, f.context);
  EXPECT_TRUE(reference_distances(model, inputs, output, Context(1)).empty());
  const EnsembleOutput filled =
      Ensemble(model, inputs.shift(), *f.backend)
          .forward(inputs.features(f.all, f.context).view(), false, f.context);
  for (std::int64_t cell = 0; cell < 300; ++cell) {
    for (std::int64_t type = 0; type < kTypes; ++type) {
      EXPECT_NEAR(output.logits(cell, type), filled.logits(cell, type), 1e-4);
    }
  }
}

TEST(ReferenceOutput, MeanLogitsAreThoseOfCompleteCells) {
  // Not those of what the cells' files let the model see: of the same cells with all genes.
  const UnionFixture f;
  const Dataset other = marker_cells(150, kGenes, kTypes, 2);
  Dataset whole = concatenate({marker_cells(150, kGenes, kTypes, 1),
                               Dataset("other.h5ad", other.counts, other.obs(), other.var())},
                              {});
  PredictOptions options;
  options.with_logits = true;
  const Predictions predicted = predict(f.model, whole, options, kernels::Device::Cpu, f.context);
  const auto truth = f.model.types.encode(whole.obs().as_text("cell_type"));
  const InputCells inputs = f.inputs();
  const EnsembleOutput seen =
      forward_reference(f.model, inputs, f.all, false, *f.backend, f.context);
  // The mean of a type's own logit.
  const auto mean_of = [](const DenseMatrix& logits, std::span<const LabelIndex> labels,
                          LabelIndex type) {
    double sum = 0;
    double n = 0;
    for (std::size_t cell = 0; cell < labels.size(); ++cell) {
      if (labels[cell] != type) continue;
      sum += static_cast<double>(logits(static_cast<std::int64_t>(cell), type));
      n += 1;
    }
    return sum / n;
  };
  double away = 0;
  double away_as_seen = 0;
  for (LabelIndex type = 0; type < kTypes; ++type) {
    const double expected = mean_of(predicted.logits, truth, type);
    away += std::abs(f.model.novelty.mean_logits(type)[as_size(type)] - expected);
    away_as_seen += std::abs(mean_of(seen.logits, f.labels, type) - expected);
  }
  EXPECT_LT(away, 0.6 * away_as_seen) << away << " " << away_as_seen;
}

}  // namespace
}  // namespace saithe
