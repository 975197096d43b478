#include "gene_flags.h"
#include "output_plan.h"
#include "saithe/classify/model_card.h"
#include "saithe/classify/model_file.h"
#include "saithe/core/text_io.h"
#include "training_report.h"
#include "training_run.h"

namespace saithe::cli {
namespace {

/// "a.h5ad, b.h5ad"
std::string names_of(const std::vector<std::string>& files) {
  std::string text;
  for (const std::string& file : files) text += (text.empty() ? "" : ", ") + file;
  return text;
}

/// Throws as OutputPlan.
void plan_outputs(const TrainingRequest& request, const std::string& output,
                  const std::string& report, const CheckpointOptions& checkpointing) {
  OutputPlan plan(request.input_files());
  plan.add(output, OutputContent::Other);
  plan.add(checkpointing.checkpoint, OutputContent::Other);
  if (report.empty()) return;
  for (const std::string& name : training_report_files()) {
    plan.add(std::filesystem::path(report) / name, content_of_result(name));
  }
}

/// run_training(); stopped without a checkpoint, the Error(Cancelled) says what that costs.
TrainingOutcome train_on(TrainingData data, const TrainOptions& options, Session& session,
                         TrainingCheckpoint* checkpoint) {
  try {
    return run_training(std::move(data), options, session, checkpoint);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::Cancelled || checkpoint != nullptr) throw;
    fail(ErrorKind::Cancelled,
         "{}; nothing is kept of this training: begun with --checkpoint FILE, it could go on from "
         "there",
         error.what());
  }
}

int run(const CommonOptions& common, const OptionFlags& flags, TrainingRequest request,
        const std::string& preset, const std::string& output, const std::string& report) {
  Session session(common);
  request.training = TrainOptions::preset(preset);
  apply_training_flags(flags, request.training);
  flags.apply(request.reading);
  flags.apply(request.concatenation);
  request.concatenation.matching = gene_match_options(flags);
  if (request.inputs.size() == 1 && flags.is_given("genes")) {
    // No error: who trains on a list of files gives it whatever their number.
    session.context().warn("--genes has no effect on one reference file: all its genes count");
  }
  if (request.training.qc.max_percent_mt == 0) {
    flags.refuse({"mt-prefixes", "mt-genes"}, "without --max-percent-mt");
  }
  CheckpointOptions checkpointing;
  flags.apply(checkpointing);
  plan_outputs(request, output, report, checkpointing);
  // Asked for before the long work: the output can be written.
  { const OutputFile probe(output, common.overwrite); }
  std::optional<OutputFolder> folder;
  if (!report.empty()) {
    folder.emplace(report, training_report_files(), common.overwrite);
  }
  request.training.keep_hidden = false;
  const auto checkpoint = make_checkpoint(checkpointing, common.overwrite);
  const TrainingOutcome outcome = train_on(read_training_data(request, flags, session),
                                           request.training, session, checkpoint.get());
  const TrainResult& result = outcome.result;
  try {
    if (folder) {
      folder->write([&] {
        write_training_report(outcome, names_of(result.model.card.sources), request, *folder,
                              session);
      });
    }
  } catch (const Error& error) {
    // The reference, whose names the report tells, is no longer there: the model is finished all
    // the same.
    if (error.kind() == ErrorKind::BadFormat) save_model(result.model, output, common.overwrite);
    throw;
  }
  save_model(result.model, output, common.overwrite, session.outputs());
  if (folder) {
    folder->add_to(session.outputs());
    session.say_when_written("written: " + (folder->path() / "report.html").string());
  }
  session.commit_outputs();
  if (checkpoint != nullptr) checkpoint->remove();
  session.say(
      fmt::format("genes: {}, types: {}", result.dataset.n_genes(), result.model.types.n_types()));
  if (!result.suspects.empty()) {
    const std::int64_t seen = request.training.suspects.max_cells;
    session.say(fmt::format(
        "suspect labels: {} ({:.1f} %){}{}",
        counted(static_cast<std::int64_t>(result.suspects.size()), "cell"),
        100.0 * static_cast<double>(result.suspects.size()) /
            static_cast<double>(result.dataset.n_cells()),
        result.suspects_dropped
            ? fmt::format(", {} left out of the training", result.model.card.n_suspects_dropped)
            : "",
        result.dataset.n_cells() > seen
            ? fmt::format("; models of a stratified draw of {} cells judged all", seen)
            : ""));
  }
  for (LabelIndex type = 0; type < result.model.types.n_types(); ++type) {
    const std::int64_t n = result.model.card.cells_of_type[as_size(type)];
    if (!result.suspects_dropped || n >= request.training.min_cells_per_type) continue;
    session.context().warn(fmt::format(
        "type '{}' is trained on {}: its others are suspects, of which --min-cells-per-type knows "
        "nothing",
        printable(result.model.types.name(type)), counted(n, "cell")));
  }
  if (result.validation.n_cells > 0) {
    session.say(fmt::format(
        "validation ({}): {}, accuracy {:.4f}, macro F1 {:.4f}, NLL {:.4f}, calibration "
        "error {:.4f} ({}; without it NLL {:.4f}, error {:.4f}){}",
        result.model.card.scores.validation, counted(result.validation.n_cells, "cell"),
        result.validation.accuracy, result.validation.macro_f1, result.validation.nll,
        result.validation.ece, calibration_text(result.model), result.uncalibrated.nll,
        result.uncalibrated.ece,
        result.model.card.n_suspects_dropped > 0
            ? "; cells left out as suspects are judged by their labels as given"
            : ""));
  }
  session.say(fmt::format(
      "written: {}{}", output,
      result.model.was_interrupted
          ? fmt::format(" (training was {}; it cannot be resumed, which takes --checkpoint FILE "
                        "from its beginning)",
                        interruption_text(result.model))
          : ""));
  session.finish(result.dataset.n_cells());
  return result.model.was_interrupted ? cancelled_exit_code() : 0;
}

}  // namespace

void add_train(CLI::App& program) {
  const auto flags = std::make_shared<OptionFlags>();
  const auto request = std::make_shared<TrainingRequest>();
  const auto preset = std::make_shared<std::string>("standard");
  const auto output = std::make_shared<std::string>();
  const auto report = std::make_shared<std::string>();
  CLI::App* app = add_subcommand(
      program,
      {"train", "Train a model on labelled cells",
       "saithe train reference.h5ad --label-key cell_type -o model.saithe --report report/"},
      flags, [=](const CommonOptions& common) {
        return run(common, *flags, *request, *preset, *output, *report);
      });
  app->add_option(
         "REFERENCE", request->inputs,
         "labelled cells, one or several files: h5ad, Zarr, 10x HDF5, MTX, Loom, h5Seurat, CSV")
      ->required();
  app->add_option("-o,--output", *output, "the model to write")->required()->type_name("FILE");
  app->add_option("--report", *report,
                  "write a report here: page, pictures, model card, scores, suspect labels, "
                  "predictions of the validation cells")
      ->type_name("FOLDER");
  add_label_flags(*app, request->labels);
  app->add_option("--preset", *preset,
                  "standard, fast, thorough, or walkthrough (the article as written)")
      ->capture_default_str()
      ->type_name("");
  flags->add(*app, TrainOptions::preset("standard"), "Training");
  flags->add(*app, CheckpointOptions{}, "Checkpoint");
  flags->add(*app, ReadOptions{}, "Reading");
  flags->add(*app, ConcatenateOptions{}, "Reading");
  add_gene_flags(*app, *flags);
}

}  // namespace saithe::cli
