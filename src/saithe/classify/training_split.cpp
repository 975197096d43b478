#include "saithe/classify/training_split.h"

#include <numeric>

namespace saithe {
namespace {

/// Whole donors may take a type with them; the other splits tell by themselves.
void warn_of_untrained_types(const TrainingData& data, const Split& split, const Context& context) {
  std::vector<LabelIndex> trained;
  for (const CellIndex cell : split.training) trained.push_back(data.labels[as_size(cell)]);
  const auto n_trained = count_labels(trained, data.types.n_types());
  for (LabelIndex type = 0; type < data.types.n_types(); ++type) {
    if (n_trained[as_size(type)] > 0) continue;
    context.warn(fmt::format(
        "no donor of the training set has a cell of '{}': the model cannot learn this type",
        data.types.name(type)));
  }
}

}  // namespace

std::vector<std::string> donors_of(const TrainingData& data, const TrainOptions& options) {
  const Table& obs = data.dataset.obs();
  if (!obs.has(options.donor_key)) {
    fail(ErrorKind::BadFormat, "{}: obs has no column '{}' (--donor-key); its columns are {}",
         data.dataset.name(), options.donor_key, obs.column_names());
  }
  return obs.as_text(options.donor_key);
}

Split split_cells(const TrainingData& data, const TrainOptions& options, const Context& context) {
  if (options.validate != Validation::HeldOut) {
    Split all;
    all.training = std::vector<CellIndex>(data.labels.size());
    std::iota(all.training.begin(), all.training.end(), CellIndex{0});
    return all;
  }
  const auto& names = data.types.names();
  if (options.split == SplitKind::Random) {
    return split_random(data.labels, names, options.validation_fraction, context);
  }
  if (options.split == SplitKind::Stratified) {
    return split_stratified(data.labels, names, options.validation_fraction, context);
  }
  Split split = split_by_donor(donors_of(data, options), options.validation_fraction, context);
  warn_of_untrained_types(data, split, context);
  return split;
}

}  // namespace saithe
