#pragma once

// Where annotated cells go: a copy of the h5ad or the Zarr store that was read, the h5ad or the
// store itself, or a new h5ad.

#include <filesystem>
#include <optional>

#include "saithe/io/annotate_h5ad.h"
#include "saithe/io/annotate_zarr.h"
#include "session.h"

namespace saithe::cli {

class CellsDestination {
 public:
  /// Without `output`, in place. Throws Error(Output) if it cannot be written or is taken (unless
  /// `overwrite`), Error(NotFound), and Error(BadFormat) where the input cannot be written in
  /// place, or is no Zarr store where one is to be written.
  CellsDestination(std::filesystem::path input, std::filesystem::path output, bool overwrite);

  /// Throws Error(Output) if a name of the annotations is taken (unless `overwrite`), and what
  /// reading obs throws where it goes into a new file. Called before the long work, with
  /// annotations of no cells.
  void require_free(const CellSource& cells, const Annotations& annotations) const;
  /// Adds them to the outputs of the session.
  void write(CellSource& cells, const Annotations& annotations, Session& session) const;

 private:
  std::filesystem::path input_;
  std::filesystem::path output_;
  bool overwrite_;
  std::optional<H5adAnnotator> h5ad_;
  std::optional<ZarrAnnotator> zarr_;  ///< neither: a new file is written
};

}  // namespace saithe::cli
