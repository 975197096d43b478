#pragma once

// report.html: one self-contained page with the pictures and numbers of a run.

#include <filesystem>
#include <string>
#include <vector>

#include "saithe/classify/train.h"
#include "saithe/report/figure.h"

namespace saithe {

/// One of several losses that the same network was trained with.
struct LossComparison {
  std::string loss;  ///< its name among the options
  EpochRecord last;  ///< the last epoch
  Evaluation validation;
};

/// A reference cell whose label looks wrong.
struct ShownSuspect {
  std::string barcode;
  std::string label;
  std::string looks_like;
  double label_probability = 0;
  double probability = 0;
};

/// What the page shows. Contains no time, path or thread count: the same run gives the same page.
struct ReportInput {
  std::string title;
  std::string saithe_version;
  std::string input_name;  ///< file name of the reference, without folders
  std::vector<std::pair<std::string, std::string>> options;  ///< resolved options
  std::int64_t n_cells_read = 0;
  std::int64_t n_genes_read = 0;
  std::int64_t n_cells = 0;  ///< kept
  std::int64_t n_genes = 0;  ///< kept
  std::vector<FilterStep> filter_steps;
  std::vector<std::string> warnings;
  TrainHistory history;
  Evaluation training;
  Evaluation validation;
  Evaluation uncalibrated;  ///< validation before calibration; n_cells 0: there is none
  std::string calibration;  ///< by what, in words; empty: by nothing
  std::string value_kind;   ///< what the values were taken for; empty: not said
  std::string left_out;     ///< cells that did not train, besides suspects; empty: not said
  bool rejects = false;     ///< the model can leave cells of unknown types unassigned
  std::vector<ShownSuspect> suspects;
  bool suspects_dropped = false;
  std::int64_t suspect_cells = 0;      ///< what the models that looked for them saw; 0: every cell
  std::vector<LossComparison> losses;  ///< empty unless losses were compared
  std::vector<Figure> figures;         ///< in reading order
};

/// The page as text. Every name from the data is escaped.
std::string report_html(const ReportInput& input);

/// Writes the page. Throws Error(Output).
void write_report(const ReportInput& input, const std::filesystem::path& path, bool overwrite);

}  // namespace saithe
