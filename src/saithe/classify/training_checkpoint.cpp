#include "saithe/classify/training_checkpoint.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "saithe/classify/checksummed_file.h"
#include "saithe/classify/strict_json.h"
#include "saithe/core/text_io.h"

namespace saithe {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMetadataKey = "saithe_checkpoint";
constexpr std::uint64_t kFormatVersion = 2;
constexpr std::size_t kMaxJsonValues = 100000;
// Numbers of a suspect and of an epoch, in the order of their fields.
constexpr std::size_t kSuspectNumbers = 5;
constexpr std::size_t kEpochNumbers = 6;

std::string format_key(const CheckpointKey& key) {
  nlohmann::ordered_json json;
  json["format_version"] = kFormatVersion;
  json["saithe_version"] = key.saithe_version;
  json["input_sha256"] = key.input_sha256;
  json["seed"] = key.seed;
  json["hardware"] = key.hardware;
  auto options = nlohmann::ordered_json::array();
  for (const auto& [name, value] : key.options) {
    options.push_back(nlohmann::ordered_json::array({name, value}));
  }
  json["options"] = std::move(options);
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

CheckpointKey parse_key(const std::string& text, const std::string& where) {
  const auto json = parse_strict_json(text, {.max_depth = 4, .max_values = kMaxJsonValues}, where);
  const JsonObject object(
      json, where,
      {"format_version", "saithe_version", "input_sha256", "seed", "hardware", "options"});
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  if (object.count("format_version", kMax) != kFormatVersion) {
    fail(ErrorKind::Incompatible, "{}: the checkpoint is of another version of saithe ({})", where,
         printable(object.text("saithe_version")));
  }
  CheckpointKey key;
  key.saithe_version = object.text("saithe_version");
  key.input_sha256 = object.text("input_sha256");
  key.seed = object.count("seed", kMax);
  key.hardware = object.text("hardware");
  const auto& options = object.at("options");
  if (!options.is_array()) fail(ErrorKind::BadFormat, "{}: \"options\" is not a list", where);
  for (const auto& entry : options) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_string()) {
      fail(ErrorKind::BadFormat, "{}: \"options\" has an entry that is not [name, text]", where);
    }
    key.options.emplace_back(entry[0].get<std::string>(), entry[1].get<std::string>());
  }
  return key;
}

/// Names what differs: "--epochs is 3 here and 15 there".
std::string find_differences(const CheckpointKey& here, const CheckpointKey& there) {
  std::vector<std::string> differences;
  if (here.saithe_version != there.saithe_version) {
    differences.push_back(
        fmt::format("saithe is {} here and {} there", here.saithe_version, there.saithe_version));
  }
  if (here.input_sha256 != there.input_sha256) {
    differences.emplace_back("the reference has other cells, counts, genes, labels or donors");
  }
  if (here.seed != there.seed) {
    differences.push_back(fmt::format("--seed is {} here and {} there", here.seed, there.seed));
  }
  for (const auto& [name, value] : here.options) {
    const auto same = std::find_if(there.options.begin(), there.options.end(),
                                   [&](const auto& other) { return other.first == name; });
    if (same == there.options.end()) {
      differences.push_back(fmt::format("--{} is not known there", name));
    } else if (same->second != value) {
      differences.push_back(
          fmt::format("--{} is '{}' here and '{}' there", name, value, same->second));
    }
  }
  std::string text;
  for (const std::string& difference : differences) {
    text += (text.empty() ? "" : "; ") + printable(difference);
  }
  return text;
}

/// Calls visit(name, number of values, array) for every array of a network.
template <typename Parameters, typename Visit>
void for_each_array(const MlpShape& shape, Parameters& parameters, Visit visit) {
  for (int layer = 0; layer < shape.n_layers(); ++layer) {
    const auto at = as_size(layer);
    const std::string name = fmt::format(".layer{}.", layer);
    const std::int64_t n_out = shape.outputs_of(layer);
    visit(name + "weight", as_size(shape.inputs_of(layer) * n_out), parameters.weights[at]);
    visit(name + "bias", as_size(n_out), parameters.biases[at]);
    if (!shape.layer_norm || layer + 1 == shape.n_layers()) continue;
    visit(name + "norm_gain", as_size(n_out), parameters.norm_gains[at]);
    visit(name + "norm_bias", as_size(n_out), parameters.norm_biases[at]);
  }
}

