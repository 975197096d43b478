#include "walkthrough_outputs.h"

#include <array>

#include "annotations.h"
#include "saithe/classify/evaluation_json.h"
#include "saithe/classify/model_file.h"
#include "saithe/core/text_io.h"
#include "saithe/report/plots.h"
#include "saithe/report/report.h"
#include "training_tables.h"

namespace saithe::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::array kFigures = {"loss",
                                 "accuracy",
                                 "confusion_validation",
                                 "calibration",
                                 "qc",
                                 "umap_training",
                                 "umap_validation",
                                 "umap_all_label",
                                 "umap_all_predicted",
                                 "umap_all_confidence"};

std::vector<bool> is_training(const TrainResult& result) {
  std::vector<bool> training(as_size(result.dataset.n_cells()));
  for (const CellIndex cell : result.split.training) training[as_size(cell)] = true;
  return training;
}

std::string predictions_tsv(const TrainResult& result) {
  const auto training = is_training(result);
  std::string text = "barcode\tsplit\tlabel\tpredicted\tconfidence\n";
  for (std::size_t cell = 0; cell < training.size(); ++cell) {
    text += fmt::format(
        "{}\t{}\t{}\t{}\t{}\n", printable(result.dataset.obs().index()[cell]),
        training[cell] ? "training" : "validation", result.model.types.name(result.labels[cell]),
        type_name(result.model, result.predicted[cell]), format_number(result.confidence[cell]));
  }
  return text;
}

std::string umap_tsv(const TrainResult& result, std::span<const CellIndex> cells,
                     const DenseMatrix& layout) {
  std::string text = "barcode\tlabel\tumap_1\tumap_2\n";
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto cell = as_size(cells[i]);
    const auto row = static_cast<std::int64_t>(i);
    text += fmt::format("{}\t{}\t{}\t{}\n", printable(result.dataset.obs().index()[cell]),
                        result.model.types.name(result.labels[cell]), format_number(layout(row, 0)),
                        format_number(layout(row, 1)));
  }
  return text;
}

/// Where labels that came in a table go: a column of the input keeps its own.
std::string label_column(const Table& obs) {
  return !obs.has("cell_type") ? "cell_type" : "saithe_label";
}

CategoryColumn label_names(const TrainResult& result) {
  return {{result.labels.begin(), result.labels.end()}, result.model.types.names(), false};
}

void write_annotated(const Walkthrough& walkthrough, const fs::path& path, const Context& context) {
  const TrainResult& result = walkthrough.training.result;
  Annotations annotations;
  add_predicted_types(annotations, result.model, result.predicted, result.confidence);
  annotations.obsm.emplace_back("predicted_cell_type_probabilities", result.probabilities);
  // The split, joined labels and layouts stay when predict replaces the labels.
  add_list_of_added(annotations);
  const auto training = is_training(result);
  std::vector<std::string> split;
  for (const bool trains : training) split.emplace_back(trains ? "training" : "validation");
  annotations.obs.emplace_back("split", make_category_column(split));
  if (walkthrough.labels_are_joined) {
    annotations.obs.emplace_back(label_column(result.dataset.obs()), label_names(result));
  }
  for (const auto& [name, value] : walkthrough.more_options) {
    annotations.uns.emplace_back("saithe/parameters/" + name, value);
  }
  annotations.obsm.emplace_back("X_saithe_hidden", result.activations.hidden);
  annotations.obsm.emplace_back("X_umap", walkthrough.umap_all);
  PackedCells cells = result.dataset;  // which is read in blocks; the values are shared
  write_h5ad(path, cells, annotations, true, context);
}

