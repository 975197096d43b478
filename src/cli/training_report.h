#pragma once

// train --report FOLDER: what came of a training, to look at.

#include <string>
#include <vector>

#include "output_folder.h"
#include "session.h"
#include "training_run.h"

namespace saithe::cli {

/// All files that it may leave.
std::vector<std::string> training_report_files();

/// Writes tables, metrics, model card, pictures and the report page of a training.
void write_training_report(const TrainingOutcome& outcome, const std::string& input_name,
                           const TrainingRequest& request, const OutputFolder& folder,
                           Session& session);

}  // namespace saithe::cli
