#pragma once

// The lock with which programs that use HDF5 tell each other that they write a file. Private to
// io/.

#include <filesystem>

namespace saithe::io {

/// Keeps others from opening a file for writing, as h5py and AnnData's backed mode do, while this
/// is there. File systems without locks go without.
class FileLock {
 public:
  /// Throws Error(Output) if another program has the file open for writing.
  explicit FileLock(const std::filesystem::path& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace saithe::io
