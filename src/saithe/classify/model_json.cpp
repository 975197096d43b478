#include "saithe/classify/model_json.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "saithe/classify/model_card_json.h"
#include "saithe/classify/strict_json.h"
#include "saithe/core/text_io.h"

namespace saithe {
namespace {

// Both lists of genes, the types and the options; bounds the memory that a file can ask for.
constexpr std::size_t kMaxJsonValues = 4000000;
constexpr std::size_t kMaxHiddenLayers = 63;
constexpr std::uint64_t kMaxNoveltyAxes = 1000;
// What all models of versions before 8 had as "unseen_type".
constexpr double kOldUnseenDegrees = 3;
constexpr double kOldUnseenMisfit = 2;
constexpr std::uint64_t kMaxInt = std::numeric_limits<int>::max();

void require_distinct(const std::vector<std::string>& names, const char* what,
                      const std::string& where) {
  std::unordered_set<std::string_view> seen;
  for (const std::string& name : names) {
    if (!name.empty() && !seen.insert(name).second) {
      fail(ErrorKind::BadFormat, "{}: {} has '{}' twice", where, what, printable(name));
    }
  }
}

PreprocessorOptions read_preprocessing(const nlohmann::json& json, const std::string& where) {
  const JsonObject object(json, where, {"variable_genes", "target_sum", "scale", "max_value"});
  PreprocessorOptions options;
  options.n_variable_genes = static_cast<int>(object.count("variable_genes", kMaxInt));
  options.target_sum = object.number("target_sum");
  options.scale = object.boolean("scale");
  options.max_value = object.number("max_value");
  if (options.target_sum <= 0 || options.max_value < 0) {
    fail(ErrorKind::BadFormat, "{}: target_sum {} is not above 0 or max_value {} is below 0", where,
         options.target_sum, options.max_value);
  }
  return options;
}

MlpShape read_shape(const nlohmann::json& json, const std::string& where) {
  const JsonObject object(json, where,
                          {"n_inputs", "hidden", "dropout", "layer_norm", "n_outputs"});
  MlpShape shape;
  shape.n_inputs = static_cast<std::int64_t>(object.count("n_inputs", kMaxModelGenes));
  for (const std::uint64_t units : object.counts("hidden", kMaxInt)) {
    if (units == 0) fail(ErrorKind::BadFormat, "{}: a hidden layer has no units", where);
    shape.hidden.push_back(static_cast<int>(units));
  }
  shape.dropout = object.numbers("dropout");
  shape.layer_norm = object.boolean("layer_norm");
  shape.n_outputs = static_cast<int>(object.count("n_outputs", kMaxInt));
  if (shape.hidden.size() > kMaxHiddenLayers || shape.dropout.size() > shape.hidden.size()) {
    fail(ErrorKind::BadFormat, "{}: {} hidden layers (at most {}) with {} dropout rates", where,
         shape.hidden.size(), kMaxHiddenLayers, shape.dropout.size());
  }
  for (const double rate : shape.dropout) {
    if (rate < 0 || rate >= 1) {
      fail(ErrorKind::BadFormat, "{}: the dropout rate {} is not in [0, 1)", where, rate);
    }
  }
  return shape;
}

UnseenTypeShape read_unseen_type(const JsonObject& object, const std::string& where) {
  const std::vector<double> numbers = object.numbers("unseen_type");
  if (numbers.size() != 2 || !(numbers[0] > 0) || !(numbers[1] >= 0)) {
    fail(ErrorKind::BadFormat,
         "{}: \"unseen_type\" is not two numbers: degrees above 0 and deviations of 0 or more",
         where);
  }
  return {numbers[0], numbers[1]};
}

std::vector<std::pair<std::string, std::string>> read_options(const nlohmann::json& json,
                                                              const std::string& where) {
  std::vector<std::pair<std::string, std::string>> options;
  if (!json.is_array()) fail(ErrorKind::BadFormat, "{}: \"options\" is not a list", where);
  for (const auto& entry : json) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_string()) {
      fail(ErrorKind::BadFormat, "{}: \"options\" has an entry that is not [name, text]", where);
    }
    options.emplace_back(entry[0].get<std::string>(), entry[1].get<std::string>());
  }
  return options;
}

/// Another version may have keys that this one does not know, so it is looked at first.
std::uint64_t read_known_version(const nlohmann::json& json, const std::string& where) {
  if (!json.is_object() || !json.contains("format_version") ||
      !json.at("format_version").is_number_unsigned()) {
    fail(ErrorKind::BadFormat, "{}: no whole number \"format_version\"", where);
  }
  const auto version = json.at("format_version").get<std::uint64_t>();
  if (version < kOldestModelFormatVersion || version > kModelFormatVersion) {
    fail(ErrorKind::BadFormat,
         "{}: the model has format version {}; this saithe reads versions {} to {}. {}", where,
         version, kOldestModelFormatVersion, kModelFormatVersion,
         version > kModelFormatVersion ? "Use a newer saithe."
                                       : "Train the model again with this saithe.");
  }
  return version;
}

