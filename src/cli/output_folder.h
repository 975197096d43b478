#pragma once

// A folder of results that appear together or not at all.

#include <filesystem>
#include <string>
#include <vector>

namespace saithe::cli {

/// Files under construction in a hidden folder beside their places, all moved when all are there.
class OutputFolder {
 public:
  /// Makes the folder if needed. Throws Error(Output) if one of `files` exists (unless
  /// `overwrite`), or if nothing can be written there.
  OutputFolder(std::filesystem::path path, std::vector<std::string> files, bool overwrite);
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Where to write the file of that name until commit().
  [[nodiscard]] std::filesystem::path file(const std::string& name) const {
    return staging_ / name;
  }
  /// Moves every file that was written into its place; their names. Throws Error(Output).
  std::vector<std::string> commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path staging_;
  std::vector<std::string> files_;
  std::vector<std::filesystem::path> made_;  // folders that did not exist before
  bool is_committed_ = false;
};

}  // namespace saithe::cli
