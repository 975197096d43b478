#include "training_run.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <span>

#include "input_paths.h"
#include "saithe/core/option_text.h"
#include "saithe/core/text_io.h"
#include "saithe/data/concatenate.h"

namespace saithe::cli {
namespace {

constexpr std::int64_t kShownDonors = 5;

void say_filters(std::span<const FilterStep> steps, Session& session) {
  for (const FilterStep& step : steps) {
    session.say(fmt::format("filter {}: {}, {} dropped", step.name,
                            counted(step.n_cells_dropped, "cell"),
                            counted(step.n_genes_dropped, "gene")));
  }
}

/// A model that is worse than naming the most frequent type every time has learned nothing.
void warn_of_poor_accuracy(const TrainResult& result, bool has_network, const Context& context) {
  const Evaluation& validation = result.validation;
  if (validation.n_cells == 0) return;
  const auto largest = std::ranges::max_element(validation.per_type, {}, &TypeScores::support);
  const double share =
      static_cast<double>(largest->support) / static_cast<double>(validation.n_cells);
  if (validation.accuracy >= share) return;
  context.warn(fmt::format(
      "validation accuracy {:.4f} is below the share of the most frequent type ({:.4f}, '{}'): "
      "naming it every time would be right more often. {}",
      validation.accuracy, share, largest->cell_type,
      has_network ? "Train longer (--epochs), or check the labels" : "Check the labels"));
}

/// A key of numbers makes many.
void say_small_types(const TrainingData& data, Session& session) {
  constexpr std::size_t kMostShown = 10;
  std::int64_t n_cells = 0;
  for (std::size_t i = 0; i < data.small_types.size(); ++i) {
    const auto& [type, n] = data.small_types[i];
    n_cells += n;
    if (i >= kMostShown) continue;
    session.say(printable(fmt::format("left out: type '{}' has {}", type, counted(n, "cell"))));
  }
  if (data.small_types.size() > kMostShown) {
    session.say(fmt::format("left out: {} types in all, with {}; the model keeps {}",
                            data.small_types.size(), counted(n_cells, "cell"),
                            counted(data.types.n_types(), "type")));
  }
  if (n_cells > std::ssize(data.labels)) {
    session.context().warn(fmt::format(
        "{}: {} are left out for labels that too few cells have, {} remain. Check that the labels "
        "are cell types, not numbers or names of cells",
        data.dataset.name(), counted(n_cells, "cell"), data.labels.size()));
  }
}

/// epoch_line() without validation cells.
std::string training_epoch_line(const EpochRecord& record) {
  return fmt::format("Epoch: {}, Train loss: {:.6f}, Train acc: {:.6f}", record.epoch,
                     record.train_loss, record.train_accuracy);
}

}  // namespace

std::vector<std::filesystem::path> TrainingRequest::input_files() const {
  std::vector<std::filesystem::path> files(inputs.begin(), inputs.end());
  files.push_back(labels.table);
  files.emplace_back(concatenation.matching.gene_symbols);
  return files;
}

std::string epoch_line(const EpochRecord& record) {
  // The sign of "not a number" means nothing.
  const auto shown = [](double value) { return std::isnan(value) ? std::abs(value) : value; };
  return fmt::format(
      "Epoch: {}, Train loss: {:.6f}, Val loss: {:.6f}, Train acc: {:.6f}, Val acc: {:.6f}",
      record.epoch, shown(record.train_loss), shown(record.validation_loss),
      shown(record.train_accuracy), shown(record.validation_accuracy));
}

std::vector<std::pair<std::string, std::string>> run_options(const TrainingRequest& request,
                                                             const Session& session) {
  std::vector<std::pair<std::string, std::string>> options = {
      {"seed", option_text(session.common().seed)}};
  if (!request.labels.key.empty()) options.emplace_back("label-key", request.labels.key);
  if (!request.labels.table.empty()) {
    options.emplace_back("labels", shown_name(request.labels.table));
  }
  return options;
}

void apply_training_flags(const OptionFlags& flags, TrainOptions& options) {
  flags.apply(options);
  // Naming a share or a kind of split asks for one to be held out; naming donors asks for them.
  const bool names_split = flags.is_given("split") || flags.is_given("validation-fraction");
  if (!flags.is_given("validate")) {
    if (names_split)
      options.validate = Validation::HeldOut;
    else if (flags.is_given("donor-key") && options.validate != Validation::HeldOut) {
      options.validate = Validation::ByDonor;
    }
  }
  if (options.validate == Validation::HeldOut && flags.is_given("donor-key") &&
      !flags.is_given("split")) {
    options.split = SplitKind::ByDonor;
  }
  if (!flags.is_given("dropout") && options.dropout.size() > options.hidden.size()) {
    options.dropout.resize(options.hidden.size());
  }
  flags.require_effect(options);
}

namespace {

/// Donors are told by their names alone: '1' of one file is '1' of another.
void warn_of_shared_donors(const TrainingData& data, const std::string& donor_key,
                           Session& session) {
  const Table& obs = data.dataset.obs();
  if (donor_key.empty() || !obs.has(donor_key)) return;
  const std::vector<std::string> donors = obs.as_text(donor_key);
  const std::vector<std::string> files = obs.as_text(reference_column(obs));
  std::map<std::string, std::set<std::string>> files_of;
  for (std::size_t i = 0; i < donors.size(); ++i) files_of[donors[i]].insert(files[i]);
  std::string names;
  std::int64_t n = 0;
  for (const auto& [donor, of_donor] : files_of) {
    if (of_donor.size() < 2 || donor.empty()) continue;
    if (n++ < kShownDonors) names += (names.empty() ? "'" : ", '") + printable(donor) + "'";
  }
  if (n == 0) return;
  session.context().warn(fmt::format(
      "{} {}{} in several files and {} taken as one{}: where they are different people, "
      "give them different names in obs",
      n == 1 ? "donor" : "donors", names,
      n > kShownDonors ? ", ... stand" : (n == 1 ? " stands" : " stand"), n == 1 ? "is" : "are",
      n == 1 ? "" : " each"));
}

}  // namespace

TrainingData read_training_data(const TrainingRequest& request, const OptionFlags& flags,
                                Session& session) {
  LabelledCells reference = open_references(request.inputs, request.reading, request.concatenation,
                                            request.labels, session);
  TrainingData data = prepare_training_data(*reference.cells, reference.labels, request.training,
                                            session.context());
  data.sources = request.inputs.size() == 1
                     ? std::vector<std::string>{shown_name(request.inputs.front())}
                     : reference_names(request.inputs);
  std::sort(data.sources.begin(), data.sources.end());
  for (const auto& [n, what] : {std::pair(data.n_cells_without_label, "without a label"),
                                std::pair(data.n_cells_without_counts, "without counts")}) {
    if (n > 0) session.say(fmt::format("dropped: {} {}", counted(n, "cell"), what));
  }
  say_small_types(data, session);
  if (request.inputs.size() > 1) warn_of_shared_donors(data, request.training.donor_key, session);
  if (data.kind == ExpressionKind::LogNormalized) {
    if (request.training.augment.thin_share > 0) {
      flags.refuse({"thin-share", "thin-minimum"},
                   "on logarithms of normalised counts, taken as they are");
    }
    session.say("values: logarithms of normalised counts, taken as they are");
  }
  session.end_stage("read");
  return data;
}

std::unique_ptr<TrainingCheckpoint> make_checkpoint(const CheckpointOptions& options,
                                                    bool overwrite) {
  if (options.checkpoint.empty()) {
    if (!options.resume) return nullptr;
    fail(ErrorKind::InvalidArgument, "--resume: name the file to go on from with --checkpoint");
  }
  using Existing = TrainingCheckpoint::Existing;
  const Existing existing = options.resume ? Existing::Resume
                            : overwrite    ? Existing::Replace
                                           : Existing::Refuse;
  return std::make_unique<TrainingCheckpoint>(options.checkpoint, existing);
}

TrainingOutcome run_training(TrainingData data, const TrainOptions& options, Session& session,
                             TrainingCheckpoint* checkpoint) {
  TrainingOutcome outcome;
  outcome.n_cells_read = data.n_cells_read;
  outcome.n_genes_read = data.n_genes_read;
  outcome.n_cells_without_label = data.n_cells_without_label;
  outcome.n_cells_without_counts = data.n_cells_without_counts;
  const std::size_t n_steps = data.qc.steps.size();
  say_filters(data.qc.steps, session);
  const bool has_validation = options.validate == Validation::HeldOut;
  const auto on_epoch = [&](const EpochRecord& record) {
    session.print(has_validation ? epoch_line(record) : training_epoch_line(record));
  };
  try {
    outcome.result =
        train(std::move(data), options, session.device(), session.context(), on_epoch, checkpoint);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::Cancelled || checkpoint == nullptr) throw;
    if (!checkpoint->holds_anything()) throw;
    fail(ErrorKind::Cancelled,
         "{}; {} holds what is finished: the same command with --resume goes on from there",
         error.what(), checkpoint->path().string());
  }
  // The gene filter of the training cells is known only to train(), which splits.
  say_filters(std::span(outcome.result.qc.steps).subspan(n_steps), session);
  session.end_stage("train");
  warn_of_poor_accuracy(outcome.result, options.networks > 0, session.context());
  return outcome;
}

}  // namespace saithe::cli
