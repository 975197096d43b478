#include "saithe/classify/model_json.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "saithe/classify/strict_json.h"
#include "saithe/core/text_io.h"

namespace saithe {
namespace {

// Both lists of genes, the types and the options; bounds the memory that a file can ask for.
constexpr std::size_t kMaxJsonValues = 4000000;
constexpr std::size_t kMaxHiddenLayers = 63;
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
  const JsonObject object(json, where, {"target_sum", "scale", "max_value"});
  PreprocessorOptions options;
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
  const JsonObject object(json, where, {"n_inputs", "hidden", "dropout", "n_outputs"});
  MlpShape shape;
  shape.n_inputs = static_cast<std::int64_t>(object.count("n_inputs", kMaxModelGenes));
  for (const std::uint64_t units : object.counts("hidden", kMaxInt)) {
    if (units == 0) fail(ErrorKind::BadFormat, "{}: a hidden layer has no units", where);
    shape.hidden.push_back(static_cast<int>(units));
  }
  shape.dropout = object.numbers("dropout");
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

/// A later version may have keys that this one does not know, so it is looked at first.
void require_known_version(const nlohmann::json& json, const std::string& where) {
  const auto found = json.is_object() ? json.find("format_version") : json.end();
  if (!json.is_object() || found == json.end() || !found->is_number_unsigned()) {
    fail(ErrorKind::BadFormat, "{}: no whole number \"format_version\"", where);
  }
  const auto version = found->get<std::uint64_t>();
  if (version == 0 || version > kModelFormatVersion) {
    fail(ErrorKind::BadFormat,
         "{}: the model has format version {}; this saithe reads versions 1 to {}. Use a newer "
         "saithe, or train the model again with this one.",
         where, version, kModelFormatVersion);
  }
}

void require_consistent(const ModelDescription& model, const std::string& where) {
  const auto n_types = model.types.size();
  if (n_types < 2 || n_types != as_size(model.shape.n_outputs)) {
    fail(ErrorKind::BadFormat, "{}: {} cell types for {} outputs of the network", where, n_types,
         model.shape.n_outputs);
  }
  if (model.types.front().empty() ||
      std::adjacent_find(model.types.begin(), model.types.end(), std::greater_equal<>()) !=
          model.types.end()) {
    fail(ErrorKind::BadFormat, "{}: the cell types are not sorted, distinct and named", where);
  }
  const auto n_genes = model.gene_names.size();
  if (n_genes == 0 || n_genes != as_size(model.shape.n_inputs)) {
    fail(ErrorKind::BadFormat, "{}: {} gene names for {} inputs of the network", where, n_genes,
         model.shape.n_inputs);
  }
  if (!model.gene_ids.empty() && model.gene_ids.size() != n_genes) {
    fail(ErrorKind::BadFormat, "{}: {} gene ids for {} genes", where, model.gene_ids.size(),
         n_genes);
  }
  if (std::find(model.gene_names.begin(), model.gene_names.end(), "") != model.gene_names.end()) {
    fail(ErrorKind::BadFormat, "{}: a gene has no name", where);
  }
  require_distinct(model.gene_names, "\"gene_names\"", where);
  require_distinct(model.gene_ids, "\"gene_ids\"", where);
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

}  // namespace

std::string format_model_json(const Model& model, const std::string& where) {
  require_utf8(model.types.names(), "cell type", where);
  require_utf8(model.preprocessor.gene_names(), "gene name", where);
  require_utf8(model.preprocessor.gene_ids(), "gene id", where);
  for (const auto& [name, value] : model.options) require_utf8({name, value}, "option", where);
  nlohmann::ordered_json json;
  json["format_version"] = kModelFormatVersion;
  json["saithe_version"] = model.saithe_version;
  json["seed"] = model.seed;
  json["was_interrupted"] = model.was_interrupted;
  json["loss"] = to_text(model.loss);
  const PreprocessorOptions& preprocessing = model.preprocessor.options();
  json["preprocessing"] = {{"target_sum", preprocessing.target_sum},
                           {"scale", preprocessing.scale},
                           {"max_value", preprocessing.max_value}};
  json["network"] = {{"n_inputs", model.shape.n_inputs},
                     {"hidden", model.shape.hidden},
                     {"dropout", model.shape.dropout},
                     {"n_outputs", model.shape.n_outputs}};
  json["types"] = model.types.names();
  auto options = nlohmann::ordered_json::array();
  for (const auto& [name, value] : model.options) {
    options.push_back(nlohmann::ordered_json::array({name, value}));
  }
  json["options"] = std::move(options);
  json["gene_names"] = model.preprocessor.gene_names();
  json["gene_ids"] = model.preprocessor.gene_ids();
  return json.dump();
}

ModelDescription parse_model_json(std::string_view text, const std::string& where) {
  const auto json = parse_strict_json(text, {.max_depth = 4, .max_values = kMaxJsonValues}, where);
  require_known_version(json, where);
  const JsonObject object(
      json, where,
      {"format_version", "saithe_version", "seed", "was_interrupted", "loss", "preprocessing",
       "network", "types", "options", "gene_names", "gene_ids"});
  ModelDescription model;
  model.saithe_version = object.text("saithe_version");
  model.seed = object.count("seed", std::numeric_limits<std::uint64_t>::max());
  model.was_interrupted = object.boolean("was_interrupted");
  const std::string loss = object.text("loss");
  if (loss != to_text(kernels::Loss::CrossEntropy) && loss != to_text(kernels::Loss::Article)) {
    fail(ErrorKind::BadFormat, "{}: unknown loss '{}'", where, printable(loss));
  }
  model.loss = from_text<kernels::Loss>(loss, "loss");
  model.preprocessing = read_preprocessing(object.at("preprocessing"), where + ": preprocessing");
  model.shape = read_shape(object.at("network"), where + ": network");
  model.types = object.texts("types");
  model.options = read_options(object.at("options"), where);
  model.gene_names = object.texts("gene_names");
  model.gene_ids = object.texts("gene_ids");
  require_consistent(model, where);
  return model;
}

void require_storable(const Model& model, const std::string& where) {
  static_cast<void>(parse_model_json(format_model_json(model, where), where));
}

}  // namespace saithe
