#include "saithe/io/zarr_store.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>

#include "saithe/core/error.h"
#include "saithe/core/text_io.h"
#include "saithe/io/copy_file.h"
#include "saithe/io/folder_change.h"
#include "saithe/io/zip_archive.h"

namespace saithe::io {
namespace {

namespace fs = std::filesystem;

// Files of which one makes a folder a Zarr group.
constexpr const char* kGroupFiles[] = {"zarr.json", ".zgroup"};

/// Keys may come from attributes: none leads out of the store.
void require_inside(const std::string& store, const std::string& key) {
  std::size_t begin = 0;
  while (begin <= key.size()) {
    const std::size_t end = std::min(key.find('/', begin), key.size());
    const std::string part = key.substr(begin, end - begin);
    if (part.empty() || part == "." || part == ".." || part.find('\0') != std::string::npos) {
      fail(ErrorKind::BadFormat, "{}: the key '{}' is none of a Zarr store", store, printable(key));
    }
    begin = end + 1;
  }
}

[[noreturn]] void fail_reading(const fs::path& path, const std::string& why) {
  fail(ErrorKind::NotFound, "{}: cannot be read: {}", path.string(), why);
}

/// What is there; nothing if there is nothing. Whatever else keeps it from being looked at, as a
/// folder that this user may not enter, throws Error(NotFound): a chunk that is not there would be
/// read as zeros.
std::optional<struct stat> look_up(const fs::path& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) == 0) return status;
  const int why = errno;
  if (why != ENOENT && why != ENOTDIR) fail_reading(path, std::strerror(why));
  if (lstat(path.c_str(), &status) == 0) fail_reading(path, "a link to nothing");
  return std::nullopt;
}

void make_empty_file(const fs::path& path, const std::string& output) {
  if (std::ofstream(path)) return;
  fail(ErrorKind::Output, "{}: cannot be written: {}", output, std::strerror(errno));
}

/// The names in a folder, sorted; none if there is no folder.
std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  if (error && error.value() != ENOENT && error.value() != ENOTDIR) {
    fail_reading(folder, error.message());
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool is_within(const fs::path& path, const fs::path& folder) {
  return std::ranges::mismatch(folder, path).in1 == folder.end();
}

/// What a link leads to is copied, as it is what was read. `around` are the real folders above, the
/// copy's among them: a link to a folder that holds one of them would make copies of copies.
void copy_tree(const fs::path& from, const fs::path& to, const std::string& output,
               std::vector<fs::path>& around) {
  around.push_back(fs::canonical(from));
  for (const std::string& name : names_in(from)) {
    const fs::path source = from / name;
    const auto status = look_up(source);
    if (status && S_ISDIR(status->st_mode)) {
      const auto is_inside = [target = fs::canonical(source)](const fs::path& folder) {
        return is_within(folder, target);
      };
      if (fs::is_symlink(source) && std::ranges::any_of(around, is_inside)) {
        fail(ErrorKind::BadFormat, "{}: is a link to a folder around it", source.string());
      }
      fs::create_directory(to / name);
      copy_tree(source, to / name, output, around);
    } else if (status && S_ISREG(status->st_mode)) {
      make_empty_file(to / name, output);
      copy_file_bytes(source, to / name, output);
    } else {
      fail(ErrorKind::BadFormat, "{}: is neither a file nor a folder of the store",
           source.string());
    }
  }
  around.pop_back();
}

class FolderStore final : public ZarrStore {
 public:
  explicit FolderStore(fs::path folder) : ZarrStore(folder.string()), folder_(std::move(folder)) {}

  std::optional<std::int64_t> size(const std::string& key) const override {
    require_inside(name(), key);
    const auto status = look_up(folder_ / key);
    if (!status || S_ISDIR(status->st_mode)) return std::nullopt;
    if (!S_ISREG(status->st_mode)) fail_reading(folder_ / key, "is no file");
    return status->st_size;
  }
  std::string read(const std::string& key, std::int64_t begin, std::int64_t n) const override {
    require_inside(name(), key);
    return RandomAccessFile(folder_ / key).read(begin, n);
  }
  std::vector<std::string> names(const std::string& prefix) const override {
    if (!prefix.empty()) require_inside(name(), prefix.substr(0, prefix.size() - 1));
    return names_in(folder_ / prefix);
  }
  void copy_to(const fs::path& folder, const std::string& output) const override {
    std::vector<fs::path> around = {fs::canonical(folder)};
    copy_tree(folder_, folder, output, around);
    flush_file_system(folder, output);
  }

 private:
  fs::path folder_;
};

class ZipStore final : public ZarrStore {
 public:
  ZipStore(std::string name, std::shared_ptr<const ZipArchive> archive, std::string prefix)
      : ZarrStore(std::move(name)), archive_(std::move(archive)), prefix_(std::move(prefix)) {}

  std::optional<std::int64_t> size(const std::string& key) const override {
    return archive_->size(prefix_ + key);
  }
  std::string read(const std::string& key, std::int64_t begin, std::int64_t n) const override {
    return archive_->read(prefix_ + key, begin, n);
  }
  std::vector<std::string> names(const std::string& prefix) const override {
    const std::string start = prefix_ + prefix;
    std::set<std::string> names;
    for (const std::string& name : archive_->names()) {
      if (!name.starts_with(start) || name.size() == start.size()) continue;
      names.insert(name.substr(start.size(), name.find('/', start.size()) - start.size()));
    }
    return {names.begin(), names.end()};
  }
  void copy_to(const fs::path& folder, const std::string& output) const override {
    for (const std::string& name : archive_->names()) {
      const bool is_folder = name.ends_with('/');
      if (!name.starts_with(prefix_) || name.size() == prefix_.size() || is_folder) continue;
      const std::string key = name.substr(prefix_.size());
      require_inside(this->name(), key);
      const fs::path target = folder / key;
      fs::create_directories(target.parent_path());
      make_empty_file(target, output);
      archive_->unpack(name, target, output);
    }
    flush_file_system(folder, output);
  }

 private:
  std::shared_ptr<const ZipArchive> archive_;
  std::string prefix_;
};

bool is_group(const ZarrStore& store) {
  return std::any_of(std::begin(kGroupFiles), std::end(kGroupFiles),
                     [&](const char* file) { return store.size(file).has_value(); });
}

}  // namespace

std::optional<std::string> ZarrStore::read_all(const std::string& key,
                                               std::int64_t max_bytes) const {
  const auto n = size(key);
  if (!n) return std::nullopt;
  if (*n > max_bytes) {
    fail(ErrorKind::BadFormat, "{}/{}: has {} bytes; at most {} are expected", name(),
         printable(key), *n, max_bytes);
  }
  return read(key, 0, *n);
}

std::shared_ptr<const ZarrStore> open_zarr_store(const fs::path& path, bool is_folder,
                                                 const std::string& head) {
  if (is_folder) {
    auto store = std::make_shared<FolderStore>(path);
    return is_group(*store) ? store : nullptr;
  }
  if (!is_zip(head)) return nullptr;
  const auto archive = std::make_shared<const ZipArchive>(path);
  auto store = std::make_shared<ZipStore>(path.string(), archive, "");
  if (is_group(*store)) return store;
  std::vector<std::string> folders = store->names("");
  std::erase_if(folders, [](const std::string& name) {  // of a zip that a Mac made
    return name == "__MACOSX" || name == ".DS_Store";
  });
  if (folders.size() != 1) return nullptr;
  auto inner = std::make_shared<ZipStore>(path.string(), archive, folders.front() + "/");
  return is_group(*inner) ? inner : nullptr;
}

}  // namespace saithe::io
