#pragma once

// What a command is going to write: declared as a whole before the work, so that no output replaces
// an input, none another, and none carries the name of a format that it is not.

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace saithe::cli {

/// What an output holds, which its name must fit.
enum class OutputContent {
  H5ad,          ///< FILE.h5ad
  Cells,         ///< FILE.h5ad or FOLDER.zarr
  CellsOrTable,  ///< the same, or of another name a table
  Table,         ///< separated by tabs
  Other          ///< a model, JSON, pictures, a page
};

/// Every command names here its inputs and then each file that it may write.
class OutputPlan {
 public:
  /// Empty inputs are not given.
  explicit OutputPlan(const std::vector<std::filesystem::path>& inputs);

  /// Declares an output; an empty one is none, nor is "-" where CellsOrTable may go to stdout.
  /// Throws Error(InvalidArgument) if its name is that of a format that is not written there, or if
  /// it is, holds or lies in an output declared before; Error(Output) if writing it would change an
  /// input, a file that belongs to one, or what lies in an input Zarr store, however either is
  /// spelled or linked.
  void add(const std::filesystem::path& output, OutputContent content);

 private:
  /// What may not be written, and which input it belongs to.
  struct Taken {
    std::filesystem::path place;
    std::filesystem::path input;
  };
  std::vector<Taken> taken_;
  std::vector<std::filesystem::path> outputs_;  ///< as they were given
};

/// What a file of a fixed name holds that a command leaves in its folder.
OutputContent content_of_result(const std::filesystem::path& name);

/// Whether an output is cells with results, by its name in any case: FILE.h5ad or FOLDER.zarr.
bool names_cells(const std::filesystem::path& output);
/// Whether it is FOLDER.zarr, or FOLDER.zarr/.
bool names_zarr(const std::filesystem::path& output);

}  // namespace saithe::cli
