#include "cells_destination.h"

#include <fmt/format.h>

#include "output_plan.h"
#include "saithe/core/text_io.h"
#include "saithe/io/open.h"

namespace saithe::cli {

CellsDestination::CellsDestination(std::filesystem::path input, std::filesystem::path output,
                                   bool overwrite)
    : input_(std::move(input)), output_(std::move(output)), overwrite_(overwrite) {
  if (output_.empty() && takes_zarr_annotations(input_)) {
    zarr_ = ZarrAnnotator::in_place(input_, overwrite);
  } else if (output_.empty()) {
    h5ad_ = H5adAnnotator::in_place(input_, overwrite);
  } else if (names_zarr(output_)) {
    zarr_.emplace(input_, output_, overwrite);
  } else if (takes_annotations(input_)) {
    h5ad_.emplace(input_, output_, overwrite);
  } else {
    const OutputFile probe(output_, overwrite_);
  }
}

void CellsDestination::require_free(const CellSource& cells, const Annotations& annotations) const {
  if (h5ad_) return h5ad_->require_free(annotations);
  if (zarr_) return zarr_->require_free(annotations);
  // They go into the new file: what is wrong with one is better said before the long work.
  static_cast<void>(cells.obs().columns());
  for (const auto& [name, column] : annotations.obs) {
    if (overwrite_ || !cells.obs().has(name)) continue;
    fail(ErrorKind::Output,
         "{}: has obs/{} already; add --overwrite to replace it, or --key-added "
         "NAME for another name",
         input_.string(), name);
  }
}

void CellsDestination::write(CellSource& cells, const Annotations& annotations,
                             Session& session) const {
  std::vector<std::string> removed;
  if (h5ad_) {
    removed = h5ad_->write(annotations, session.outputs());
  } else if (zarr_) {
    removed = zarr_->write(annotations, session.outputs());
  } else {
    write_h5ad(output_, cells, annotations, overwrite_, session.context(), session.outputs());
  }
  if (!removed.empty()) {
    session.say_when_written(
        printable(fmt::format("removed, of an earlier run: {}", fmt::join(removed, ", "))));
  }
  session.say_when_written("written: " + (output_.empty() ? input_ : output_).string());
}

}  // namespace saithe::cli