/// The rows of `matrix` whose entry of `folds` is `fold`.
std::vector<std::int64_t> rows_of_fold(int fold, std::span<const int> folds) {
  std::vector<std::int64_t> rows;
  for (std::size_t i = 0; i < folds.size(); ++i) {
    if (folds[i] == fold) rows.push_back(static_cast<std::int64_t>(i));
  }
  return rows;
}

void scatter_rows(const DenseMatrix& source, std::span<const std::int64_t> rows,
                  DenseMatrix& target) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto row = source.row(static_cast<std::int64_t>(i));
    std::copy(row.begin(), row.end(), target.row(rows[i]).begin());
  }
}

std::string fold_unit(int fold) {
  return fmt::format("fold{}", fold);
}

}  // namespace

TrainingCheckpoint::TrainingCheckpoint(fs::path path, Existing existing)
    : path_(std::move(path)), existing_(existing) {
  std::error_code error;
  // Any other file is the user's own, whatever --overwrite allows: a checkpoint is removed at the
  // end of the training. A damaged one is known by its beginning.
  if (fs::exists(path_, error) && !is_checksummed_file(path_, kMetadataKey)) {
    fail(existing == Existing::Resume ? ErrorKind::BadFormat : ErrorKind::Output,
         "{}: exists and is not a checkpoint of saithe; it is left as it is. Name another file "
         "with --checkpoint.",
         path_.string());
  }
  if (existing == Existing::Refuse && fs::exists(fs::symlink_status(path_, error))) {
    fail(ErrorKind::Output,
         "{}: the checkpoint exists; --resume goes on with it, --overwrite starts anew",
         path_.string());
  }
  const OutputFile probe(path_, true);
}

void TrainingCheckpoint::open(const CheckpointKey& key, const Context& context) {
  key_json_ = format_key(key);
  if (existing_ != Existing::Resume) return;
  std::error_code error;
  if (!fs::exists(path_, error)) {
    context.warn(fmt::format(
        "{}: there is no checkpoint yet; the training starts from its beginning", path_.string()));
    return;
  }
  read(key, context);
}

void TrainingCheckpoint::read(const CheckpointKey& key, const Context& context) {
  ChecksummedReader reader(path_, "checkpoint", "start anew with --overwrite in place of --resume");
  const std::string text = reader.read_header();
  const auto header = reader.parse_header(
      [&] { return parse_safetensors_header(text, reader.n_buffer_bytes(), reader.where()); });
  if (header.metadata.size() != 2 || header.metadata.count(kMetadataKey) == 0) {
    fail(ErrorKind::BadFormat, "{}: is not a checkpoint: __metadata__ has no '{}'", reader.where(),
         kMetadataKey);
  }
  Arrays arrays;
  for (const TensorInfo& tensor : header.tensors) {
    Array& array = arrays[tensor.name];
    if (tensor.dtype == "F64") {
      reader.read_tensor(tensor, array.doubles);
    } else {
      reader.read_tensor(tensor, array.floats);
    }
  }
  reader.require_digest();
  const CheckpointKey there = parse_key(header.metadata.at(kMetadataKey), reader.where());
  const std::string differences = find_differences(key, there);
  if (!differences.empty()) {
    fail(ErrorKind::Incompatible,
         "{}: the checkpoint is of another training: {}. Give the command that began it, or start "
         "anew with --overwrite in place of --resume.",
         path_.string(), differences);
  }
  if (there.hardware != key.hardware) {
    context.warn(fmt::format(
        "{}: was begun on {}, goes on on {}: the last bits may differ from those of one run",
        path_.string(), printable(there.hardware), key.hardware));
  }
  arrays_ = std::move(arrays);
}

void TrainingCheckpoint::save() const {
  std::vector<TensorInfo> tensors;
  std::vector<TensorBytes> pieces;
  std::int64_t offset = 0;
  for (const auto& [name, array] : arrays_) {
    const bool is_double = array.floats.empty();
    const std::size_t n = is_double ? array.doubles.size() : array.floats.size();
    const std::size_t n_bytes = n * (is_double ? sizeof(double) : sizeof(float));
    tensors.push_back({name,
                       is_double ? "F64" : "F32",
                       {static_cast<std::int64_t>(n)},
                       offset,
                       offset + static_cast<std::int64_t>(n_bytes)});
    offset = tensors.back().end;
    pieces.push_back({is_double ? static_cast<const void*>(array.doubles.data())
                                : static_cast<const void*>(array.floats.data()),
                      n_bytes});
  }
  write_checksummed_file(path_, true, {kMetadataKey, key_json_}, tensors, pieces);
}

