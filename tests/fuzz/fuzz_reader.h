#pragma once

// One input of a fuzzer, read as a file.

#include <cstddef>
#include <cstdint>
#include <string>

namespace saithe::testing {

/// True if the bytes are a file that is read. Ends the process on an Error that is a bug of saithe.
bool read_as_file(const std::uint8_t* data, std::size_t size, const std::string& ending);

}  // namespace saithe::testing
