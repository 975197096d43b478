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
#include <memory>
#include <optional>
#include <set>

#include "saithe/core/error.h"
#include "saithe/core/pending_outputs.h"
#include "saithe/core/symbolic_links.h"
#include "saithe/core/text_io.h"
#include "saithe/io/copy_file.h"
#include "saithe/io/earlier_run.h"
#include "saithe/io/folder_change.h"
#include "saithe/io/hdf5_writer.h"
#include "saithe/io/zarr_array.h"
#include "saithe/io/zarr_consolidated.h"
#include "saithe/io/zarr_metadata.h"
#include "saithe/io/zarr_writer.h"

namespace saithe {

using io::StaleNames;
using io::ZarrNode;
using io::ZarrTarget;

namespace {

namespace fs = std::filesystem;

std::optional<ZarrNode> find_root(const fs::path& path) {
  static constexpr std::size_t kHeadBytes = 4;
  std::error_code error;
  const bool is_folder = fs::is_directory(path, error);
  if (!is_folder && !fs::is_regular_file(path, error)) return std::nullopt;
  auto store = io::open_zarr_store(path, is_folder, is_folder ? "" : read_head(path, kHeadBytes));
  return store == nullptr ? std::nullopt : ZarrNode::find(std::move(store), "");
}

[[noreturn]] void fail_writing(const fs::path& output, const std::string& why) {
  fail(ErrorKind::Output, "{}: cannot be written: {}", output.string(), why);
}

fs::path parent_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

/// A folder beside the output, of what is under construction; gone unless it took its place.
class FolderBeside {
 public:
  /// `name`: what messages call the output.
  FolderBeside(const fs::path& output, const fs::path& name) : output_(output), name_(name) {
    std::string pattern =
        (parent_of(output) / (".saithe-" + output.filename().string() + ".XXXXXX")).string();
    if (mkdtemp(pattern.data()) == nullptr) fail_writing(name, std::strerror(errno));
    path_ = pattern;
    // mkdtemp makes it private; give it the permissions of any new folder.
    const mode_t mask = umask(0);
    umask(mask);
    if (chmod(path_.c_str(), 0777 & ~mask) != 0) fail_writing(name, std::strerror(errno));
  }
  ~FolderBeside() {
    std::error_code ignored;
    if (!stays_) fs::remove_all(path_, ignored);
  }
  FolderBeside(const FolderBeside&) = delete;
  FolderBeside& operator=(const FolderBeside&) = delete;

  [[nodiscard]] const fs::path& path() const { return path_; }

  /// Throws Error(Output) if another program made something there that may not be replaced.
  void require_place(bool overwrite) const {
    std::error_code error;
    if (overwrite || !fs::exists(fs::symlink_status(output_, error))) return;
    fail_writing(name_, std::strerror(EEXIST));
  }
  /// Takes the place of the output; a store that is there changes places with it, and goes.
  void rename_into_place(bool overwrite) const {
    const unsigned how = overwrite && fs::exists(output_) ? RENAME_EXCHANGE : RENAME_NOREPLACE;
    auto failed = syscall(SYS_renameat2, AT_FDCWD, path_.c_str(), AT_FDCWD, output_.c_str(), how);
    if (failed != 0 && errno == EINVAL && how == RENAME_NOREPLACE) {
      failed = rename(path_.c_str(), output_.c_str());  // some network file systems know no other
    }
    if (failed != 0) fail_writing(name_, std::strerror(errno));
  }
  /// Is not removed: it holds what was taken out of a store and could not be put back.
  void leave() { stays_ = true; }