std::vector<Figure> make_figures(const Walkthrough& walkthrough, const TrainOptions& options) {
  const TrainResult& result = walkthrough.training.result;
  const auto& types = result.model.types.names();
  const auto validation_labels = labels_of(result.labels, result.split.validation);
  const DenseMatrix validation = select_rows(result.probabilities.view(), result.split.validation);
  std::vector<Figure> figures;
  figures.push_back(plot_loss(result.history));
  figures.push_back(plot_accuracy(result.history));
  figures.push_back(plot_confusion(result.validation, "confusion_validation",
                                   "Confusion of the validation cells"));
  figures.push_back(plot_calibration(validation.view(), validation_labels, "calibration",
                                     "Calibration of the validation cells"));
  figures.push_back(plot_embedding(walkthrough.umap_training.view(),
                                   labels_of(result.labels, result.split.training), types,
                                   "umap_training", "Training cells by label"));
  figures.push_back(plot_embedding(walkthrough.umap_validation.view(), validation_labels, types,
                                   "umap_validation", "Validation cells by label"));
  for (std::size_t i = figures.size() - 2; i < figures.size(); ++i) {
    figures[i].extend_caption(
        "Training and validation cells are laid out apart: a place in one picture has nothing to "
        "do with the same place in the other. All cells together are below.");
  }
  const DenseView all = walkthrough.umap_all.view();
  figures.push_back(
      plot_embedding(all, result.labels, types, "umap_all_label", "All cells by label"));
  figures.push_back(plot_embedding(all, result.predicted, types, "umap_all_predicted",
                                   "All cells by predicted type"));
  figures.push_back(plot_embedding(all, std::span<const float>(result.confidence), "confidence",
                                   "umap_all_confidence", "All cells by confidence"));
  figures.push_back(plot_qc(result.qc.metrics, options.qc));
  return figures;
}

}  // namespace

std::vector<std::string> walkthrough_files() {
  std::vector<std::string> files = {"annotated.h5ad",
                                    "predictions.tsv",
                                    "history.tsv",
                                    "history_compared.tsv",
                                    "confusion_validation.tsv",
                                    "umap_training.tsv",
                                    "umap_validation.tsv",
                                    "metrics.json",
                                    "model.saithe"};
  for (const char* figure : kFigures) {
    files.push_back(fmt::format("figures/{}.svg", figure));
    files.push_back(fmt::format("figures/{}.png", figure));
  }
  files.emplace_back("report.html");
  files.emplace_back("run.json");
  return files;
}

void write_walkthrough(const Walkthrough& walkthrough, const std::vector<std::string>& warnings,
                       const TrainOptions& options, const OutputFolder& folder, Session& session) {
  const TrainResult& result = walkthrough.training.result;
  write_annotated(walkthrough, folder.file("annotated.h5ad"), session.context());
  write_file(folder.file("predictions.tsv"), predictions_tsv(result), true);
  write_file(folder.file("history.tsv"), history_tsv(result.history), true);
  if (walkthrough.compared) {
    write_file(folder.file("history_compared.tsv"), history_tsv(walkthrough.compared->history),
               true);
  }
  write_file(folder.file("confusion_validation.tsv"), confusion_tsv(result.validation), true);
  write_file(folder.file("umap_training.tsv"),
             umap_tsv(result, result.split.training, walkthrough.umap_training), true);
  write_file(folder.file("umap_validation.tsv"),
             umap_tsv(result, result.split.validation, walkthrough.umap_validation), true);
  write_file(folder.file("metrics.json"), metrics_json(result.training, result.validation), true);
  save_model(result.model, folder.file("model.saithe"), true);

  ReportInput report;
  report.title = "saithe walk-through: " + walkthrough.input_name;
  report.saithe_version = SAITHE_VERSION;
  report.input_name = walkthrough.input_name;
  report.options = walkthrough.first_options;
  for (const auto& option : options_as_text(options)) report.options.push_back(option);
  report.options.insert(report.options.end(), walkthrough.more_options.begin(),
                        walkthrough.more_options.end());
  report.n_cells_read = walkthrough.training.n_cells_read;
  report.n_genes_read = walkthrough.training.n_genes_read;
  report.n_cells = result.dataset.n_cells();
  report.n_genes = result.dataset.n_genes();
  report.filter_steps = result.qc.steps;
  report.warnings = warnings;
  report.history = result.history;
  report.training = result.training;
  report.validation = result.validation;
  report.rejects = result.model.novelty.n_types > 0;
  if (walkthrough.compared) {
    for (const TrainResult* run : {&result, &*walkthrough.compared}) {
      report.losses.push_back(
          {to_text(run->model.loss), run->history.epochs.back(), run->validation});
    }
  }
  report.figures = make_figures(walkthrough, options);
  fs::create_directories(folder.file("figures"));
  write_figures(report.figures, folder.file("figures"), true, session.context());
  write_report(report, folder.file("report.html"), true);
}

}  // namespace saithe::cli
