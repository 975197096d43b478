#pragma once

// The part that train and walkthrough share: read, find labels, filter, train, with a line per
// epoch.

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "labelled_cells.h"
#include "saithe/classify/train.h"
#include "saithe/classify/training_checkpoint.h"
#include "saithe/data/concatenate.h"
#include "session.h"

namespace saithe::cli {

/// Where a training keeps what is finished, and whether it goes on from there.
struct CheckpointOptions {
  std::string checkpoint;
  bool resume = false;

  template <typename Visitor>
  static void describe(Visitor& visit, CheckpointOptions& options) {
    visit("checkpoint", options.checkpoint,
          "keep here what is finished, so that the training can be stopped; removed at the end");
    visit("resume", options.resume, "go on from the checkpoint, to the same result as one run");
  }
};

/// The checkpoint that the options name, or null. Throws Error(InvalidArgument) if there is nothing
/// to resume from, and as TrainingCheckpoint.
std::unique_ptr<TrainingCheckpoint> make_checkpoint(const CheckpointOptions& options,
                                                    bool overwrite);

/// What the command line says of a training.
struct TrainingRequest {
  std::vector<std::string> inputs;  ///< paths of one or several references
  ConcatenateOptions concatenation;
  LabelPlace labels;
  ReadOptions reading;
  TrainOptions training;

  /// What no output may replace.
  [[nodiscard]] std::vector<std::filesystem::path> input_files() const;
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
/// dropout is cut to the layers that were named. Throws Error(InvalidArgument) on options that
/// would change nothing.
void apply_training_flags(const OptionFlags& flags, TrainOptions& options);

/// Cells and labels of all inputs, filtered. Throws Error(InvalidArgument) on flags that would
/// change nothing on the values found.
TrainingData read_training_data(const TrainingRequest& request, const OptionFlags& flags,
                                Session& session);

/// Trains on them and prints a line per epoch. Stopped with a checkpoint, the Error(Cancelled) says
/// how to go on.
TrainingOutcome run_training(TrainingData data, const TrainOptions& options, Session& session,
                             TrainingCheckpoint* checkpoint = nullptr);

}  // namespace saithe::cli
