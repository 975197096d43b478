#pragma once

// The outputs of one run, which take their places together.

#include <filesystem>
#include <functional>
#include <vector>

#include "saithe/core/text_io.h"

namespace saithe {

/// An output that is complete and on the disk under its temporary name, which it loses by
/// `put_in_place`, or with the last copy of these functions.
struct FinishedOutput {
  std::filesystem::path path;           ///< its place
  std::function<void()> require_place;  ///< throws if nothing may be put there any more; or empty
  std::function<void()> put_in_place;   ///< renames it
};

/// A run that fails changes nothing: each output is finished before the first takes its place. What
/// was not committed is removed.
class PendingOutputs {
 public:
  void add(FinishedOutput output) { outputs_.push_back(std::move(output)); }
  /// Flushes a file whose bytes are all written. `require_place` is asked besides the file itself.
  /// Throws Error(Output).
  void add(OutputFile file, const std::function<void()>& require_place = {});
  /// Asks about all places, renames one right after the other, in the order of add(), and flushes
  /// their folders. Throws what these throw; where some are in their places by then, the error
  /// names them.
  void commit();

 private:
  std::vector<FinishedOutput> outputs_;
};

}  // namespace saithe
