#pragma once

// A folder of results that appears whole or not at all.

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "saithe/core/pending_outputs.h"

namespace saithe::cli {

/// Files under construction in a hidden folder beside their places, all moved when all are there.
class OutputFolder {
 public:
  /// `files` are all that a run may leave. Makes the folder if needed. Throws Error(Output) if one
  /// of them exists (unless `overwrite`), if a folder lies in its place, or if nothing can be
  /// written there.
  OutputFolder(std::filesystem::path path, std::vector<std::string> files, bool overwrite);
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Where to write the file of that name until commit().
  [[nodiscard]] std::filesystem::path file(const std::string& name) const {
    return staging_ / name;
  }
  /// Calls `writer`; errors name the places where the files would have come to lie.
  void write(const std::function<void()>& writer) const;
  /// Hands every file that was written to `outputs`, which moves it into its place; their names.
  /// With `overwrite` the others of `files` are then removed: they belong to an earlier run. This
  /// has to live until then.
  std::vector<std::string> add_to(PendingOutputs& outputs);
  /// The same, moved at once. Throws Error(Output).
  std::vector<std::string> commit();

 private:
  void require_place(const std::string& name) const;
  void put_in_place(const std::string& name) const;
  void remove_of_earlier_run(const std::vector<std::string>& names) const;

  std::filesystem::path path_;
  std::filesystem::path staging_;
  std::vector<std::string> files_;
  std::vector<std::filesystem::path> made_;  // folders that did not exist before
  bool overwrite_ = false;
};

}  // namespace saithe::cli
