#include "output_folder.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "saithe/core/error.h"

namespace saithe::cli {

namespace fs = std::filesystem;

namespace {

/// Found before the work, not when half of the files are in their places.
void require_no_folder(const fs::path& file) {
  std::error_code error;
  if (fs::is_directory(file, error)) {
    fail(ErrorKind::Output, "{}: is a folder, where a file is to be written; move it away",
         file.string());
  }
  const fs::path folder = file.parent_path();
  if (fs::exists(folder, error) && !fs::is_directory(folder, error)) {
    fail(ErrorKind::Output, "{}: is a file, where a folder is to be made; move it away",
         folder.string());
  }
}

}  // namespace

OutputFolder::OutputFolder(fs::path path, std::vector<std::string> files, bool overwrite)
    : path_(std::move(path)), files_(std::move(files)), overwrite_(overwrite) {
  std::error_code error;
  if (fs::exists(path_, error) && !fs::is_directory(path_, error)) {
    fail(ErrorKind::Output, "{}: is a file; name a folder", path_.string());
  }
  for (const std::string& name : files_) {
    if (!overwrite && fs::exists(fs::symlink_status(path_ / name, error))) {
      fail(ErrorKind::Output, "{}: exists already; choose another folder or add --overwrite",
           (path_ / name).string());
    }
    require_no_folder(path_ / name);
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
  for (const fs::path& folder : made_) fs::remove(folder, ignored);  // only where it is empty
}

void OutputFolder::write(const std::function<void()>& writer) const {
  try {
    writer();
  } catch (const Error& error) {
    // The hidden folder will be gone when the message is read.
    std::string message = error.what();
    const std::string hidden = staging_.string();
    for (std::size_t at = 0; (at = message.find(hidden, at)) != std::string::npos;) {
      message.replace(at, hidden.size(), path_.string());
      at += path_.string().size();
    }
    throw Error(error.kind(), message);
  }
}

void OutputFolder::require_place(const std::string& name) const {
  const fs::path target = path_ / name;
  require_no_folder(target);
  std::error_code error;
  if (overwrite_ || !fs::exists(fs::symlink_status(target, error))) return;
  fail(ErrorKind::Output, "{}: was made by another program meanwhile; nothing was replaced",
       target.string());
}

void OutputFolder::put_in_place(const std::string& name) const {
  const fs::path target = path_ / name;
  std::error_code error;
  fs::create_directories(target.parent_path(), error);
  fs::rename(staging_ / name, target, error);
  if (error) {
    fail(ErrorKind::Output, "{}: cannot be renamed into place: {}", target.string(),
         error.message());
  }
}

void OutputFolder::remove_of_earlier_run(const std::vector<std::string>& names) const {
  std::error_code ignored;
  for (const std::string& name : names) {
    fs::remove(path_ / name, ignored);
    const fs::path folder = (path_ / name).parent_path();
    if (folder != path_) fs::remove(folder, ignored);  // only where it is empty
  }
}

std::vector<std::string> OutputFolder::add_to(PendingOutputs& outputs) {
  std::vector<std::string> written;
  std::vector<std::string> others;
  std::error_code error;
  for (const std::string& name : files_) {
    (fs::exists(staging_ / name, error) ? written : others).push_back(name);
  }
  if (!overwrite_) others.clear();
  for (const std::string& name : written) {
    const bool is_last = name == written.back();
    outputs.add({path_ / name, [this, name] { require_place(name); },
                 [this, name, stale = is_last ? others : std::vector<std::string>()] {
                   put_in_place(name);
                   remove_of_earlier_run(stale);
                 }});
  }
  return written;
}

std::vector<std::string> OutputFolder::commit() {
  PendingOutputs outputs;
  std::vector<std::string> written = add_to(outputs);
  outputs.commit();
  return written;
}

}  // namespace saithe::cli
