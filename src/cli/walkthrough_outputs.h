#pragma once

// What the walk-through writes, file by file.

#include <optional>
#include <string>
#include <vector>

#include "output_folder.h"
#include "session.h"
#include "training_run.h"

namespace saithe::cli {

/// A run's results, ready to be written.
struct Walkthrough {
  std::string input_name;
  TrainingOutcome training;
  std::optional<TrainResult> compared;  ///< the same with the other loss
  DenseMatrix umap_training;
  DenseMatrix umap_validation;
  DenseMatrix umap_all;
};

/// The names of all files that a walk-through writes.
std::vector<std::string> walkthrough_files(bool compare_losses);

/// Writes all but run.json.
void write_walkthrough(const Walkthrough& walkthrough, const std::vector<std::string>& warnings,
                       const TrainOptions& options, const OutputFolder& folder, Session& session);

}  // namespace saithe::cli
