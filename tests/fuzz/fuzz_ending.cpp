// A fuzzer: bytes as a file with the ending SAITHE_FUZZ_ENDING.

#include "fuzz_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  saithe::testing::read_as_file(data, size, SAITHE_FUZZ_ENDING);
  return 0;
}
