#include "saithe/io/annotate_zarr.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <set>

#include "saithe/core/error.h"
#include "saithe/io/copy_file.h"
#include "saithe/io/hdf5_writer.h"
#include "saithe/io/zarr_metadata.h"
#include "saithe/io/zarr_writer.h"

namespace saithe {

using io::ZarrNode;
using io::ZarrTarget;

namespace {

namespace fs = std::filesystem;

std::optional<ZarrNode> find_root(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return std::nullopt;
  auto store = io::open_zarr_store(path, true, "");
  return store == nullptr ? std::nullopt : ZarrNode::find(std::move(store), "");
}

[[noreturn]] void fail_writing(const fs::path& output, const std::string& why) {
  fail(ErrorKind::Output, "{}: cannot be written: {}", output.string(), why);
}

/// Throws unless what was written to a file or folder is on the disk.
void flush(const fs::path& path, const fs::path& output) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool is_flushed = descriptor >= 0 && fsync(descriptor) == 0;
  const int why = errno;
  if (descriptor >= 0) close(descriptor);
  if (!is_flushed) fail_writing(output, std::strerror(why));
}

/// The file of a link is copied; a folder that is a link would make copies of folders endless.
void copy_tree(const fs::path& from, const fs::path& to, const fs::path& output) {
  for (const fs::directory_entry& entry : fs::directory_iterator(from)) {
    const fs::path target = to / entry.path().filename();
    if (entry.is_directory() && !entry.is_symlink()) {
      fs::create_directory(target);
      copy_tree(entry.path(), target, output);
    } else if (entry.is_regular_file()) {
      if (!std::ofstream(target)) fail_writing(output, std::strerror(errno));
      io::copy_file_bytes(entry.path(), target, output.string());
      flush(target, output);
    } else {
      fail(ErrorKind::BadFormat, "{}: is neither a file nor a folder of the store",
           entry.path().string());
    }
  }
  flush(to, output);
}

/// A folder beside the output under construction; gone unless it took its place.
class FolderBeside {
 public:
  explicit FolderBeside(const fs::path& output) : output_(output) {
    const fs::path parent = output.has_parent_path() ? output.parent_path() : fs::path(".");
    std::string pattern = (parent / (".saithe-" + output.filename().string() + ".XXXXXX")).string();
    if (mkdtemp(pattern.data()) == nullptr) fail_writing(output, std::strerror(errno));
    path_ = pattern;
    // mkdtemp makes it private; give it the permissions of any new folder.
    const mode_t mask = umask(0);
    umask(mask);
    if (chmod(path_.c_str(), 0777 & ~mask) != 0) fail_writing(output, std::strerror(errno));
  }
  ~FolderBeside() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  FolderBeside(const FolderBeside&) = delete;
  FolderBeside& operator=(const FolderBeside&) = delete;

  [[nodiscard]] const fs::path& path() const { return path_; }

  /// Takes the place of the output; a store that is there changes places with it, and goes.
  void commit(bool overwrite) {
    const unsigned how = overwrite && fs::exists(output_) ? RENAME_EXCHANGE : RENAME_NOREPLACE;
    auto failed = syscall(SYS_renameat2, AT_FDCWD, path_.c_str(), AT_FDCWD, output_.c_str(), how);
    if (failed != 0 && errno == EINVAL && how == RENAME_NOREPLACE) {
      failed = rename(path_.c_str(), output_.c_str());  // some network file systems know no other
    }
    if (failed != 0) fail_writing(output_, std::strerror(errno));
    flush(output_.has_parent_path() ? output_.parent_path() : fs::path("."), output_);
  }

