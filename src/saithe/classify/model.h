#pragma once

// Everything needed to label new cells, immutable after training.

#include <string>
#include <vector>

#include "saithe/data/label_set.h"
#include "saithe/nn/mlp.h"
#include "saithe/prep/preprocessor.h"

namespace saithe {

/// A trained classifier.
struct Model {
  LabelSet types;
  Preprocessor preprocessor;
  MlpShape shape;
  MlpParameters parameters;
  kernels::Loss loss = kernels::Loss::CrossEntropy;
  std::vector<std::pair<std::string, std::string>> options;  ///< resolved training options, as text
  std::string saithe_version;
  std::uint64_t seed = 0;
  bool was_interrupted = false;  ///< training was stopped before its last epoch
};

}  // namespace saithe
