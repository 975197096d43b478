#include "h5ad_destination.h"

#include "saithe/core/text_io.h"
#include "saithe/io/open.h"

namespace saithe::cli {

H5adDestination::H5adDestination(std::filesystem::path input, std::filesystem::path output,
                                 bool overwrite)
    : input_(std::move(input)), output_(std::move(output)), overwrite_(overwrite) {
  if (output_.empty()) {
    annotator_ = H5adAnnotator::in_place(input_, overwrite);
  } else if (takes_annotations(input_)) {
    annotator_.emplace(input_, output_, overwrite);
  } else {
    const OutputFile probe(output_, overwrite_);
  }
}

void H5adDestination::require_free(const CellSource& cells, const Annotations& annotations) const {
  if (annotator_) return annotator_->require_free(annotations);
  for (const auto& [name, column] : annotations.obs) {
    if (overwrite_ || cells.obs().find(name) == nullptr) continue;
    fail(ErrorKind::Output,
         "{}: has obs/{} already; add --overwrite to replace it, or --key-added "
         "NAME for another name",
         input_.string(), name);
  }
}

void H5adDestination::write(CellSource& cells, const Annotations& annotations,
                            Session& session) const {
  if (annotator_) {
    annotator_->write(annotations);
  } else {
    write_h5ad(output_, cells, annotations, overwrite_, session.context());
  }
  session.say("written: " + (output_.empty() ? input_ : output_).string());
}

}  // namespace saithe::cli