void TrainingCheckpoint::remove() {
  arrays_.clear();
  std::error_code error;
  fs::remove(path_, error);
  if (error) {
    fail(ErrorKind::Output, "{}: cannot be removed: {}", path_.string(), error.message());
  }
}

void TrainingCheckpoint::fail_size(const std::string& name, std::size_t found,
                                   std::size_t expected) const {
  fail(ErrorKind::BadFormat, "{}: '{}' has {} values where {} were expected", path_.string(), name,
       found, expected);
}

const AlignedVector<float>* TrainingCheckpoint::find_floats(const std::string& name,
                                                            std::size_t size) const {
  const auto found = arrays_.find(name);
  if (found == arrays_.end()) return nullptr;
  if (found->second.floats.size() != size) {
    fail_size(name, found->second.floats.size(), size);
  }
  return &found->second.floats;
}

const std::vector<double>* TrainingCheckpoint::find_doubles(const std::string& name) const {
  const auto found = arrays_.find(name);
  return found == arrays_.end() ? nullptr : &found->second.doubles;
}

void TrainingCheckpoint::forget(const std::string& prefix) {
  std::erase_if(arrays_, [&](const auto& entry) { return entry.first.starts_with(prefix); });
}

bool TrainingCheckpoint::restore_matrix(const std::string& unit, DenseMatrix& matrix) const {
  const auto n = as_size(matrix.n_rows() * matrix.n_cols());
  const auto* values = find_floats(unit, n);
  if (values == nullptr) return false;
  std::copy(values->begin(), values->end(), matrix.data());
  return true;
}

void TrainingCheckpoint::keep_matrix(const std::string& unit, const DenseMatrix& matrix) {
  const std::int64_t n = matrix.n_rows() * matrix.n_cols();
  arrays_[unit] = {{matrix.data(), matrix.data() + n}, {}};
  save();
}

bool TrainingCheckpoint::restore_suspects(const std::string& unit,
                                          std::vector<Suspect>& suspects) const {
  const auto* numbers = find_doubles(unit);
  if (numbers == nullptr) return false;
  if (numbers->size() % kSuspectNumbers != 0) {
    fail_size(unit, numbers->size(), numbers->size() / kSuspectNumbers * kSuspectNumbers);
  }
  suspects.clear();
  for (std::size_t i = 0; i < numbers->size(); i += kSuspectNumbers) {
    const double* at = numbers->data() + i;
    Suspect suspect;
    suspect.cell = static_cast<CellIndex>(at[0]);
    suspect.label = static_cast<LabelIndex>(at[1]);
    suspect.looks_like = static_cast<LabelIndex>(at[2]);
    suspect.label_probability = static_cast<float>(at[3]);
    suspect.probability = static_cast<float>(at[4]);
    suspects.push_back(suspect);
  }
  return true;
}

void TrainingCheckpoint::keep_suspects(const std::string& unit, std::span<const Suspect> suspects) {
  std::vector<double> numbers;
  for (const Suspect& suspect : suspects) {
    numbers.insert(
        numbers.end(),
        {static_cast<double>(suspect.cell), static_cast<double>(suspect.label),
         static_cast<double>(suspect.looks_like), static_cast<double>(suspect.label_probability),
         static_cast<double>(suspect.probability)});
  }
  forget(unit + ".");
  arrays_[unit] = {{}, std::move(numbers)};
  save();
}

