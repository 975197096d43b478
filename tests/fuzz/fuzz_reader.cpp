// What a fuzzer calls: the bytes as a file with an ending or as a folder, read in all ways. An
// Error is a fine outcome unless it is Internal; what else is thrown ends the fuzzer.
//
// HDF5 goes through its child process, as for a user: libhdf5's own crashes are not what is sought.

#include "fuzz_reader.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
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

constexpr std::size_t kMostFiles = 64;
constexpr std::size_t kMostNameBytes = 100;
constexpr std::string_view kMarker = "\n@@ ";

/// Letters, digits and "._-", in parts with slashes between, none of which is "." or "..".
bool is_inside(std::string_view name) {
  constexpr std::string_view kSigns = "._-/";
  const auto is_good = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kSigns.find(c) != std::string_view::npos;
  };
  if (name.size() > kMostNameBytes || !std::all_of(name.begin(), name.end(), is_good)) return false;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    begin = end + 1;
  }
  return true;
}

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// Where a name is a file and a folder, the file alone is there.
void write_folder(const std::filesystem::path& folder, std::string_view bytes) {
  std::filesystem::create_directory(folder);
  for (const auto& [name, content] : unpack_folder(bytes)) {
    std::error_code error;
    std::filesystem::create_directories((folder / name).parent_path(), error);
    if (!error) write_file(folder / name, content);
  }
}

}  // namespace

std::map<std::string, std::string> unpack_folder(std::string_view bytes) {
  std::map<std::string, std::string> files;
  std::size_t at = bytes.find(kMarker);
  while (at != std::string_view::npos && files.size() < kMostFiles) {
    const std::size_t name_begin = at + kMarker.size();
    const std::size_t name_end = bytes.find('\n', name_begin);
    if (name_end == std::string_view::npos) break;
    at = bytes.find(kMarker, name_end + 1);
    const std::string_view name = bytes.substr(name_begin, name_end - name_begin);
    const std::string_view content =
        bytes.substr(name_end + 1, std::min(at, bytes.size()) - name_end - 1);
    if (is_inside(name)) files.emplace(name, content);
  }
  return files;
}

bool read_as_input(const std::uint8_t* data, std::size_t size, const std::string& ending) {
  const std::filesystem::path path = place_of(ending);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  ending == ".folder" ? write_folder(path, bytes) : write_file(path, bytes);
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
  std::filesystem::remove_all(path);
  return is_read;
}

}  // namespace saithe::testing