/// Looks at the version; the words of an older one get the keys that it did not have.
void complete_words(nlohmann::json& json, const std::string& where) {
  const std::uint64_t version = read_known_version(json, where);
  const auto complete_in = [&](nlohmann::json& object, const char* key, std::uint64_t since,
                               const nlohmann::json& value) {
    if (version >= since) return;
    if (object.contains(key)) {
      fail(ErrorKind::BadFormat, "{}: \"{}\" in format version {}", where, key, version);
    }
    object[key] = value;
  };
  const auto complete = [&](const char* key, std::uint64_t since, const nlohmann::json& value) {
    complete_in(json, key, since, value);
  };
  complete("has_misfit", 4, false);
  complete("type_offsets", 5, nlohmann::json::array());
  // Members were counted alike.
  const auto members = json.find("members");
  const std::size_t n = members == json.end() ? 1 : std::max<std::size_t>(1, members->size());
  complete("first_share", 6, 1 / static_cast<double>(n));
  if (const auto card = json.find("card"); card != json.end() && card->is_object()) {
    complete_in(*card, "left_out", 7, nullptr);
    complete_in(*card, "shallow_counts", 7, 0);
  }
  complete("unseen_type", 8, {kOldUnseenDegrees, kOldUnseenMisfit});
}

void require_types(const ModelDescription& model, const std::string& where) {
  const auto n_types = model.types.size();
  for (const MlpShape& shape : model.members) {
    if (n_types < 2 || n_types != as_size(shape.n_outputs)) {
      fail(ErrorKind::BadFormat, "{}: {} cell types for {} outputs of a member", where, n_types,
           shape.n_outputs);
    }
  }
  if (model.types.front().empty() ||
      std::adjacent_find(model.types.begin(), model.types.end(), std::greater_equal<>()) !=
          model.types.end()) {
    fail(ErrorKind::BadFormat, "{}: the cell types are not sorted, distinct and named", where);
  }
  for (const std::string& type : model.types) {
    if (printable(type) == type) continue;
    fail(ErrorKind::BadFormat,
         "{}: the cell type '{}' holds a tab, a line break or another control character, shown as "
         "?, "
         "which no table of predictions could hold; rename it",
         where, printable(type));
  }
  const ModelCard& card = model.card;
  if ((!card.cells_of_type.empty() && card.cells_of_type.size() != n_types) ||
      (!card.scores.f1_of_type.empty() && card.scores.f1_of_type.size() != n_types)) {
    fail(ErrorKind::BadFormat, "{}: the card has {} counts and {} scores for {} types", where,
         card.cells_of_type.size(), card.scores.f1_of_type.size(), n_types);
  }
}

void require_genes(const ModelDescription& model, const std::string& where) {
  const ReferenceGenes& genes = model.genes;
  const auto n_genes = genes.names.size();
  if (n_genes == 0) fail(ErrorKind::BadFormat, "{}: no gene names", where);
  if (!genes.ids.empty() && genes.ids.size() != n_genes) {
    fail(ErrorKind::BadFormat, "{}: {} gene ids for {} genes", where, genes.ids.size(), n_genes);
  }
  if (std::find(genes.names.begin(), genes.names.end(), "") != genes.names.end()) {
    fail(ErrorKind::BadFormat, "{}: a gene has no name", where);
  }
  require_distinct(genes.names, "\"gene_names\"", where);
  require_distinct(genes.ids, "\"gene_ids\"", where);
  const bool ascend = std::adjacent_find(genes.inputs.begin(), genes.inputs.end(),
                                         std::greater_equal<>()) == genes.inputs.end();
  if (genes.inputs.empty() || !ascend || as_size(genes.inputs.back()) >= n_genes) {
    fail(ErrorKind::BadFormat, "{}: the inputs are not ascending numbers of the {} genes", where,
         n_genes);
  }
  for (const MlpShape& shape : model.members) {
    if (genes.inputs.size() != as_size(shape.n_inputs)) {
      fail(ErrorKind::BadFormat, "{}: {} genes are inputs, but a member has {} inputs", where,
           genes.inputs.size(), shape.n_inputs);
    }
  }
}

// Of a type that is one cell among more than any file holds.
constexpr double kMaxTypeOffset = 50;

