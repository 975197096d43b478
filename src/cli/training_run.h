#pragma once

// The part that train and walkthrough share: read, find labels, filter, train, with a line per
// epoch.

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "labelled_cells.h"
#include "saithe/classify/train.h"
#include "session.h"

namespace saithe::cli {

/// What the command line says of a training.
struct TrainingRequest {
  std::filesystem::path input;
  LabelPlace labels;
  ReadOptions reading;
  TrainOptions training;
};

/// What came of it, with what the report wants to know of the input.
struct TrainingOutcome {
  TrainResult result;
  std::int64_t n_cells_read = 0;
  std::int64_t n_genes_read = 0;
  std::int64_t n_cells_without_label = 0;
  std::int64_t n_cells_without_counts = 0;
};

/// "Epoch: 0, Train loss: ..., Val loss: ..., Train acc: ..., Val acc: ...", as the article prints
/// it.
std::string epoch_line(const EpochRecord& record);

/// What a report lists beside the options of training: the seed and where the labels came from.
/// Files without their folders.
std::vector<std::pair<std::string, std::string>> run_options(const TrainingRequest& request,
                                                             const Session& session);

/// Lays the command line over a preset: naming donors asks for their split, and the preset's
/// dropout is cut to the layers that were named.
void apply_training_flags(const OptionFlags& flags, TrainOptions& options);

/// Cells and labels, filtered.
TrainingData read_training_data(const TrainingRequest& request, Session& session);

/// Trains on them and prints a line per epoch.
TrainingOutcome run_training(TrainingData data, const TrainOptions& options, Session& session);

}  // namespace saithe::cli
