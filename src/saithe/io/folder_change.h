#pragma once

// A folder of many files that is changed by renames alone: whatever takes time or disk space has
// been written aside before the first of them. Private to io/.

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace saithe::io {

/// Flushes a file, or the names in a folder, to the disk. Throws Error(Output); `name` is what the
/// message calls it.
void flush_to_disk(const std::filesystem::path& path, const std::string& name);
/// The same of all that the folder's file system has in memory: one wait for the disk, where many
/// small files would be many.
void flush_file_system(const std::filesystem::path& folder, const std::string& name);

/// Steps that are taken back in reverse order unless keep() was reached. What dies in between
/// leaves the folder as the steps so far have made it: their order has to make each state valid.
class FolderChange {
 public:
  /// What is replaced or taken out goes to `aside`, a new folder of the same file system. `name`:
  /// what messages call the folder. Waits until no other program that does the same is changing it,
  /// where the file system can tell (flock).
  FolderChange(std::filesystem::path folder, std::filesystem::path aside, std::string name);
  ~FolderChange();
  FolderChange(const FolderChange&) = delete;
  FolderChange& operator=(const FolderChange&) = delete;

  // Each throws Error(Output) if it cannot be done.

  /// Takes an entry ("obs/louvain"), a file or a folder, out of the folder.
  void take_out(const std::filesystem::path& entry);
  /// Moves a file or folder to an entry of which there is none.
  void put(const std::filesystem::path& from, const std::filesystem::path& entry);
  /// Puts a file into the place of a file in one step; who may read and write it stays as it was
  /// (copy_permissions()).
  /// What was done before is on the disk first, and so is this at the end.
  void replace(const std::filesystem::path& from, const std::filesystem::path& entry);
  /// Makes sure that the steps so far are on the disk.
  void flush();
  /// Takes nothing back any more.
  void keep() { undo_.clear(); }
  /// Takes all steps back; false if one could not be.
  bool undo() noexcept;

 private:
  struct Move {
    std::filesystem::path from;
    std::filesystem::path to;
  };
  void move(const std::filesystem::path& from, const std::filesystem::path& to);
  [[nodiscard]] std::filesystem::path next_aside();

  int lock_ = -1;  ///< descriptor of the folder
  std::filesystem::path folder_;
  std::filesystem::path aside_;
  std::string name_;
  std::size_t n_aside_ = 0;
  std::set<std::filesystem::path> touched_;  ///< folders whose names are not flushed yet
  std::vector<Move> undo_;
};

}  // namespace saithe::io
