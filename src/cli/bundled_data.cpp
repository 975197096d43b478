#include "bundled_data.h"

#include <cstdlib>
#include <vector>

#include "saithe/core/error.h"

namespace saithe::cli {

std::filesystem::path bundled_file(const std::string& name) {
  namespace fs = std::filesystem;
  std::vector<fs::path> folders;
  if (const char* folder = std::getenv("SAITHE_DATA"); folder != nullptr && *folder != '\0') {
    folders.emplace_back(folder);
  } else {
    std::error_code error;
    const fs::path program = fs::read_symlink("/proc/self/exe", error);
    if (!error) {
      folders.push_back(program.parent_path().parent_path() / "share" / "saithe");
      // BUILD/bin/saithe of a source tree: its data lie above the build folder.
      for (fs::path above = program.parent_path(); above != above.parent_path();
           above = above.parent_path()) {
        if (fs::exists(above / "src" / "saithe" / "saithe.h", error))
          folders.push_back(above / "data");
      }
    }
  }
  std::string looked;
  for (const fs::path& folder : folders) {
    std::error_code error;
    if (fs::exists(folder / name, error)) return folder / name;
    looked += (looked.empty() ? "" : ", ") + folder.string();
  }
  fail(ErrorKind::NotFound,
       "the bundled {} was not found (looked in: {}); set SAITHE_DATA to its folder", name, looked);
}

}  // namespace saithe::cli
