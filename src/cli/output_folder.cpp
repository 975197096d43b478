#include "output_folder.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "saithe/core/error.h"

namespace saithe::cli {

namespace fs = std::filesystem;

OutputFolder::OutputFolder(fs::path path, std::vector<std::string> files, bool overwrite)
    : path_(std::move(path)), files_(std::move(files)) {
  std::error_code error;
  if (fs::exists(path_, error) && !fs::is_directory(path_, error)) {
    fail(ErrorKind::Output, "{}: is a file; name a folder", path_.string());
  }
  for (const std::string& name : files_) {
    if (!overwrite && fs::exists(fs::symlink_status(path_ / name, error))) {
      fail(ErrorKind::Output, "{}: exists already; choose another folder or add --overwrite",
           (path_ / name).string());
    }
  }
  for (fs::path folder = fs::absolute(path_).lexically_normal(); !fs::exists(folder, error);
       folder = folder.parent_path()) {
    made_.push_back(folder);
  }
  fs::create_directories(path_, error);
  std::string pattern = (path_ / ".saithe-XXXXXX").string();
  if (error || mkdtemp(pattern.data()) == nullptr) {
    const std::string why = error ? error.message() : std::strerror(errno);
    for (const fs::path& folder : made_) fs::remove(folder, error);
    fail(ErrorKind::Output, "{}: cannot be written into: {}", path_.string(), why);
  }
  staging_ = pattern;
}

OutputFolder::~OutputFolder() {
  std::error_code ignored;
  fs::remove_all(staging_, ignored);
  if (is_committed_) return;
  for (const fs::path& folder : made_) fs::remove(folder, ignored);  // only where it is empty
}

std::vector<std::string> OutputFolder::commit() {
  std::vector<std::string> written;
  std::error_code error;
  for (const std::string& name : files_) {
    if (!fs::exists(staging_ / name, error)) continue;
    const fs::path target = path_ / name;
    fs::create_directories(target.parent_path(), error);
    fs::rename(staging_ / name, target, error);
    if (error) {
      fail(ErrorKind::Output, "{}: cannot be renamed into place: {}", target.string(),
           error.message());
    }
    written.push_back(name);
  }
  is_committed_ = true;
  return written;
}

}  // namespace saithe::cli
