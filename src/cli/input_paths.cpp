#include "input_paths.h"

#include "saithe/classify/model_file.h"
#include "saithe/core/error.h"
#include "saithe/io/open.h"

namespace saithe::cli {

namespace fs = std::filesystem;

void require_model_first(const fs::path& model, const fs::path& cells) {
  std::error_code error;
  const bool is_folder = fs::is_directory(model, error);
  if (!is_folder && !is_h5ad(model)) return;
  if (fs::is_regular_file(cells, error) && is_model_file(cells)) {
    fail(ErrorKind::InvalidArgument, "{}: is {}, and {} a model; the model comes first",
         model.string(), is_folder ? "a folder" : "an h5ad", cells.string());
  }
  if (is_folder) return;  // its name may be a bundled model's
  fail(ErrorKind::BadFormat, "{}: is an h5ad, no model; the model comes first", model.string());
}

std::string shown_name(const fs::path& input) {
  const fs::path whole = fs::absolute(input).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

std::string without_folder(const std::string& message, const fs::path& input) {
  std::string path = input.string();
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  const bool is_whole_path = message.starts_with(path) && message.size() > path.size() &&
                             (message[path.size()] == ':' || message[path.size()] == '/');
  return is_whole_path ? shown_name(input) + message.substr(path.size()) : message;
}

}  // namespace saithe::cli