void require_consistent(const ModelDescription& model, const std::string& where) {
  if (model.members.empty()) fail(ErrorKind::BadFormat, "{}: the model has no members", where);
  const bool is_alone = model.members.size() == 1;
  if (!(model.first_share >= 0 && model.first_share <= 1) || (is_alone && model.first_share != 1)) {
    fail(ErrorKind::BadFormat, "{}: the first of {} has a share of {}; expected {}", where,
         counted(std::ssize(model.members), "member"), model.first_share,
         is_alone ? "1" : "a number from 0 to 1");
  }
  require_types(model, where);
  require_genes(model, where);
  const Calibration& calibration = model.calibration;
  if (!(calibration.temperature > 0)) {
    fail(ErrorKind::BadFormat, "{}: the temperature {} is not above 0", where,
         calibration.temperature);
  }
  if (!calibration.type_offsets.empty() && calibration.type_offsets.size() != model.types.size()) {
    fail(ErrorKind::BadFormat, "{}: {} offsets for {} types", where,
         calibration.type_offsets.size(), model.types.size());
  }
  for (const double offset : calibration.type_offsets) {
    if (std::abs(offset) <= kMaxTypeOffset) continue;
    fail(ErrorKind::BadFormat, "{}: the type offset {} is not from {} to {}", where, offset,
         -kMaxTypeOffset, kMaxTypeOffset);
  }
  if (model.has_novelty != (model.n_novelty_axes > 0)) {
    fail(ErrorKind::BadFormat, "{}: the novelty score {} with {} axes", where,
         model.has_novelty ? "is there" : "is not there", model.n_novelty_axes);
  }
  if (model.has_misfit && !model.has_novelty) {
    fail(ErrorKind::BadFormat, "{}: misfits of cells without a novelty score", where);
  }
  if (model.has_held_out_distances && !model.has_novelty) {
    fail(ErrorKind::BadFormat, "{}: distances of held-out cells without a novelty score", where);
  }
}

void require_utf8(const std::vector<std::string>& texts, const char* what,
                  const std::string& where) {
  for (const std::string& text : texts) {
    try {
      static_cast<void>(nlohmann::json(text).dump());
    } catch (const nlohmann::json::type_error&) {
      fail(ErrorKind::BadFormat, "{}: the {} '{}' is not UTF-8 text; convert the file to UTF-8",
           where, what, printable(text));
    }
  }
}

/// The value of an enum's text. Throws Error(BadFormat).
template <typename Enum>
Enum read_enum(const JsonObject& object, const char* key, const std::string& where) {
  const std::string text = object.text(key);
  for (const auto& [value, name] : EnumNames<Enum>::values) {
    if (text == name) return value;
  }
  fail(ErrorKind::BadFormat, "{}: unknown {} '{}'", where, key, printable(text));
}

/// The numbers of the inputs; an empty list stands for all genes.
std::vector<GeneIndex> read_inputs(const JsonObject& object, std::size_t n_genes) {
  std::vector<GeneIndex> inputs;
  for (const std::uint64_t gene : object.counts("input_genes", kMaxModelGenes)) {
    inputs.push_back(static_cast<GeneIndex>(gene));
  }
  if (inputs.empty()) {
    for (std::size_t gene = 0; gene < n_genes; ++gene) {
      inputs.push_back(static_cast<GeneIndex>(gene));
    }
  }
  return inputs;
}

}  // namespace

ModelDescription describe_model(const Model& model) {
  ModelDescription description;
  description.types = model.types.names();
  description.genes = model.preprocessor.reference();
  description.has_count_share = !description.genes.count_share.empty();
  description.genes.count_share.clear();
  description.kind = model.preprocessor.kind();
  description.preprocessing = model.preprocessor.options();
  for (const Member& member : model.members) description.members.push_back(member.shape);
  if (!model.members.empty()) description.first_share = model.members.front().share;
  description.output = model.output;
  description.calibration = model.calibration;
  description.has_novelty = model.novelty.n_types > 0;
  description.n_novelty_axes = model.novelty.n_axes;
  description.has_misfit = !model.novelty.misfit.empty();
  description.unseen_type = model.novelty.unseen_type;
  description.has_one_vs_rest = !model.one_vs_rest.slopes.empty();
  description.has_held_out_distances = !model.novelty.held_out_quantiles.empty();
  description.loss = model.loss;
  description.card = model.card;
  description.options = model.options;
  description.saithe_version = model.saithe_version;
  description.seed = model.seed;
  description.was_interrupted = model.was_interrupted;
  return description;
}

