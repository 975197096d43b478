#include "saithe/core/pending_outputs.h"

#include <memory>
#include <set>
#include <string>

#include "saithe/core/error.h"

namespace saithe {

void PendingOutputs::add(OutputFile file, const std::function<void()>& require_place) {
  file.flush();
  const auto shared = std::make_shared<OutputFile>(std::move(file));
  add({shared->path(),
       [shared, require_place] {
         if (require_place) require_place();
         shared->require_place();
       },
       [shared] { shared->rename(); }});
}

void PendingOutputs::commit() {
  for (const FinishedOutput& output : outputs_) {
    if (output.require_place) output.require_place();
  }
  std::string in_place;
  for (const FinishedOutput& output : outputs_) {
    try {
      output.put_in_place();
    } catch (const Error& error) {
      if (in_place.empty()) throw;
      throw Error(error.kind(), fmt::format("{}; of this run these are in their places already: {}",
                                            error.what(), in_place));
    }
    in_place += (in_place.empty() ? "" : ", ") + output.path.string();
  }
  std::set<std::filesystem::path> folders;
  for (const FinishedOutput& output : outputs_) {
    if (folders.insert(output.path.parent_path()).second) flush_folder_of(output.path);
  }
  outputs_.clear();
}

}  // namespace saithe
