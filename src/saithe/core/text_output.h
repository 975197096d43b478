#pragma once

// Text files that are written piece by piece, so that a long table need not lie in memory.

#include <filesystem>
#include <functional>
#include <string_view>

namespace saithe {

class PendingOutputs;

/// Takes the next piece of a text.
using PutText = std::function<void(std::string_view)>;

/// Writes a file beside its name and renames it, as OutputFile; compressed if its name ends in
/// .gz: the same text gives the same bytes, whatever its pieces. `write` hands over the text.
/// Throws Error(Output), and what `write` throws; nothing is left then.
void write_text(const std::filesystem::path& path, bool overwrite,
                const std::function<void(const PutText&)>& write);
/// The same, renamed with the other outputs of a run.
void write_text(const std::filesystem::path& path, bool overwrite,
                const std::function<void(const PutText&)>& write, PendingOutputs& outputs);

}  // namespace saithe
