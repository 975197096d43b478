// A fuzzer: bytes as a file with the ending SAITHE_FUZZ_ENDING, or as a folder (.folder).

#include "fuzz_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  saithe::testing::read_as_input(data, size, SAITHE_FUZZ_ENDING);
  return 0;
}
