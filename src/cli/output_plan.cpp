#include "output_plan.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "saithe/core/error.h"
#include "saithe/core/symbolic_links.h"
#include "saithe/core/text_io.h"
#include "saithe/io/open.h"

namespace saithe::cli {

namespace fs = std::filesystem;

namespace {

/// Formats of cells, tables and objects that saithe does not write.
constexpr std::array<std::string_view, 24> kNotWritten = {
    ".h5",      ".hdf5",    ".h5mu", ".h5seurat", ".loom",   ".mtx", ".rds",  ".rda",
    ".rdata",   ".npz",     ".npy",  ".pkl",      ".pickle", ".xls", ".xlsx", ".ods",
    ".parquet", ".feather", ".zip",  ".tar",      ".arrow",  ".sce", ".fcs",  ".bam"};

/// The ending that says what a file holds, in small letters: ".h5ad" of x.H5AD, of x.h5ad.gz and of
/// x.h5ad/.
std::string ending_of(const fs::path& output) {
  const fs::path name = output.has_filename() ? output.filename() : output.parent_path().filename();
  const std::string ending = lower(name.extension().string());
  return ending == ".gz" ? lower(name.stem().extension().string()) : ending;
}

bool is_packed(const fs::path& output) {
  return lower(output.extension().string()) == ".gz";
}

constexpr const char* kTableNames = "a name that ends in .tsv or .tsv.gz";

[[noreturn]] void refuse(const fs::path& output, const std::string& why) {
  fail(ErrorKind::InvalidArgument, "{}: {}", output.string(), why);
}

/// A table is not named like cells or commas.
void require_table_name(const fs::path& output, const std::string& ending, bool may_be_cells) {
  const std::string cells =
      may_be_cells ? "; cells go into a name that ends in .h5ad, or .zarr for a Zarr store" : "";
  if (ending == ".zip") {
    refuse(output,
           fmt::format("zip archives are read, not written; -o FOLDER.zarr writes a Zarr store, {} "
                       "a table",
                       kTableNames));
  }
  if (ending == ".csv") {
    refuse(output,
           fmt::format("tables are separated by tabs, not commas; give it {}", kTableNames));
  }
  if (ending == ".h5ad" || ending == ".zarr" || std::ranges::count(kNotWritten, ending) > 0) {
    refuse(output, fmt::format("{} is not what is written here: a table is; give it {}{}", ending,
                               kTableNames, cells));
  }
}

void require_name(const fs::path& output, OutputContent content) {
  const std::string ending = ending_of(output);
  const bool is_h5ad = ending == ".h5ad" && output.has_filename() && !is_packed(output);
  switch (content) {
    case OutputContent::H5ad:
      if (!is_h5ad) {
        refuse(output, "what is written is an h5ad; give it a name that ends in .h5ad");
      }
      return;
    case OutputContent::Cells:
      if (!is_h5ad && !names_zarr(output)) {
        refuse(output,
               "what is written is an h5ad or, of a Zarr store, a Zarr store; give it a name that "
               "ends in .h5ad or .zarr");
      }
      return;
    case OutputContent::CellsOrTable:
      if (!names_cells(output)) require_table_name(output, ending, true);
      return;
    case OutputContent::Table:
      return require_table_name(output, ending, false);
    case OutputContent::Other:
      if (ending == ".h5ad" || ending == ".zarr" || std::ranges::count(kNotWritten, ending) > 0) {
        refuse(output,
               ending + " is the name of a format that is not written here; give it another");
      }
      return;
  }
}

/// Without links and dots, also of what does not exist yet.
fs::path resolved(const fs::path& path) {
  std::error_code error;
  fs::path whole = fs::weakly_canonical(fs::absolute(end_of_links(path), error), error);
  if (error) whole = fs::absolute(path).lexically_normal();
  return whole.has_filename() ? whole : whole.parent_path();
}

bool is_same(const fs::path& a, const fs::path& b) {
  std::error_code error;
  return resolved(a) == resolved(b) ||
         fs::equivalent(a, b, error);  // a hard link is no second file
}

/// Whether `path` lies in `folder`.
bool lies_in(const fs::path& path, const fs::path& folder) {
  const fs::path whole = resolved(path);
  const fs::path outer = resolved(folder);
  for (fs::path place = whole.parent_path(); place != place.parent_path();
       place = place.parent_path()) {
    if (place == outer) return true;
  }
  return false;
}

}  // namespace

bool names_zarr(const fs::path& output) {
  return (output.has_filename() ? output : output.parent_path()).extension() != ".gz" &&
         ending_of(output) == ".zarr";
}

bool names_cells(const fs::path& output) {
  const bool is_h5ad = output.has_filename() && ending_of(output) == ".h5ad" && !is_packed(output);
  return is_h5ad || names_zarr(output);
}

OutputContent content_of_result(const fs::path& name) {
  if (names_cells(name)) return OutputContent::Cells;
  return ending_of(name) == ".tsv" ? OutputContent::Table : OutputContent::Other;
}

OutputPlan::OutputPlan(const std::vector<fs::path>& inputs) {
  for (const fs::path& input : inputs) {
    if (input.empty()) continue;
    for (fs::path& place : places_of_input(input)) taken_.push_back({std::move(place), input});
  }
}

void OutputPlan::add(const fs::path& output, OutputContent content) {
  if (output.empty()) return;
  if (output == "-") {
    if (content == OutputContent::CellsOrTable) return;
    require_name(output, content);  // who writes cells says so
    refuse(output, "only the table of predict -o goes to stdout; name a file (./- is a file too)");
  }
  if (output.string().starts_with("-")) {
    refuse(output,
           "begins with '-' as an option does; if it is the file's name, write ./ before it");
  }
  for (const Taken& taken : taken_) {
    if (is_same(output, taken.place)) {
      fail(ErrorKind::Output, "{}: is an input of this command ({}); name another output",
           output.string(), taken.input.string());
    }
    if (lies_in(output, taken.place)) {
      fail(ErrorKind::Output, "{}: lies in the input {}; name another output", output.string(),
           taken.input.string());
    }
    if (names_zarr(output) && lies_in(taken.place, output)) {
      fail(ErrorKind::Output, "{}: holds an input of this command ({}); name another output",
           output.string(), taken.input.string());
    }
  }
  require_name(output, content);
  for (const fs::path& other : outputs_) {
    if (is_same(output, other)) {
      refuse(output, "is named for two outputs, of which one would replace the other");
    }
    if (lies_in(output, other) || lies_in(other, output)) {
      refuse(output,
             fmt::format("cannot be written beside {}, another output: one lies in the other",
                         other.string()));
    }
  }
  outputs_.push_back(output);
}

}  // namespace saithe::cli