 private:
  fs::path output_;
  fs::path path_;
};

// ---- what is added ----------------------------------------------------------------------------

void drop(ZarrTarget& store, const std::string& path) {
  if (store.has(path)) store.remove(path);
}

/// The colours of the types of a column that is replaced fit no more.
void drop_column(ZarrTarget& store, const std::string& key) {
  if (!store.has("obs/" + key)) return;
  store.remove("obs/" + key);
  drop(store, "uns/" + key + "_colors");
}

void add_columns(ZarrTarget& store, const Annotations& annotations,
                 const std::vector<std::string>& of_earlier_run) {
  std::vector<std::string> order = store.text_list_attribute("obs", "column-order");
  for (const std::string& name : of_earlier_run) {
    drop_column(store, io::as_key(name));
    std::erase(order, io::as_key(name));
  }
  std::set<std::string> known(order.begin(), order.end());
  for (const auto& [name, column] : annotations.obs) {
    const std::string key = io::as_key(name);
    if (known.insert(key).second) order.push_back(key);
    drop_column(store, key);
    store.write_column("obs/" + key, column);
  }
  store.set_attribute("obs", "column-order", order);
}

void add_annotations(ZarrTarget& store, const Annotations& annotations) {
  // The first column is what the others belong to.
  const bool replaces =
      !annotations.obs.empty() && store.has("obs/" + io::as_key(annotations.obs.front().first));
  const Annotations::Stale stale = replaces ? annotations.of_earlier_run : Annotations::Stale();
  if (!annotations.obs.empty()) add_columns(store, annotations, stale.obs);
  if (!annotations.obsm.empty()) store.require_group("obsm", "dict");
  for (const auto& [name, matrix] : annotations.obsm) {
    const std::string path = "obsm/" + io::as_key(name);
    drop(store, path);
    store.write_matrix(path, matrix);
  }
  if (!annotations.uns.empty()) store.require_group("uns", "dict");
  for (const auto& [path, value] : annotations.uns) drop(store, "uns/" + io::uns_entry(path));
  for (const std::string& entry : stale.uns) drop(store, "uns/" + entry);
  for (const auto& [path, value] : annotations.uns) {
    for (std::size_t at = path.find('/'); at != std::string::npos; at = path.find('/', at + 1)) {
      store.require_group("uns/" + path.substr(0, at), "dict");
    }
    store.write_value("uns/" + path, value);
  }
}

void require_free_key(const ZarrNode& root, const std::string& path) {
  if (!ZarrNode::find(root.shared_store(), path)) return;
  fail(ErrorKind::Output,
       "{}: has {} already; add --overwrite to replace it, or --key-added NAME for another name",
       root.where(), path);
}

}  // namespace

bool takes_zarr_annotations(const fs::path& path) {
  const auto root = find_root(path);
  const auto obs = root ? root->child("obs") : std::nullopt;
  return obs && !obs->is_array();
}

ZarrAnnotator::ZarrAnnotator(fs::path input, fs::path output, bool overwrite)
    : input_(std::move(input)), output_(std::move(output)), overwrite_(overwrite) {
  if (!output_.has_filename()) output_ = output_.parent_path();  // "out.zarr/"
  if (!takes_zarr_annotations(input_)) {
    fail(ErrorKind::BadFormat,
         "{}: a Zarr store is written as a copy of one in a folder, of AnnData 0.7 or later; "
         "-o FILE.h5ad writes a new file with what is read of any input",
         input_.string());
  }
  const fs::path inside = fs::weakly_canonical(input_);
  for (fs::path place = fs::weakly_canonical(output_); !place.empty();
       place = place.parent_path()) {
    if (place == inside) {
      fail(ErrorKind::Output, "{}: lies in the input; name another folder", output_.string());
    }
    if (place == place.parent_path()) break;
  }
  std::error_code error;
  if (fs::exists(fs::symlink_status(output_, error))) {
    if (!overwrite_) {
      fail(ErrorKind::Output, "{}: exists already; choose another name or add --overwrite",
           output_.string());
    }
    if (fs::is_symlink(output_, error)) output_ = fs::weakly_canonical(output_);
    if (fs::exists(output_, error) && !find_root(output_)) {
      fail(ErrorKind::Output, "{}: is no Zarr store; --overwrite replaces only one",
           output_.string());
    }
  }
  const FolderBeside probe(output_);
}

void ZarrAnnotator::require_free(const Annotations& annotations) const {
  const auto root = find_root(input_);
  SAITHE_ASSERT(root.has_value());
  const std::string index = root->get("obs").text_attribute("_index").value_or("_index");
  for (const auto& [name, column] : annotations.obs) {
    const std::string key = io::as_key(name);
    if (key == index || key == io::kLevelsOfCategories) {
      fail(ErrorKind::Output, "{}: obs/{} is the index and cannot be replaced", root->where(), key);
    }
    if (!overwrite_) require_free_key(*root, "obs/" + key);
  }
  if (overwrite_) return;
  for (const auto& [name, matrix] : annotations.obsm) {
    require_free_key(*root, "obsm/" + io::as_key(name));
  }
  for (const auto& [path, value] : annotations.uns) {
    require_free_key(*root, "uns/" + io::uns_entry(path));
  }
}

void ZarrAnnotator::write(const Annotations& annotations) const {
  require_free(annotations);
  FolderBeside folder(output_);
  try {
    copy_tree(input_, folder.path(), output_);
    ZarrTarget store(folder.path(), output_.string());
    add_annotations(store, annotations);
    store.finish();
    folder.commit(overwrite_);
  } catch (const fs::filesystem_error& error) {
    fail_writing(output_, error.code().message());
  } catch (const Error& error) {
    // The hidden folder will be gone when the message is read.
    std::string message = error.what();
    const std::string hidden = folder.path().string();
    const auto at = message.find(hidden);
    if (at != std::string::npos) message.replace(at, hidden.size(), output_.string());
    throw Error(error.kind(), message);
  }
}

}  // namespace saithe
