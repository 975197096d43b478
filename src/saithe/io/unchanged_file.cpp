#include "saithe/io/unchanged_file.h"

#include <sys/stat.h>

#include <utility>

#include "saithe/data/watched_cells.h"

namespace saithe::io {
namespace {

class UnchangedCells final : public WatchedCells {
 public:
  UnchangedCells(std::filesystem::path path, const FileState& before,
                 std::unique_ptr<CellSource> cells)
      : WatchedCells(std::move(cells)), path_(std::move(path)), before_(before) {}

 private:
  void look_at(const CsrView& /*block*/, CellIndex /*begin*/, const Context& /*context*/) override {
    const FileState now = FileState::of(path_);
    if (now.device != before_.device || now.inode != before_.inode) return;
    if (now.size == before_.size && now.modified == before_.modified) return;
    fail(ErrorKind::BadFormat,
         "{}: was changed by another program while it was read. Run this again when that program "
         "is done.",
         path_.string());
  }

  std::filesystem::path path_;
  FileState before_;
};

}  // namespace

FileState FileState::of(const std::filesystem::path& path) {
  static constexpr std::int64_t kNanoseconds = 1'000'000'000;
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  return {status.st_dev, status.st_ino, status.st_size,
          status.st_mtim.tv_sec * kNanoseconds + status.st_mtim.tv_nsec};
}

std::unique_ptr<CellSource> require_unchanged(const std::filesystem::path& path,
                                              const FileState& before,
                                              std::unique_ptr<CellSource> cells) {
  if (before.inode == 0) return cells;
  return std::make_unique<UnchangedCells>(path, before, std::move(cells));
}

}  // namespace saithe::io
