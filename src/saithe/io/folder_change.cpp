#include "saithe/io/folder_change.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "saithe/core/error.h"
#include "saithe/io/copy_file.h"

namespace saithe::io {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_writing(const std::string& name, int why) {
  fail(ErrorKind::Output, "{}: cannot be written: {}", name, std::strerror(why));
}

}  // namespace

void flush_to_disk(const fs::path& path, const std::string& name) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool is_flushed = descriptor >= 0 && fsync(descriptor) == 0;
  const int why = errno;
  if (descriptor >= 0) close(descriptor);
  if (!is_flushed) fail_writing(name, why);
}

void flush_file_system(const fs::path& folder, const std::string& name) {
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool is_flushed = descriptor >= 0 && syncfs(descriptor) == 0;
  const int why = errno;
  if (descriptor >= 0) close(descriptor);
  if (!is_flushed) fail_writing(name, why);
}

FolderChange::FolderChange(fs::path folder, fs::path aside, std::string name)
    : lock_(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
      folder_(std::move(folder)),
      aside_(std::move(aside)),
      name_(std::move(name)) {
  if (lock_ >= 0) static_cast<void>(flock(lock_, LOCK_EX));
}

FolderChange::~FolderChange() {
  undo();
  if (lock_ >= 0) close(lock_);
}

fs::path FolderChange::next_aside() {
  std::error_code error;
  fs::create_directories(aside_, error);
  if (error) fail_writing(name_, error.value());
  return aside_ / std::to_string(n_aside_++);
}

void FolderChange::move(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) fail_writing(name_, error.value());
  undo_.push_back({to, from});
}

void FolderChange::take_out(const fs::path& entry) {
  move(folder_ / entry, next_aside());
  touched_.insert((folder_ / entry).parent_path());
}

void FolderChange::put(const fs::path& from, const fs::path& entry) {
  std::error_code error;
  // rename() would replace a file, and an empty folder, without a word.
  if (fs::exists(fs::symlink_status(folder_ / entry, error))) fail_writing(name_, EEXIST);
  move(from, folder_ / entry);
  touched_.insert((folder_ / entry).parent_path());
}

void FolderChange::replace(const fs::path& from, const fs::path& entry) {
  const fs::path place = folder_ / entry;
  std::error_code error;
  if (!fs::exists(place, error)) fail_writing(name_, error ? error.value() : ENOENT);
  // A copy, not the file itself: at no moment is there none.
  const fs::path copy = next_aside();
  if (!std::ofstream(copy)) fail_writing(name_, errno);
  copy_file_bytes(place, copy, name_);
  for (const fs::path& path : {copy, from}) {
    copy_permissions(place, path, name_);
  }
  flush_to_disk(copy, name_);
  flush_to_disk(from, name_);
  flush();
  fs::rename(from, place, error);
  if (error) fail_writing(name_, error.value());
  undo_.push_back({copy, place});
  flush_to_disk(place.parent_path(), name_);
}

void FolderChange::flush() {
  for (const fs::path& folder : touched_) flush_to_disk(folder, name_);
  touched_.clear();
}

bool FolderChange::undo() noexcept {
  bool is_done = true;
  for (auto step = undo_.rbegin(); step != undo_.rend(); ++step) {
    std::error_code error;
    fs::rename(step->from, step->to, error);
    is_done = !error && is_done;
  }
  undo_.clear();
  return is_done;
}

}  // namespace saithe::io
