#pragma once

// A first look at an HDF5 file by the child process that reads it, and what becomes of a child in
// which libhdf5 crashes or never ends.
//
// Private to io/.

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>

#include "saithe/core/child_process.h"

namespace saithe::io {

/// Tells a file from what it was before a change.
struct FileStamp {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t changed = 0;  ///< nanoseconds
  bool operator==(const FileStamp&) const = default;
  static FileStamp of(const std::filesystem::path& path);
};

/// Walks over what is read of a file of any format, as reading will: groups, links, attributes, the
/// headers of datasets and the indices of their chunks; not over values. Errors that libhdf5
/// reports are left to the real reading. For the child process.
void walk_over(const std::filesystem::path& path, ChildNotes& notes);

/// Whether this process has had a file walked over that is unchanged since; and that it has.
bool was_walked_over(const FileStamp& stamp);
void note_walked_over(const FileStamp& stamp);

/// What libhdf5 may use up for any one thing that it is asked about a file.
ChildLimits limits_of_reading(const std::filesystem::path& path);

/// Throws the Error(BadFormat) of a child that has not finished.
[[noreturn]] void fail_contained(const ChildReport& report, std::int64_t seconds);

/// Does work that reads and changes a file with libhdf5 in a child process. Throws what it throws,
/// and Error(BadFormat), beginning with `name`, if libhdf5 crashes or comes to no end.
void change_in_child(const std::filesystem::path& path, const std::string& name,
                     const std::function<void()>& work);

}  // namespace saithe::io
