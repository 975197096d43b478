#include "bundled_models.h"

#include <fmt/ranges.h>

#include <numeric>

#include "bundled_data.h"
#include "saithe/classify/model_file.h"
#include "saithe/core/text_io.h"

namespace saithe::cli {
namespace {

constexpr const char* kBundledModels[] = {"pbmc3k"};

bool is_bundled(const std::string& name) {
  for (const char* bundled : kBundledModels) {
    if (name == bundled) return true;
  }
  return false;
}

}  // namespace

std::filesystem::path model_path(const std::string& name) {
  std::error_code error;
  // A folder is no model.
  const bool is_file =
      std::filesystem::exists(name, error) && !std::filesystem::is_directory(name, error);
  if (is_file || !is_bundled(name)) return name;
  return bundled_file(name + ".saithe");
}

Model load_named_model(const std::string& name, Session& session) {
  const std::filesystem::path path = model_path(name);
  std::error_code error;
  if (std::filesystem::status(path, error).type() == std::filesystem::file_type::not_found) {
    fail(ErrorKind::NotFound,
         "{}: there is no such model file, and none of this name is bundled ({} is)", name,
         fmt::join(kBundledModels, ", "));
  }
  Model model = load_model(path);
  if (path == std::filesystem::path(name)) {
    if (is_bundled(name)) session.say("model " + name + ": the file here, not the bundled one");
    return model;
  }
  const ModelCard& card = model.card;
  std::string types;
  for (const std::string& type : model.types.names()) types += (types.empty() ? "" : ", ") + type;
  session.say(printable(fmt::format(
      "model {} (bundled): trained on {} peripheral blood cells of one healthy donor (10x v1), "
      "which "
      "it sorts into {}. Cells of other kinds it cannot name; held-out accuracy {:.3f}.",
      name, std::accumulate(card.cells_of_type.begin(), card.cells_of_type.end(), std::int64_t{0}),
      types, card.scores.accuracy)));
  return model;
}

}  // namespace saithe::cli
