#pragma once

// A first look at an HDF5 file in a child process: libhdf5 crashes on some damaged files, and on
// some it never ends. What it does to the child is an error here.
//
// Private to io/.

#include <filesystem>
#include <functional>
#include <string>

namespace saithe::io {

/// Walks over what is read of a file of any format, in a child process: groups, links, attributes,
/// indices of chunks, texts, numbers of tables, and values behind filters that saithe does not undo
/// itself. Chunks that saithe unpacks itself are not read. A file that was seen and is unchanged
/// since is not walked over again. Errors that libhdf5 reports are left to the real reading.
/// Throws Error(BadFormat) if libhdf5 crashes, takes too much memory or comes to no end.
void require_harmless(const std::filesystem::path& path);

/// Does work that reads and changes a file with libhdf5 in a child process. Throws what it throws,
/// and Error(BadFormat), beginning with `name`, if libhdf5 crashes or comes to no end.
void change_in_child(const std::filesystem::path& path, const std::string& name,
                     const std::function<void()>& work);

}  // namespace saithe::io
