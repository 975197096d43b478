// The presets of training: numbers, and where they come from (docs/methods.md, "The recipe").

#include "saithe/classify/train.h"

namespace saithe {
namespace {

/// The article as written.
TrainOptions walkthrough() {
  TrainOptions options;
  options.qc.min_genes = 200;
  options.qc.min_cells = 3;
  options.qc.max_genes = 2500;
  options.qc.max_percent_mt = 5;
  options.split = SplitKind::Random;
  options.scale_on = ScaleOn::All;
  options.trainer.loss = kernels::Loss::Article;
  return options;
}

/// A balanced logistic regression and a small network that is trained for a short time on thinned
/// and masked cells.
TrainOptions standard() {
  TrainOptions options;
  options.preprocessor.n_variable_genes = 3000;
  options.preprocessor.scale = false;
  options.linear = true;
  options.linear_c = 0.1;
  options.linear_class_weights = 1;
  options.networks = 1;
  options.hidden = {128};
  options.dropout = {0.3};
  options.layer_norm = true;
  options.class_weights = 1;
  options.trainer.epochs = 15;
  options.trainer.min_steps = 200;
  options.trainer.max_steps = 20000;
  options.trainer.minibatch_size = 128;
  options.trainer.learning_rate = 3e-3;
  options.trainer.schedule = Schedule::Cosine;
  options.trainer.weight_decay = 1e-2;
  options.trainer.decay_biases = false;
  options.augment.input_mask = 0.2;
  options.augment.thin_share = 0.5;
  options.suspects.find = true;
  options.min_cells_per_type = 5;
  options.validate = Validation::FiveFold;
  options.calibrate = true;
  options.novelty = true;
  return options;
}

/// The linear member alone. The search for suspect labels, half of its time, stays: without it
/// wrong labels cost this member most of all (docs/methods_training.md).
TrainOptions fast() {
  TrainOptions options = standard();
  options.networks = 0;
  return options;
}

/// More networks.
TrainOptions thorough() {
  TrainOptions options = standard();
  options.networks = 5;
  return options;
}

}  // namespace

TrainOptions TrainOptions::preset(const std::string& name) {
  if (name == "standard") return standard();
  if (name == "fast") return fast();
  if (name == "thorough") return thorough();
  if (name == "walkthrough") return walkthrough();
  fail(ErrorKind::InvalidArgument,
       "there is no preset '{}'; the presets are standard, fast, thorough, walkthrough", name);
}

}  // namespace saithe
