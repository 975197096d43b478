#pragma once

// An input that another program changes while it is read. Private to io/.

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>

#include "saithe/data/cell_source.h"

namespace saithe::io {

/// By what a regular file is seen to have been written to.
struct FileState {
  dev_t device = 0;
  ino_t inode = 0;  ///< 0: there is no regular file
  off_t size = 0;
  std::int64_t modified = 0;  ///< nanoseconds
  static FileState of(const std::filesystem::path& path);
};

/// The same cells; reading a block throws Error(BadFormat) where the file has been written to since
/// it was as in `before`: the cells would be those of two files. One that was replaced by another
/// is read to its end. Folders are not watched.
std::unique_ptr<CellSource> require_unchanged(const std::filesystem::path& path,
                                              const FileState& before,
                                              std::unique_ptr<CellSource> cells);

}  // namespace saithe::io