 private:
  fs::path output_;
  fs::path name_;
  fs::path path_;
  bool stays_ = false;
};

// ---- what is added ----------------------------------------------------------------------------

void drop(ZarrTarget& store, const std::string& path) {
  if (store.has(path)) store.remove(path);
}

/// Removes an entry of uns, and what is no dict in the place of its dict.
void drop_entry(ZarrTarget& store, const std::string& entry) {
  const std::size_t slash = entry.find('/');
  const std::string dict = "uns/" + entry.substr(0, slash);
  if (slash != std::string::npos && store.has(dict) && !store.has_dict(dict)) {
    return store.remove(dict);
  }
  drop(store, "uns/" + entry);
}

/// The colours of the types of a column that is replaced fit no more.
void drop_column(ZarrTarget& store, const std::string& key) {
  if (!store.has("obs/" + key)) return;
  store.remove("obs/" + key);
  drop(store, "uns/" + key + "_colors");
}

/// The columns of obs in their order; without a list of them, as they are read.
std::vector<std::string> column_order(const fs::path& input) {
  const ZarrNode obs = find_root(input).value().get("obs");
  if (obs.has_attribute("column-order")) return obs.text_list_attribute("column-order");
  const std::string index = obs.text_attribute("_index").value_or("_index");
  std::vector<std::string> names = obs.names();
  std::erase_if(names, [&](const std::string& name) {
    return name == index || name == io::kLevelsOfCategories;
  });
  return names;
}

void add_columns(ZarrTarget& store, const Annotations& annotations,
                 const std::vector<std::string>& stale, std::vector<std::string> order) {
  for (const std::string& name : stale) {
    drop_column(store, name);
    std::erase(order, name);
  }
  std::set<std::string> known(order.begin(), order.end());
  for (const auto& [name, column] : annotations.obs) {
    const std::string key = io::as_key(name);
    if (known.insert(key).second) order.push_back(key);
    drop_column(store, key);
    store.write_result("obs/" + key, column);
  }
  store.set_attribute("obs", "column-order", order);
}

/// `columns`: what obs has, in its order.
void add_annotations(ZarrTarget& store, const Annotations& annotations, const StaleNames& stale,
                     const std::vector<std::string>& columns) {
  if (!annotations.obs.empty()) add_columns(store, annotations, stale.obs, columns);
  for (const std::string& name : stale.obsm) drop(store, "obsm/" + name);
  if (!annotations.obsm.empty()) store.require_group("obsm", "dict");
  for (const auto& [name, matrix] : annotations.obsm) {
    const std::string path = "obsm/" + io::as_key(name);
    drop(store, path);
    store.write_matrix(path, matrix);
  }
  if (!annotations.uns.empty()) store.require_group("uns", "dict");
  for (const std::string& entry : stale.uns) drop_entry(store, entry);
  for (const auto& [path, value] : annotations.uns) drop_entry(store, io::uns_entry(path));
  for (const auto& [path, value] : annotations.uns) {
    for (std::size_t at = path.find('/'); at != std::string::npos; at = path.find('/', at + 1)) {
      store.require_group("uns/" + path.substr(0, at), "dict");
    }
    store.write_value("uns/" + path, value);
  }
}

/// What an earlier run left in the store (earlier_run.h).
StaleNames find_stale(const fs::path& input, const Annotations& annotations) {
  const ZarrNode root = find_root(input).value();
  const auto find = [&](const std::string& path) {
    return ZarrNode::find(root.shared_store(), path);
  };
  const auto read_list = [&](const std::string& path) -> std::vector<std::string> {
    const auto node = find(path);
    if (!node || !node->is_array() || node->layout().shape.size() != 1) return {};
    const io::ZarrArray list(*node);
    return list.is_text() ? list.read_texts(-1, Context(1)) : std::vector<std::string>();
  };
  return io::stale_names(
      annotations, {[&](const std::string& path) { return find(path).has_value(); }, read_list,
                    root.get("obs").text_attribute("_index").value_or("_index")});
}

/// "uns/saithe/types" is not free either where "uns/saithe" is somebody's array.
void require_free_key(const ZarrNode& root, const std::string& path) {
  const std::string dict = path.substr(0, path.rfind('/'));
  const auto parent = dict.find('/') == std::string::npos
                          ? std::nullopt
                          : ZarrNode::find(root.shared_store(), dict);
  const bool is_blocked =
      parent && (parent->is_array() ||
                 !io::is_dict_encoding(parent->text_attribute("encoding-type").value_or("")));
  if (!is_blocked && !ZarrNode::find(root.shared_store(), path)) return;
  fail(ErrorKind::Output,
       "{}: has {} already; add --overwrite to replace it, or --key-added NAME for another name",
       root.where(), is_blocked ? dict : path);
}

/// What lies behind a link in a group that is written to is another's.
void require_no_links(const fs::path& group) {
  const auto refuse = [](const fs::path& link) {
    fail(ErrorKind::Output,
         "{}: is a link; what it names would be changed, too. -o FILE.h5ad writes a new file with "
         "what is read",
         link.string());
  };
  std::error_code error;
  if (fs::is_symlink(group, error)) refuse(group);
  for (const auto& entry : fs::directory_iterator(group, error)) {
    if (entry.is_symlink(error)) refuse(entry.path());
  }
}

/// The number of names of cells, where their array is found.
std::optional<CellIndex> n_cells(const fs::path& path) {
  const auto root = find_root(path);
  SAITHE_ASSERT(root.has_value());
  const ZarrNode obs = root->get("obs");
  const auto index = obs.child(obs.text_attribute("_index").value_or("_index"));
  if (!index || !index->is_array() || index->layout().shape.size() != 1) return std::nullopt;
  return index->layout().shape.front();
}

/// Called where an exception is handled. The hidden folder will be gone when the message is read.
[[noreturn]] void rethrow_naming(const fs::path& output, const fs::path& folder) {
  try {
    throw;
  } catch (const fs::filesystem_error& error) {
    fail_writing(output, error.code().message());
  } catch (const Error& error) {
    std::string message = error.what();
    const auto at = message.find(folder.string());
    if (at != std::string::npos) message.replace(at, folder.string().size(), output.string());
    throw Error(error.kind(), message);
  }
}

}  // namespace

bool takes_zarr_annotations(const fs::path& path) {
  const auto root = find_root(path);
  const auto obs = root ? root->child("obs") : std::nullopt;
  return obs && !obs->is_array();
}

ZarrAnnotator::ZarrAnnotator(fs::path input, bool overwrite)
    : input_(std::move(input)), given_(input_), overwrite_(overwrite) {
  if (!takes_zarr_annotations(input_)) {
    fail(ErrorKind::BadFormat,
         "{}: a Zarr store is written as a copy of one of AnnData 0.7 or later; -o FILE.h5ad "
         "writes a new file with what is read of any input",
         input_.string());
  }
  const ZarrNode root = find_root(input_).value();
  const int version = root.get("obs").version();
  if (root.version() == version) return;
  fail(ErrorKind::BadFormat,
       "{}: is of Zarr version {} and its obs of version {}; columns are added to a store of one "
       "version. -o FILE.h5ad writes a new file with what is read",
       input_.string(), root.version(), version);
}

ZarrAnnotator::ZarrAnnotator(fs::path input, fs::path output, bool overwrite)
    : ZarrAnnotator(std::move(input), overwrite) {
  output_ = output.has_filename() ? std::move(output) : output.parent_path();  // "out.zarr/"
  require_free_output();
  stamp_ = stamp();
  const FolderBeside probe(output_, output_);
}

ZarrAnnotator ZarrAnnotator::in_place(fs::path input, bool overwrite) {
  if (!input.has_filename()) input = input.parent_path();
  ZarrAnnotator annotator(input, overwrite);
  if (!fs::is_directory(input)) {
    fail(ErrorKind::BadFormat,
         "{}: a zip archive is not changed; -o FOLDER.zarr writes a store with what is in it and "
         "the columns",
         input.string());
  }
  // Renames need only the folders' permission.
  for (const char* group : {"", "obs", "obsm", "uns"}) {
    const fs::path folder = input / group;
    const auto why = io::why_read_only(folder);
    if (!why) continue;
    fail(ErrorKind::Output, "{}: cannot be written: {}; use -o FOLDER.zarr", folder.string(), *why);
  }
  annotator.input_ = fs::canonical(input);
  for (const char* group : {"obs", "obsm", "uns"}) require_no_links(input / group);
  if (const auto above = io::consolidated_above(annotator.input_)) {
    fail(ErrorKind::Output,
         "{}: is a part of {}, whose consolidated metadata would no longer fit; -o FOLDER.zarr "
         "writes a copy with the columns",
         input.string(), above->string());
  }
  annotator.output_ = annotator.input_;
  annotator.stamp_ = annotator.stamp();
  const FolderBeside probe(annotator.output_, input);
  return annotator;
}

void ZarrAnnotator::require_free_output() {
  const fs::path whole = place_of_output(output_);
  const fs::path inside = fs::weakly_canonical(input_);
  for (fs::path place = fs::weakly_canonical(whole); !place.empty(); place = place.parent_path()) {
    if (place == inside) {
      fail(ErrorKind::Output, "{}: lies in the input; name another folder", output_.string());
    }
    if (place == place.parent_path()) break;
  }
  std::error_code error;
  if (!fs::exists(fs::symlink_status(output_, error))) return;
  if (!overwrite_) {
    fail(ErrorKind::Output, "{}: exists already; choose another name or add --overwrite",
         output_.string());
  }
  output_ = whole;  // a link is written through, and stays
  if (fs::exists(output_, error) && (!fs::is_directory(output_, error) || !find_root(output_))) {
    fail(ErrorKind::Output, "{}: is no Zarr store; --overwrite replaces only one",
         output_.string());
  }
}

std::vector<std::int64_t> ZarrAnnotator::stamp() const {
  static constexpr std::int64_t kNanoseconds = 1000000000;
  std::vector<fs::path> files = {input_};
  for (const char* group : {"", "obs", "obsm", "uns"}) {
    for (const char* name : {"zarr.json", ".zgroup", ".zattrs", ".zmetadata"}) {
      if (fs::is_directory(input_)) files.push_back(input_ / group / name);
    }
  }
  std::vector<std::int64_t> stamp;
  for (const fs::path& file : files) {
    struct stat status = {};
    const bool is_there = ::stat(file.c_str(), &status) == 0 && !S_ISDIR(status.st_mode);
    stamp.push_back(is_there ? static_cast<std::int64_t>(status.st_ino) : -1);
    stamp.push_back(is_there ? status.st_size : -1);
    stamp.push_back(is_there ? status.st_mtim.tv_sec * kNanoseconds + status.st_mtim.tv_nsec : -1);
  }
  return stamp;
}

void ZarrAnnotator::require_unchanged() const {
  if (stamp() == stamp_) return;
  fail(ErrorKind::Output, "{}: was changed by another program meanwhile; nothing was written",
       given_.string());
}

void ZarrAnnotator::require_free(const Annotations& annotations) const {
  const auto root = find_root(given_);
  SAITHE_ASSERT(root.has_value());
  const std::string index = root->get("obs").text_attribute("_index").value_or("_index");
  for (const auto& [name, column] : annotations.obs) {
    const std::string key = io::as_key(name);
    if (key == index || key == io::kLevelsOfCategories) {
      fail(
          ErrorKind::Output,
          "{}: obs/{} is the index and cannot be replaced; take another name with --key-added NAME",
          root->where(), key);
    }
    if (!overwrite_) require_free_key(*root, "obs/" + key);
  }
  for (const char* name : {"obsm", "uns"}) {
    const auto node = root->child(name);
    if (!node || !node->is_array()) continue;
    fail(ErrorKind::BadFormat, "{}: {} is an array, so that nothing can be added to it",
         root->where(), name);
  }
  if (overwrite_) return;
  for (const auto& [name, matrix] : annotations.obsm) {
    require_free_key(*root, "obsm/" + io::as_key(name));
  }
  for (const auto& [path, value] : annotations.uns) {
    require_free_key(*root, "uns/" + io::uns_entry(path));
  }
}

void ZarrAnnotator::write_copy(const Annotations& annotations, const StaleNames& stale,
                               PendingOutputs& outputs) const {
  const auto folder = std::make_shared<FolderBeside>(output_, output_);
  try {
    find_root(input_).value().store().copy_to(folder->path(), output_.string());
    ZarrTarget store(folder->path(), output_.string());
    add_annotations(store, annotations, stale, column_order(input_));
    store.finish();
  } catch (...) {
    rethrow_naming(output_, folder->path());
  }
  outputs.add({output_,
               [folder, annotator = *this] {
                 annotator.require_unchanged();
                 folder->require_place(annotator.overwrite_);
               },
               [folder, overwrite = overwrite_] { folder->rename_into_place(overwrite); }});
}

void ZarrAnnotator::write_in_place(const Annotations& annotations, const StaleNames& stale,
                                   PendingOutputs& outputs) const {
  struct Change {
    FolderBeside staging;
    ZarrTarget store;
    Change(const fs::path& place, const fs::path& given)
        : staging(place, given), store(place, staging.path(), given.string()) {}
  };
  const auto change = std::make_shared<Change>(input_, given_);
  try {
    add_annotations(change->store, annotations, stale, column_order(input_));
    change->store.stage();
  } catch (...) {
    rethrow_naming(given_, change->staging.path());
  }
  const auto require_unchanged = [annotator = *this] { annotator.require_unchanged(); };
  outputs.add({given_, require_unchanged, [change, require_unchanged, given = given_] {
                 try {
                   change->store.publish(require_unchanged);
                 } catch (...) {
                   if (change->store.is_kept_aside()) change->staging.leave();
                   rethrow_naming(given, change->staging.path());
                 }
               }});
}

std::vector<std::string> ZarrAnnotator::write(const Annotations& annotations) const {
  PendingOutputs outputs;
  std::vector<std::string> removed = write(annotations, outputs);
  outputs.commit();
  return removed;
}

std::vector<std::string> ZarrAnnotator::write(const Annotations& annotations,
                                              PendingOutputs& outputs) const {
  require_unchanged();
  require_free(annotations);
  if (const auto cells = n_cells(input_)) io::require_sizes(annotations, *cells);
  const StaleNames stale = find_stale(input_, annotations);
  if (is_in_place()) {
    write_in_place(annotations, stale, outputs);
  } else {
    write_copy(annotations, stale, outputs);
  }
  return stale.paths();
}

}  // namespace saithe
