// Predictions of any query.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "generate_cells.h"
#include "saithe/classify/predict.h"

namespace saithe {
namespace {

using namespace testing;  // NOLINT: the generators

/// A network that was not trained, on the genes g0, g1, ...: predictions need no more.
Model any_model(GeneIndex n_genes) {
  const Dataset reference = as_dataset(any_counts(12, n_genes));
  Model model;
  model.types = LabelSet({"a", "b", "c"});
  model.preprocessor = Preprocessor::fit(reference.counts.view(), {}, reference.var().index(), {},
                                         PreprocessorOptions{}, Context(1));
  Member member;
  member.shape = {n_genes, {20, 6}, {}, 3};
  member.parameters = initial_parameters(member.shape, 1);
  model.members.push_back(std::move(member));
  return model;
}

Predictions predictions_of(const Model& model, Dataset dataset, std::int64_t block_cells,
                           int n_threads) {
  PredictOptions options;
  options.block_cells = block_cells;
  options.force = true;
  return predict(model, dataset, options, kernels::Device::Cpu, Context(n_threads));
}

bool same_row(const Predictions& a, std::int64_t i, const Predictions& b, std::int64_t j) {
  const auto x = a.probabilities.row(i);
  const auto y = b.probabilities.row(j);
  return a.labels[as_size(i)] == b.labels[as_size(j)] && std::equal(x.begin(), x.end(), y.begin());
}

TEST(PredictProperty, BlocksThreadsAndOrderOfCellsDoNotChangeACell) {
  EXPECT_PROPERTY("predict(permuted cells) == permuted predict(cells), to the bit", [] {
    const GeneIndex n_genes = any_number_of_genes();
    const Model model = any_model(n_genes);
    const Dataset query = as_dataset(any_counts(any_number_of_cells(), n_genes));
    const auto order = any_order<CellIndex>(query.n_cells());
    const auto block = *rc::gen::inRange<std::int64_t>(1, 30);
    const Predictions straight = predictions_of(model, query, 4096, 1);
    const Predictions mixed = predictions_of(model, select_cells(query, order), block, 2);
    for (std::size_t i = 0; i < order.size(); ++i) {
      RC_ASSERT(same_row(mixed, static_cast<std::int64_t>(i), straight, order[i]));
    }
  });
}

TEST(PredictProperty, OrderOfGenesDoesNotChangeACell) {
  EXPECT_PROPERTY("predict(permuted genes) == predict(genes)", [] {
    const GeneIndex n_genes = any_number_of_genes();
    const Model model = any_model(n_genes);
    const Dataset query = as_dataset(any_counts(any_number_of_cells(), n_genes));
    const Predictions straight = predictions_of(model, query, 4096, 1);
    const Predictions mixed =
        predictions_of(model, select_genes(query, any_order<GeneIndex>(n_genes)), 4096, 1);
    for (CellIndex c = 0; c < query.n_cells(); ++c) RC_ASSERT(same_row(mixed, c, straight, c));
  });
}

TEST(PredictProperty, ProbabilitiesAddUpToOneOrTheCellIsUnassigned) {
  EXPECT_PROPERTY("rows are distributions", [] {
    const GeneIndex n_genes = any_number_of_genes();
    const Model model = any_model(n_genes);
    const Dataset query = as_dataset(any_counts(any_number_of_cells(), n_genes));
    const Predictions found = predictions_of(model, query, 5, 1);
    for (CellIndex c = 0; c < query.n_cells(); ++c) {
      double sum = 0;
      for (const float p : found.probabilities.row(c)) {
        RC_ASSERT(p >= 0.0F);
        sum += static_cast<double>(p);
      }
      const bool is_empty = query.counts.view().row_size(c) == 0;
      RC_ASSERT((found.labels[as_size(c)] == kNoLabel) == is_empty);
      RC_ASSERT(std::abs(sum - (is_empty ? 0 : 1)) < 1e-5);
    }
  });
}

}  // namespace
}  // namespace saithe