bool TrainingCheckpoint::restore_fold(int fold, std::span<const int> folds,
                                      DenseMatrix& probabilities, DenseMatrix& logits,
                                      std::vector<double>& distances) const {
  const auto rows = rows_of_fold(fold, folds);
  const std::string unit = fold_unit(fold);
  DenseMatrix of_fold(static_cast<std::int64_t>(rows.size()), probabilities.n_cols());
  if (!restore_matrix(unit + ".probabilities", of_fold)) return false;
  scatter_rows(of_fold, rows, probabilities);
  if (!restore_matrix(unit + ".logits", of_fold)) return false;
  scatter_rows(of_fold, rows, logits);
  if (distances.empty()) return true;
  const auto* numbers = find_doubles(unit + ".distances");
  if (numbers == nullptr) return false;
  if (numbers->size() != rows.size()) fail_size(unit, numbers->size(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) distances[as_size(rows[i])] = (*numbers)[i];
  return true;
}

void TrainingCheckpoint::keep_fold(int fold, std::span<const int> folds,
                                   const DenseMatrix& probabilities, const DenseMatrix& logits,
                                   std::span<const double> distances) {
  const auto rows = rows_of_fold(fold, folds);
  const std::string unit = fold_unit(fold);
  for (const auto& [name, matrix] :
       {std::pair(".probabilities", &probabilities), std::pair(".logits", &logits)}) {
    const DenseMatrix of_fold = select_rows(matrix->view(), rows);
    arrays_[unit + name] = {{of_fold.data(), of_fold.data() + of_fold.n_rows() * of_fold.n_cols()},
                            {}};
  }
  if (!distances.empty()) {
    std::vector<double> numbers;
    for (const std::int64_t row : rows) numbers.push_back(distances[as_size(row)]);
    arrays_[unit + ".distances"] = {{}, std::move(numbers)};
  }
  save();
}

bool TrainingCheckpoint::restore_parameters(const std::string& unit, const MlpShape& shape,
                                            MlpParameters& parameters) const {
  const auto n_layers = as_size(shape.n_layers());
  const std::size_t n_norms = shape.layer_norm ? shape.hidden.size() : 0;
  parameters.weights.resize(n_layers);
  parameters.biases.resize(n_layers);
  parameters.norm_gains.resize(n_norms);
  parameters.norm_biases.resize(n_norms);
  bool is_whole = true;
  for_each_array(shape, parameters, [&](const std::string& name, std::size_t size, auto& array) {
    const auto* values = find_floats(unit + name, size);
    if (values == nullptr) {
      is_whole = false;
    } else {
      array = *values;
    }
  });
  return is_whole;
}

void TrainingCheckpoint::put_parameters(const std::string& unit, const MlpShape& shape,
                                        const MlpParameters& parameters) {
  for_each_array(shape, parameters, [&](const std::string& name, std::size_t, const auto& array) {
    arrays_[unit + name] = {array, {}};
  });
}

bool TrainingCheckpoint::restore_history(const std::string& unit, TrainHistory& history) const {
  const auto* numbers = find_doubles(unit + ".history");
  if (numbers == nullptr) return false;
  if (numbers->size() % kEpochNumbers != 0) {
    fail_size(unit, numbers->size(), numbers->size() / kEpochNumbers * kEpochNumbers);
  }
  history = {};
  for (std::size_t i = 0; i < numbers->size(); i += kEpochNumbers) {
    const double* at = numbers->data() + i;
    history.epochs.push_back({static_cast<int>(at[0]), at[1], at[2], at[3], at[4], at[5]});
  }
  return true;
}

void TrainingCheckpoint::put_history(const std::string& unit, const TrainHistory& history) {
  std::vector<double> numbers;
  for (const EpochRecord& record : history.epochs) {
    numbers.insert(numbers.end(),
                   {static_cast<double>(record.epoch), record.train_loss, record.validation_loss,
                    record.train_accuracy, record.validation_accuracy, record.seconds});
  }
  arrays_[unit + ".history"] = {{}, std::move(numbers)};
}

bool TrainingCheckpoint::restore_member(const std::string& unit, const MlpShape& shape,
                                        MlpParameters& parameters, TrainHistory& history) const {
  return restore_history(unit, history) && restore_parameters(unit, shape, parameters);
}

void TrainingCheckpoint::keep_member(const std::string& unit, const MlpShape& shape,
                                     const MlpParameters& parameters, const TrainHistory& history) {
  forget(unit + "-");
  put_parameters(unit, shape, parameters);
  put_history(unit, history);
  save();
}

bool TrainingCheckpoint::restore_progress(const std::string& unit, const MlpShape& shape,
                                          MlpParameters& parameters, Mlp::Moments& moments,
                                          TrainHistory& history) const {
  return restore_history(unit + "-now", history) &&
         restore_parameters(unit + "-now", shape, parameters) &&
         restore_parameters(unit + "-first-moment", shape, moments.first) &&
         restore_parameters(unit + "-second-moment", shape, moments.second);
}

void TrainingCheckpoint::keep_progress(const std::string& unit, const Mlp& mlp,
                                       const TrainHistory& history) {
  const Mlp::Moments moments = mlp.moments();
  put_parameters(unit + "-now", mlp.shape(), mlp.parameters());
  put_parameters(unit + "-first-moment", mlp.shape(), moments.first);
  put_parameters(unit + "-second-moment", mlp.shape(), moments.second);
  put_history(unit + "-now", history);
  save();
}

}  // namespace saithe
