#include "input_paths.h"

#include "saithe/classify/model_file.h"
#include "saithe/core/error.h"
#include "saithe/io/open.h"

namespace saithe::cli {

namespace fs = std::filesystem;

void require_not_an_input(const fs::path& output, const std::vector<fs::path>& inputs) {
  const auto require_other = [&](const fs::path& input) {
    std::error_code error;
    if (!fs::equivalent(output, input, error)) return;  // false where one does not exist
    fail(ErrorKind::Output, "{}: is an input of this command ({}); name another output",
         output.string(), input.string());
  };
  for (const fs::path& input : inputs) {
    std::error_code error;
    if (input.empty()) continue;
    require_other(input);
    for (fs::directory_iterator file(input, error), end; !error && file != end;
         file.increment(error)) {
      require_other(file->path());
    }
  }
}

void require_h5ad_name(const fs::path& output) {
  if (output.extension() == ".h5ad") return;
  fail(ErrorKind::InvalidArgument,
       "{}: what is written is an h5ad; give it a name that ends in .h5ad", output.string());
}

void require_table_name(const fs::path& output) {
  if (output.extension() == ".zip") {
    fail(ErrorKind::InvalidArgument,
         "{}: zip archives are read, not written; -o FOLDER.zarr writes a Zarr store, a name that "
         "ends in .tsv or .tsv.gz a table",
         output.string());
  }
  const fs::path name = output.extension() == ".gz" ? output.stem() : output.filename();
  if (name.extension() != ".csv") return;
  fail(ErrorKind::InvalidArgument,
       "{}: tables are separated by tabs, not commas; give it a name that ends in .tsv or .tsv.gz",
       output.string());
}

void require_model_first(const fs::path& model, const fs::path& cells) {
  std::error_code error;
  const bool is_cells = fs::is_directory(model, error) || is_h5ad(model);
  if (!is_cells || !fs::is_regular_file(cells, error) || !is_model_file(cells)) return;
  fail(ErrorKind::InvalidArgument, "{}: is {}, and {} a model; the model comes first",
       model.string(), fs::is_directory(model, error) ? "a folder" : "an h5ad", cells.string());
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