std::string format_model_json(const ModelDescription& model, const std::string& where) {
  require_utf8(model.types, "cell type", where);
  require_utf8(model.genes.names, "gene name", where);
  require_utf8(model.genes.ids, "gene id", where);
  require_utf8(model.card.sources, "file name", where);
  for (const auto& [name, value] : model.options) require_utf8({name, value}, "option", where);
  nlohmann::ordered_json json;
  json["format_version"] = kModelFormatVersion;
  json["saithe_version"] = model.saithe_version;
  json["seed"] = model.seed;
  json["was_interrupted"] = model.was_interrupted;
  json["loss"] = to_text(model.loss);
  json["output"] = to_text(model.output);
  json["temperature"] = model.calibration.temperature;
  json["type_offsets"] = model.calibration.type_offsets;
  json["has_novelty"] = model.has_novelty;
  json["novelty_axes"] = model.n_novelty_axes;
  json["has_misfit"] = model.has_misfit;
  json["unseen_type"] = {model.unseen_type.degrees, model.unseen_type.misfit};
  json["has_held_out_distances"] = model.has_held_out_distances;
  json["has_one_vs_rest"] = model.has_one_vs_rest;
  json["value_kind"] = to_text(model.kind);
  json["preprocessing"] = {{"variable_genes", model.preprocessing.n_variable_genes},
                           {"target_sum", model.preprocessing.target_sum},
                           {"scale", model.preprocessing.scale},
                           {"max_value", model.preprocessing.max_value}};
  auto members = nlohmann::ordered_json::array();
  for (const MlpShape& shape : model.members) {
    members.push_back({{"n_inputs", shape.n_inputs},
                       {"hidden", shape.hidden},
                       {"dropout", shape.dropout},
                       {"layer_norm", shape.layer_norm},
                       {"n_outputs", shape.n_outputs}});
  }
  json["members"] = std::move(members);
  json["first_share"] = model.first_share;
  json["types"] = model.types;
  json["card"] = model_card_json(model.card);
  auto options = nlohmann::ordered_json::array();
  for (const auto& [name, value] : model.options) {
    options.push_back(nlohmann::ordered_json::array({name, value}));
  }
  json["options"] = std::move(options);
  json["has_count_share"] = model.has_count_share;
  json["gene_names"] = model.genes.names;
  json["gene_ids"] = model.genes.ids;
  const bool all_are_inputs = model.genes.inputs.size() == model.genes.names.size();
  json["input_genes"] = all_are_inputs ? std::vector<GeneIndex>{} : model.genes.inputs;
  return json.dump();
}

ModelDescription parse_model_json(std::string_view text, const std::string& where) {
  auto json = parse_strict_json(text, {.max_depth = 4, .max_values = kMaxJsonValues}, where);
  complete_words(json, where);
  const JsonObject object(json, where,
                          {"format_version",
                           "saithe_version",
                           "seed",
                           "was_interrupted",
                           "loss",
                           "output",
                           "temperature",
                           "type_offsets",
                           "has_novelty",
                           "novelty_axes",
                           "has_misfit",
                           "unseen_type",
                           "has_held_out_distances",
                           "has_one_vs_rest",
                           "value_kind",
                           "preprocessing",
                           "members",
                           "first_share",
                           "types",
                           "card",
                           "options",
                           "has_count_share",
                           "gene_names",
                           "gene_ids",
                           "input_genes"});
  ModelDescription model;
  model.saithe_version = object.text("saithe_version");
  model.seed = object.count("seed", std::numeric_limits<std::uint64_t>::max());
  model.was_interrupted = object.boolean("was_interrupted");
  model.loss = read_enum<kernels::Loss>(object, "loss", where);
  model.output = read_enum<OutputKind>(object, "output", where);
  model.calibration.temperature = object.number("temperature");
  model.calibration.type_offsets = object.numbers("type_offsets");
  model.has_novelty = object.boolean("has_novelty");
  model.n_novelty_axes = static_cast<std::int64_t>(object.count("novelty_axes", kMaxNoveltyAxes));
  model.has_misfit = object.boolean("has_misfit");
  model.unseen_type = read_unseen_type(object, where);
  model.has_held_out_distances = object.boolean("has_held_out_distances");
  model.has_one_vs_rest = object.boolean("has_one_vs_rest");
  model.kind = read_enum<ExpressionKind>(object, "value_kind", where);
  model.preprocessing = read_preprocessing(object.at("preprocessing"), where + ": preprocessing");
  if (!object.at("members").is_array()) {
    fail(ErrorKind::BadFormat, "{}: \"members\" is not a list", where);
  }
  for (const auto& member : object.at("members")) {
    model.members.push_back(read_shape(member, where + ": members"));
  }
  model.first_share = object.number("first_share");
  model.types = object.texts("types");
  model.card = read_model_card(object.at("card"), where + ": card");
  model.options = read_options(object.at("options"), where);
  model.has_count_share = object.boolean("has_count_share");
  model.genes.names = object.texts("gene_names");
  model.genes.ids = object.texts("gene_ids");
  model.genes.inputs = read_inputs(object, model.genes.names.size());
  require_consistent(model, where);
  return model;
}

void require_storable(const ModelDescription& model, const std::string& where) {
  static_cast<void>(parse_model_json(format_model_json(model, where), where));
}

}  // namespace saithe
