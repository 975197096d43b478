#include <algorithm>
#include <nlohmann/json.hpp>

#include "bundled_data.h"
#include "input_paths.h"
#include "output_plan.h"
#include "saithe/classify/evaluation_json.h"
#include "saithe/classify/model_file.h"
#include "saithe/core/option_text.h"
#include "saithe/core/text_io.h"
#include "saithe/core/usable_memory.h"
#include "saithe/embed/umap.h"
#include "walkthrough_outputs.h"

namespace saithe::cli {
namespace {

struct Request {
  TrainingRequest training;
  UmapOptions umap;
  std::filesystem::path output;
  bool compare_losses = false;
};

kernels::Loss other_loss(kernels::Loss loss) {
  return loss == kernels::Loss::Article ? kernels::Loss::CrossEntropy : kernels::Loss::Article;
}

/// The rows of `cells` of the last hidden layer, laid out.
DenseMatrix lay_out(const TrainResult& result, std::span<const CellIndex> cells,
                    const UmapOptions& options, const Context& context) {
  return umap(select_rows(result.activations.hidden.view(), cells).view(), options, context);
}

/// What the pictures after the training need is asked for before it: a hidden layer, and cells
/// enough for a layout of either set.
void require_hidden_layer(const TrainOptions& options) {
  if (options.hidden.empty()) {
    fail(ErrorKind::InvalidArgument,
         "--hidden: the walk-through embeds the last hidden layer; name one");
  }
}

void require_layouts(const TrainingData& data, const TrainOptions& options,
                     const UmapOptions& layout, const Context& context) {
  require_memory_for_cells(data.dataset.name() + ": a UMAP", data.dataset.n_cells(),
                           umap_bytes_of_point(layout, options.hidden.back()), context.max_memory);
  Context silent = context;  // the training will draw the same sets, and warn
  silent.on_warning = {};
  const Table& obs = data.dataset.obs();
  Split split;
  if (options.split == SplitKind::Random) {
    split = split_random(data.labels, data.types.names(), options.validation_fraction, silent);
  } else if (options.split == SplitKind::Stratified) {
    split = split_stratified(data.labels, data.types.names(), options.validation_fraction, silent);
  } else {
    if (!obs.has(options.donor_key)) return;  // the training says so
    split = split_by_donor(obs.as_text(options.donor_key), options.validation_fraction, silent);
  }
  const auto n_training = static_cast<std::int64_t>(split.training.size());
  const auto n_validation = static_cast<std::int64_t>(split.validation.size());
  if (std::min(n_training, n_validation) < kMinUmapPoints) {
    fail(ErrorKind::BadFormat,
         "{}: too few cells: {} would train and {} validate (--validation-fraction {}); UMAP needs "
         "{} of each",
         data.dataset.name(), n_training, n_validation, options.validation_fraction,
         kMinUmapPoints);
  }
}

/// Leaves the model alone; `when` says how far the walk-through came.
int end_interrupted(const TrainResult& result, const std::string& when, OutputFolder& folder,
                    Session& session) {
  folder.write([&] { save_model(result.model, folder.file("model.saithe"), true); });
  folder.commit();
  session.say(
      fmt::format("interrupted {}; written: {}", when, (folder.path() / "model.saithe").string()));
  return cancelled_exit_code();
}

std::string after_epochs(const TrainResult& result) {
  return fmt::format("after {} epochs", result.history.epochs.size());
}

std::string run_json(const Walkthrough& walkthrough, Session& session) {
  nlohmann::ordered_json stages = nlohmann::ordered_json::object();
  for (const auto& [name, seconds] : session.stages()) stages[name] = seconds;
  std::vector<double> epochs;
  for (const EpochRecord& record : walkthrough.training.result.history.epochs) {
    epochs.push_back(record.seconds);
  }
  const auto backend = kernels::make_backend(session.device(), session.context());
  const nlohmann::ordered_json run = {{"version", SAITHE_VERSION},
                                      {"command", command_line()},
                                      {"threads", session.context().n_threads()},
                                      {"device", backend->name()},
                                      {"hardware", backend->hardware()},
                                      {"seconds", session.seconds()},
                                      {"stage_seconds", stages},
                                      {"epoch_seconds", epochs},
                                      {"peak_memory_bytes", peak_memory_bytes()}};
  return run.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

void print_summary(const Walkthrough& walkthrough, const std::vector<std::string>& written,
                   const std::filesystem::path& folder, Session& session) {
  const TrainResult& result = walkthrough.training.result;
  session.print(fmt::format("cells: {} ({} training, {} validation), genes: {}",
                            result.dataset.n_cells(), result.split.training.size(),
                            result.split.validation.size(), result.dataset.n_genes()));
  session.print(fmt::format("accuracy: {:.4f} training, {:.4f} validation (macro F1 {:.4f})",
                            result.training.accuracy, result.validation.accuracy,
                            result.validation.macro_f1));
  for (const Confusion& pair : most_confused(result.validation, 3)) {
    session.print(printable(fmt::format("most confused: {} of {} called {}", pair.n_cells,
                                        pair.truth, pair.predicted)));
  }
  if (walkthrough.compared) {
    const TrainResult& other = *walkthrough.compared;
    for (const TrainResult* run : {&result, &other}) {
      session.print(fmt::format(
          "loss {}: training loss {:.4f}, validation loss {:.4f}, validation accuracy {:.4f}, "
          "validation NLL {:.4f}, calibration error {:.4f}",
          to_text(run->model.loss), run->history.epochs.back().train_loss,
          run->history.epochs.back().validation_loss, run->validation.accuracy, run->validation.nll,
          run->validation.ece));
    }
  }
  session.print(
      fmt::format("{:.1f} s, peak memory {} MB", session.seconds(), peak_memory_bytes() / 1000000));
  session.print(fmt::format("written to {}:", folder.string()));
  for (const std::string& name : written) session.print("  " + (folder / name).string());
}

int run(const CommonOptions& common, const OptionFlags& flags, Request request) {
  Session session(common);
  request.training.training = TrainOptions::preset("walkthrough");
  apply_training_flags(flags, request.training.training);
  flags.apply(request.training.reading);
  flags.apply(request.umap);
  if (request.training.inputs.empty()) {
    request.training.inputs = {bundled_file(kBundledPbmc3k).string()};
    LabelPlace& labels = request.training.labels;
    if (labels.key.empty() && labels.table.empty()) labels.key = "louvain";
  }
  const TrainOptions& options = request.training.training;
  if (options.validate != Validation::HeldOut) {
    fail(ErrorKind::InvalidArgument,
         "--validate {}: the walk-through shows one set of validation cells, as the article; "
         "`saithe "
         "train` has folds",
         to_text(options.validate));
  }
  require_hidden_layer(options);
  require_umap_options(request.umap);
  const std::filesystem::path input = request.training.inputs.front();
  OutputPlan plan({input, request.training.labels.table});
  for (const std::string& name : walkthrough_files()) {
    plan.add(request.output / name, content_of_result(name));
  }
  OutputFolder folder(request.output, walkthrough_files(), common.overwrite);

  TrainingData data = read_training_data(request.training, flags, session);
  require_layouts(data, options, request.umap, session.context());
  std::optional<TrainingData> again;
  if (request.compare_losses) again = data;
  Walkthrough walkthrough;
  walkthrough.input_name = shown_name(input);
  walkthrough.labels_are_joined = !request.training.labels.table.empty();
  walkthrough.first_options = run_options(request.training, session);
  walkthrough.more_options = options_as_text(request.umap);
  for (const auto& option : options_as_text(request.training.reading)) {
    walkthrough.more_options.push_back(option);
  }
  walkthrough.training = run_training(std::move(data), options, session);
  const TrainResult& result = walkthrough.training.result;
  if (result.model.was_interrupted) {
    return end_interrupted(result, after_epochs(result), folder, session);
  }
  if (again) {
    TrainOptions other = options;
    other.trainer.loss = other_loss(options.trainer.loss);
    session.print(fmt::format("the same with --loss {}:", to_text(other.trainer.loss)));
    walkthrough.compared = run_training(std::move(*again), other, session).result;
    if (walkthrough.compared->model.was_interrupted) {
      return end_interrupted(result, "while losses were compared", folder, session);
    }
  }

  std::vector<CellIndex> all(as_size(result.dataset.n_cells()));
  for (std::size_t cell = 0; cell < all.size(); ++cell) all[cell] = static_cast<CellIndex>(cell);
  const Context& context = session.context();
  try {
    walkthrough.umap_training = lay_out(result, result.split.training, request.umap, context);
    walkthrough.umap_validation = lay_out(result, result.split.validation, request.umap, context);
    walkthrough.umap_all = lay_out(result, all, request.umap, context);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::Cancelled) throw;
    return end_interrupted(result, "while embedding, after the whole training", folder, session);
  }
  session.end_stage("embed");
  std::vector<std::string> warnings;
  for (const std::string& warning : session.warnings()) {
    warnings.push_back(without_folder(warning, input));
  }
  folder.write([&] { write_walkthrough(walkthrough, warnings, options, folder, session); });
  session.end_stage("write");
  folder.write([&] { write_file(folder.file("run.json"), run_json(walkthrough, session), true); });
  const std::vector<std::string> written = folder.commit();
  print_summary(walkthrough, written, request.output, session);
  return 0;
}

}  // namespace

void add_walkthrough(CLI::App& program) {
  const auto flags = std::make_shared<OptionFlags>();
  const auto request = std::make_shared<Request>();
  CLI::App* app = add_subcommand(
      program,
      {"walkthrough", "Every step of the article: counts in, labelled cells and a report out",
       "saithe walkthrough reference.h5ad --label-key cell_type -o out/"},
      flags, [=](const CommonOptions& common) { return run(common, *flags, *request); });
  app->add_option("REFERENCE", request->training.inputs,
                  "labelled cells: h5ad, Zarr, 10x HDF5, MTX, Loom, h5Seurat, CSV (without: the "
                  "bundled PBMC3K)")
      ->expected(1);
  app->add_option("-o,--output", request->output,
                  "folder to write into; made if missing. --overwrite also removes what else an "
                  "earlier walk-through left there")
      ->required()
      ->type_name("FOLDER");
  add_label_flags(*app, request->training.labels);
  app->add_flag("--compare-losses", request->compare_losses,
                "train with the article's loss and with the correct one");
  flags->add(*app, TrainOptions::preset("walkthrough"), "Training");
  flags->add(*app, UmapOptions{}, "UMAP");
  flags->add(*app, ReadOptions{}, "Reading");
}

}  // namespace saithe::cli
