#pragma once

// Files and pipes opened to be read once, from front to back, and what may be read again.

#include <chrono>
#include <filesystem>

namespace saithe {

/// Who makes a named pipe and starts its writer needs less.
inline constexpr std::chrono::milliseconds kWaitForWriter{10'000};

/// A descriptor to be closed, of a file, a device, or a pipe as the shell's <(...) makes it. Waits
/// `wait` at most for somebody to open a named pipe for writing, and then as long as that writer
/// takes. Throws Error(NotFound) if there is no such file, or it cannot be opened, and
/// Error(BadFormat) for a pipe to which nobody writes.
int open_input(const std::filesystem::path& path, std::chrono::milliseconds wait = kWaitForWriter);

/// Throws Error(BadFormat) of a pipe, socket or device, where an input is read several times.
void require_rereadable(const std::filesystem::path& path);

}  // namespace saithe
