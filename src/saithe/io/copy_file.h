#pragma once

// The bytes of a file into another, by the quickest way that the file systems offer. Private to
// io/.

#include <filesystem>
#include <optional>
#include <string>

namespace saithe::io {

/// Makes the existing file `target` hold the bytes of `input`: shared blocks (reflink) where the
/// file system has them, copied inside the kernel otherwise, read and written where neither works.
/// `name` is what messages call the target. Throws Error(NotFound), Error(BadFormat) where the
/// input cannot be read, Error(Output).
void copy_file_bytes(const std::filesystem::path& input, const std::filesystem::path& target,
                     const std::string& name);

/// Gives a file that will replace another who may read and write that: its permissions, and owner
/// and group where the system lets. Where it does not, nobody gets more than before: no program
/// that runs as its owner or group, and another group no more than others have. `name` is what
/// messages call the file. Throws Error(NotFound), Error(Output).
void copy_permissions(const std::filesystem::path& from, const std::filesystem::path& to,
                      const std::string& name);

/// Why a file or folder is not to be changed, in the words of the system; nothing if it may be, or
/// is not there. Who made it read-only wants it kept: from the superuser, too, whom the system lets
/// write.
std::optional<std::string> why_read_only(const std::filesystem::path& path);

}  // namespace saithe::io
