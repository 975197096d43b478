#include "training_report.h"

#include "saithe/classify/evaluation_json.h"
#include "saithe/classify/model_card.h"
#include "saithe/core/text_io.h"
#include "saithe/report/plots.h"
#include "saithe/report/report.h"
#include "training_tables.h"

namespace saithe::cli {
namespace {

constexpr const char* kFigures[] = {"loss", "accuracy", "confusion_validation", "calibration"};

std::vector<Figure> make_figures(const TrainResult& result) {
  std::vector<Figure> figures;
  if (!result.history.epochs.empty()) {
    figures.push_back(plot_loss(result.history));
    figures.push_back(plot_accuracy(result.history));
  }
  if (result.validation.n_cells > 0) {
    figures.push_back(plot_confusion(result.validation, "confusion_validation",
                                     "Confusion of the validation cells"));
    figures.push_back(plot_calibration(result.held_out.probabilities.view(),
                                       labels_of(result.labels, result.held_out.cells),
                                       "calibration", "Calibration of the validation cells"));
  }
  return figures;
}

std::vector<ShownSuspect> shown_suspects(const TrainResult& result) {
  std::vector<ShownSuspect> shown;
  std::vector<std::string> barcodes = barcodes_of_suspects(result);
  for (std::size_t i = 0; i < result.suspects.size(); ++i) {
    const Suspect& suspect = result.suspects[i];
    shown.push_back({std::move(barcodes[i]), result.model.types.name(suspect.label),
                     result.model.types.name(suspect.looks_like),
                     static_cast<double>(suspect.label_probability),
                     static_cast<double>(suspect.probability)});
  }
  return shown;
}

}  // namespace

std::vector<std::string> training_report_files() {
  std::vector<std::string> files = {
      "report.html",     "model_card.md",           "metrics.json", "history.tsv", "suspects.tsv",
      "out_of_fold.tsv", "confusion_validation.tsv"};
  for (const char* figure : kFigures) {
    files.push_back(fmt::format("figures/{}.svg", figure));
    files.push_back(fmt::format("figures/{}.png", figure));
  }
  return files;
}

void write_training_report(const TrainingOutcome& outcome, const std::string& input_name,
                           const TrainingRequest& request, const OutputFolder& folder,
                           Session& session) {
  const TrainOptions& options = request.training;
  const TrainResult& result = outcome.result;
  write_file(folder.file("model_card.md"), model_card_markdown(result.model), true);
  write_file(folder.file("metrics.json"), metrics_json(result.training, result.validation), true);
  if (!result.history.epochs.empty()) {
    write_file(folder.file("history.tsv"), history_tsv(result.history), true);
  }
  const bool has_several_files = request.inputs.size() > 1;
  if (options.suspects.find) {
    write_file(folder.file("suspects.tsv"), suspects_tsv(result, has_several_files), true);
  }
  if (result.validation.n_cells > 0) {
    write_file(folder.file("out_of_fold.tsv"), held_out_tsv(result, has_several_files), true);
    write_file(folder.file("confusion_validation.tsv"), confusion_tsv(result.validation), true);
  }
  ReportInput report;
  report.title = "saithe train: " + input_name;
  report.saithe_version = SAITHE_VERSION;
  report.input_name = input_name;
  report.options = run_options(request, session);
  for (const auto& option : result.model.options) report.options.push_back(option);
  for (const auto& option : options_as_text(request.reading)) report.options.push_back(option);
  report.n_cells_read = outcome.n_cells_read;
  report.n_genes_read = outcome.n_genes_read;
  report.n_cells = result.dataset.n_cells();
  report.n_genes = result.dataset.n_genes();
  report.filter_steps = result.qc.steps;
  report.warnings = session.warnings();
  report.history = result.history;
  report.training = result.training;
  report.validation = result.validation;
  report.rejects = result.model.novelty.n_types > 0;
  report.uncalibrated = result.uncalibrated;
  if (result.model.calibration != Calibration{}) {
    report.calibration = describe(result.model.calibration);
  }
  report.value_kind = to_text(result.model.preprocessor.kind());
  report.left_out = left_out_text(result.model);
  report.suspects = shown_suspects(result);
  report.suspects_dropped = result.suspects_dropped;
  if (result.dataset.n_cells() > options.suspects.max_cells) {
    report.suspect_cells = options.suspects.max_cells;
  }
  report.figures = make_figures(result);
  std::filesystem::create_directories(folder.file("figures"));
  write_figures(report.figures, folder.file("figures"), true, session.context());
  write_report(report, folder.file("report.html"), true);
}

}  // namespace saithe::cli
