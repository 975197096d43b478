#pragma once

// One input of a fuzzer, read as a file or, with the ending .folder, as a folder of files.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace saithe::testing {

/// The files of a folder, by their names below it: "\n@@ NAME\n" and what the file holds, up to the
/// next such line, so that what a fuzzer puts in or takes out moves nothing else. What stands
/// before the first line, files after the 64th and names that lead out of the folder are left out.
std::map<std::string, std::string> unpack_folder(std::string_view bytes);

/// True if the bytes are a file that is read. Ends the process on an Error that is a bug of saithe.
bool read_as_input(const std::uint8_t* data, std::size_t size, const std::string& ending);

}  // namespace saithe::testing
