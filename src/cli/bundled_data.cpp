#include "bundled_data.h"

#include <cstdlib>
#include <string>
#include <vector>

#include "saithe/core/error.h"

namespace saithe::cli {

std::filesystem::path bundled_pbmc3k() {
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
    if (fs::exists(folder / "pbmc3k.h5ad", error)) return folder / "pbmc3k.h5ad";
    looked += (looked.empty() ? "" : ", ") + folder.string();
  }
  fail(ErrorKind::NotFound,
       "the bundled pbmc3k.h5ad was not found (looked in: {}); set SAITHE_DATA to its folder",
       looked);
}

}  // namespace saithe::cli
