#pragma once

// What the walk-through writes, file by file.

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "output_folder.h"
#include "session.h"
#include "training_run.h"

namespace saithe::cli {

/// A run's results, ready to be written.
struct Walkthrough {
  std::string input_name;
  bool labels_are_joined = false;  ///< from a table: the input has no column of them
  /// (name, value) of seed and labels, which the report lists first.
  std::vector<std::pair<std::string, std::string>> first_options;
  /// (name, value) of the options beside those of training.
  std::vector<std::pair<std::string, std::string>> more_options;
  TrainingOutcome training;
  std::optional<TrainResult> compared;  ///< the same with the other loss
  DenseMatrix umap_training;
  DenseMatrix umap_validation;
  DenseMatrix umap_all;
};

/// The names of all files that a walk-through may write.
std::vector<std::string> walkthrough_files();

/// Writes all but run.json.
void write_walkthrough(const Walkthrough& walkthrough, const std::vector<std::string>& warnings,
                       const TrainOptions& options, const OutputFolder& folder, Session& session);

}  // namespace saithe::cli
