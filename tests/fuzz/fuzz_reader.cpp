// What a fuzzer calls: the bytes as a file with an ending, read in all ways. An Error is a fine
// outcome unless it is Internal; what else is thrown ends the fuzzer.
//
// HDF5 goes through its child process, as for a user: libhdf5's own crashes are not what is sought.

#include "fuzz_reader.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "saithe/io/open.h"

namespace saithe::testing {
namespace {

/// A place in memory where there is one: the fuzzer writes it thousands of times.
std::filesystem::path place_of(const std::string& ending) {
  const std::filesystem::path memory = "/dev/shm";
  const auto folder =
      access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
  return folder / fmt::format("saithe-fuzz-{}{}", getpid(), ending);
}

}  // namespace

bool read_as_file(const std::uint8_t* data, std::size_t size, const std::string& ending) {
  const std::filesystem::path path = place_of(ending);
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  const Context context(1);
  bool is_read = false;
  try {
    static_cast<void>(inspect_file(path, {}, context));
    const Dataset cells = read_dataset(path, {}, context);
    validate(cells.counts.view(), "read");
    is_read = true;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::Internal) std::abort();
  }
  std::filesystem::remove(path);
  return is_read;
}

}  // namespace saithe::testing
