#include "saithe/io/annotate_h5ad.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <set>
#include <sstream>

#include "saithe/core/pending_outputs.h"
#include "saithe/core/text_io.h"
#include "saithe/io/copy_file.h"
#include "saithe/io/earlier_run.h"
#include "saithe/io/file_lock.h"
#include "saithe/io/formats.h"
#include "saithe/io/hdf5_check.h"
#include "saithe/io/hdf5_writer.h"

namespace saithe {

using io::Hdf5Group;
using io::Hdf5Id;
using io::Hdf5Target;

namespace {

namespace fs = std::filesystem;

constexpr const char* kDefaultIndex = "_index";

// ---- obs --------------------------------------------------------------------------------------

void copy_attribute(const Hdf5Target& from, const Hdf5Target& to, const std::string& name) {
  const Hdf5Id attribute(H5Aopen(from.id(), name.c_str(), H5P_DEFAULT));
  const Hdf5Id type(H5Aget_type(attribute.get()));
  const Hdf5Id space(H5Aget_space(attribute.get()));
  const hssize_t n = H5Sget_simple_extent_npoints(space.get());
  if (n < 0 || H5Tget_size(type.get()) == 0) to.fail_writing();
  std::vector<unsigned char> bytes(as_size(n) * H5Tget_size(type.get()));
  const Hdf5Id copy(
      H5Acreate2(to.id(), name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT));
  if (!copy.is_valid()) to.fail_writing();
  if (bytes.empty()) return;
  if (H5Aread(attribute.get(), type.get(), bytes.data()) < 0 ||
      H5Awrite(copy.get(), type.get(), bytes.data()) < 0) {
    to.fail_writing();
  }
  H5Dvlen_reclaim(type.get(), space.get(), H5P_DEFAULT, bytes.data());
}

std::vector<std::string> attribute_names(const Hdf5Target& group) {
  std::vector<std::string> names;
  const auto collect = [](hid_t, const char* name, const H5A_info_t*, void* all) -> herr_t {
    static_cast<std::vector<std::string>*>(all)->emplace_back(name);
    return 0;
  };
  H5Aiterate2(group.id(), H5_INDEX_NAME, H5_ITER_INC, nullptr, collect, &names);
  return names;
}

/// The names in a group, sorted.
std::vector<std::string> names_in(const Hdf5Target& group) {
  std::vector<std::string> names;
  const auto collect = [](hid_t, const char* name, const H5L_info_t*, void* all) -> herr_t {
    static_cast<std::vector<std::string>*>(all)->emplace_back(name);
    return 0;
  };
  if (H5Literate(group.id(), H5_INDEX_NAME, H5_ITER_INC, nullptr, collect, &names) < 0) {
    fail(ErrorKind::BadFormat, "{}: cannot be read: the file is damaged or cut off",
         group.file_name());
  }
  return names;
}

/// Whether an object can hold an attribute of more than 64 KiB.
bool is_roomy(const Hdf5Target& group) {
  H5O_info_t info;
  return H5Oget_info2(group.id(), &info, H5O_INFO_HDR) >= 0 && info.hdr.version > 1;
}

/// The names of very many columns do not fit the header of a group of the old kind: obs becomes a
/// new group, into which its columns are moved as they are.
void make_obs_roomy(const Hdf5Target& root) {
  static constexpr const char* kNewName = ".saithe-obs";
  {
    const Hdf5Target old = root.group("obs");
    const Hdf5Id list = io::roomy_group_list();
    const Hdf5Id made(H5Gcreate2(root.id(), kNewName, H5P_DEFAULT, list.get(), H5P_DEFAULT));
    if (!made.is_valid()) root.fail_writing();
    const Hdf5Target roomy = root.group(kNewName);
    for (const std::string& name : attribute_names(old)) {
      if (name != "column-order") copy_attribute(old, roomy, name);
    }
    for (const std::string& name : names_in(old)) {
      if (H5Lmove(old.id(), name.c_str(), roomy.id(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT) < 0) {
        root.fail_writing();
      }
    }
  }
  root.remove("obs");
  if (H5Lmove(root.id(), kNewName, root.id(), "obs", H5P_DEFAULT, H5P_DEFAULT) < 0) {
    root.fail_writing();
  }
}

/// The columns of obs in their order; without a list of them, as they are read.
std::vector<std::string> column_order(const Hdf5Target& obs) {
  if (H5Aexists(obs.id(), "column-order") > 0) return obs.text_list_attribute("column-order");
  std::string index = obs.text_attribute("_index");
  if (index.empty()) index = kDefaultIndex;
  std::vector<std::string> names = names_in(obs);
  std::erase_if(names, [&](const std::string& name) {
    return name == index || name == io::kLevelsOfCategories;
  });
  return names;
}

/// The colours of the types of a column that is about to be replaced fit no more.
void drop_colors(const Hdf5Target& root, const std::string& key) {
  if (!root.has("uns")) return;
  const Hdf5Target uns = root.group("uns");
  if (uns.has(key + "_colors")) uns.remove(key + "_colors");
}

void drop_column(const Hdf5Target& root, const Hdf5Target& obs, const std::string& key) {
  if (!obs.has(key)) return;
  obs.remove(key);
  drop_colors(root, key);
  if (!obs.has(io::kLevelsOfCategories)) return;
  const Hdf5Target levels = obs.group(io::kLevelsOfCategories);
  if (levels.has(key)) levels.remove(key);
}

void add_columns(const Hdf5Target& root,
                 const std::vector<std::pair<std::string, ResultColumn>>& columns,
                 const std::vector<std::string>& stale) {
  std::vector<std::string> order = column_order(root.group("obs"));
  for (const std::string& name : stale) {
    drop_column(root, root.group("obs"), name);
    std::erase(order, name);
  }
  std::set<std::string> known(order.begin(), order.end());
  for (const auto& [name, column] : columns) {
    if (known.insert(io::as_key(name)).second) order.push_back(io::as_key(name));
  }
  if (order.size() > io::kMostPlainNames && !is_roomy(root.group("obs"))) make_obs_roomy(root);
  Hdf5Target obs = root.group("obs");
  // A frame of AnnData 0.7 stays one, also where the file around it is newer.
  const std::string version = obs.text_attribute("encoding-version");
  obs.set_names_encodings(version.empty() ? root.names_encodings() : version != "0.1.0");
  for (const auto& [name, column] : columns) {
    const std::string key = io::as_key(name);
    drop_column(root, obs, key);
    obs.write_result(key, column);
  }
  obs.set_attribute("column-order", order);
}

Hdf5Target group_or_new(const Hdf5Target& root, const std::string& name) {
  return root.has(name) ? root.group(name) : root.create_group(name, "dict");
}

// ---- the file ---------------------------------------------------------------------------------

/// Whether "uns/saithe/types" is there, itself: not behind a link.
bool has_path(const Hdf5Group& root, const std::string& path) {
  const std::size_t slash = path.find('/');
  if (slash == std::string::npos) return root.has(path);
  const std::string first = path.substr(0, slash);
  return !root.is_link(first) && root.has_group(first) &&
         has_path(root.group(first), path.substr(slash + 1));
}

bool is_dict(const Hdf5Group& parent, const std::string& name) {
  return !parent.is_link(name) && parent.has_group(name) &&
         io::is_dict_encoding(parent.group(name).text_attribute("encoding-type").value_or(""));
}

bool is_dict(const Hdf5Target& parent, const std::string& name) {
  H5L_info_t link;
  if (H5Lget_info(parent.id(), name.c_str(), &link, H5P_DEFAULT) < 0) return false;
  if (link.type != H5L_TYPE_HARD) return false;  // what it names is another's
  const Hdf5Id object(H5Oopen(parent.id(), name.c_str(), H5P_DEFAULT));
  return object.is_valid() && H5Iget_type(object.get()) == H5I_GROUP &&
         io::is_dict_encoding(parent.group(name).text_attribute("encoding-type"));
}

/// What is added to a group goes where a link leads: into another's group.
void require_no_link(const Hdf5Group& parent, const std::string& name) {
  if (!parent.is_link(name)) return;
  fail(ErrorKind::Output,
       "{}: is a link; what it names would be changed, too. saithe convert writes a new file with "
       "what is read",
       parent.where(name));
}

/// "uns/saithe/types" is not free either where "uns/saithe" is somebody's array.
void require_free_key(const Hdf5Group& root, const std::string& path) {
  const std::string dict = path.substr(0, path.rfind('/'));
  const std::size_t slash = dict.find('/');
  const bool is_blocked = slash != std::string::npos && has_path(root, dict) &&
                          !is_dict(root.group(dict.substr(0, slash)), dict.substr(slash + 1));
  if (!is_blocked && !has_path(root, path)) return;
  fail(ErrorKind::Output,
       "{}: has {} already; add --overwrite to replace it, or --key-added NAME for another name",
       root.file_name(), is_blocked ? dict : path);
}

void drop_matrix(const Hdf5Target& root, const std::string& key) {
  if (!root.has("obsm")) return;
  const Hdf5Target obsm = root.group("obsm");
  if (obsm.has(key)) obsm.remove(key);
}

/// Removes an entry of uns, if it is there, and what is no dict in the place of its dict.
void drop_entry(const Hdf5Target& uns, const std::string& entry) {
  const std::size_t slash = entry.find('/');
  const std::string first = entry.substr(0, slash);
  if (!uns.has(first)) return;
  if (slash == std::string::npos || !is_dict(uns, first)) return uns.remove(first);
  const Hdf5Target dict = uns.group(first);
  if (dict.has(entry.substr(slash + 1))) dict.remove(entry.substr(slash + 1));
}

/// "uns/saithe/added" as a list of texts.
std::vector<std::string> read_list(const Hdf5Group& root, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  Hdf5Group dict = root;
  std::stringstream names(path.substr(0, slash));
  for (std::string name; std::getline(names, name, '/');) dict = dict.group(name);
  const std::string key = path.substr(slash + 1);
  if (dict.is_link(key) || !dict.has_dataset(key)) return {};
  const io::Hdf5Dataset list = dict.dataset(key);
  const bool is_list =
      !list.is_null() && list.kind() == io::StoredKind::Text && list.shape().size() == 1;
  return is_list ? list.read_texts() : std::vector<std::string>();
}

}  // namespace

void io::add_annotations(const Hdf5Target& root, const Annotations& annotations,
                         const StaleNames& stale) {
  if (!annotations.obs.empty()) add_columns(root, annotations.obs, stale.obs);
  for (const std::string& name : stale.obsm) drop_matrix(root, name);
  if (!annotations.obsm.empty()) {
    const Hdf5Target obsm = group_or_new(root, "obsm");
    for (const auto& [name, matrix] : annotations.obsm) {
      if (obsm.has(as_key(name))) obsm.remove(as_key(name));
      obsm.write_matrix(as_key(name), matrix);
    }
  }
  if (annotations.uns.empty()) return;
  const Hdf5Target uns = group_or_new(root, "uns");
  for (const auto& [path, value] : annotations.uns) drop_entry(uns, io::uns_entry(path));
  for (const std::string& entry : stale.uns) drop_entry(uns, entry);
  for (const auto& [path, value] : annotations.uns) uns.write_uns(path, value, false);
}

bool io::is_dict_encoding(const std::string& encoding) {
  return encoding.empty() || encoding == "dict";
}

std::string io::uns_entry(const std::string& path) {
  const std::size_t first = path.find('/');
  return first == std::string::npos ? path : path.substr(0, path.find('/', first + 1));
}

void io::require_sizes(const Annotations& annotations, CellIndex n_cells) {
  for (const auto& [name, column] : annotations.obs) {
    SAITHE_ASSERT(column.n_rows() == n_cells);
  }
  for (const auto& [name, matrix] : annotations.obsm) SAITHE_ASSERT(matrix.n_rows() == n_cells);
}

bool takes_annotations(const fs::path& path) {
  return is_h5ad(path) && Hdf5Group::open_file(path).has_group("obs");
}

H5adAnnotator::H5adAnnotator(fs::path input, fs::path output, bool is_in_place, bool overwrite)
    : input_(std::move(input)),
      output_(std::move(output)),
      is_in_place_(is_in_place),
      overwrite_(overwrite),
      stamp_(stamp()),
      lock_(is_in_place ? std::make_shared<const io::FileLock>(input_) : nullptr) {
  std::error_code error;
  if (!is_in_place_ && fs::equivalent(input_, output_, error)) {
    fail(ErrorKind::Output,
         "{}: is the input itself; name another file, or add to it with --in-place",
         output_.string());
  }
  if (!takes_annotations(input_)) {
    fail(ErrorKind::BadFormat,
         "{}: columns are added to h5ad files of AnnData 0.7 or later; -o FILE.h5ad writes a new "
         "file with what is read of others",
         input_.string());
  }
  const OutputFile probe(output_, is_in_place_ || overwrite_);
}

H5adAnnotator::H5adAnnotator(fs::path input, fs::path output, bool overwrite)
    : H5adAnnotator(std::move(input), std::move(output), false, overwrite) {}

H5adAnnotator H5adAnnotator::in_place(fs::path input, bool overwrite) {
  // The folder alone decides whether a file can be replaced.
  if (const auto why = io::why_read_only(input)) {
    fail(ErrorKind::Output, "{}: cannot be written: {}; use -o FILE.h5ad", input.string(), *why);
  }
  fs::path output = input;
  return {std::move(input), std::move(output), true, overwrite};
}

H5adAnnotator::Stamp H5adAnnotator::stamp() const {
  static constexpr std::int64_t kNanoseconds = 1000000000;
  struct stat status = {};
  if (stat(input_.c_str(), &status) != 0) {
    fail(ErrorKind::NotFound, "{}: cannot be opened: {}", input_.string(), std::strerror(errno));
  }
  return {status.st_dev, status.st_ino, status.st_size,
          status.st_mtim.tv_sec * kNanoseconds + status.st_mtim.tv_nsec};
}

void H5adAnnotator::require_unchanged() const {
  if (stamp() == stamp_) return;
  fail(ErrorKind::Output, "{}: was changed by another program meanwhile; nothing was written",
       input_.string());
}

void H5adAnnotator::require_free(const Annotations& annotations) const {
  const Hdf5Group root = Hdf5Group::open_file(input_);
  for (const char* name : {"obs", "obsm", "uns"}) require_no_link(root, name);
  const Hdf5Group obs = root.group("obs");
  require_no_link(obs, io::kLevelsOfCategories);
  const std::string index = obs.text_attribute("_index").value_or(kDefaultIndex);
  for (const auto& [name, column] : annotations.obs) {
    const std::string key = io::as_key(name);
    if (key == index || key == io::kLevelsOfCategories) {
      fail(
          ErrorKind::Output,
          "{}: obs/{} is the index and cannot be replaced; take another name with --key-added NAME",
          root.file_name(), key);
    }
    if (!overwrite_) require_free_key(root, "obs/" + key);
  }
  for (const char* name : {"obsm", "uns"}) {
    if (!root.has_dataset(name)) continue;
    fail(ErrorKind::BadFormat, "{}: {} is an array, so that nothing can be added to it",
         root.file_name(), name);
  }
  if (overwrite_) return;
  for (const auto& [name, matrix] : annotations.obsm) {
    require_free_key(root, "obsm/" + io::as_key(name));
  }
  for (const auto& [path, value] : annotations.uns)
    require_free_key(root, "uns/" + io::uns_entry(path));
}

std::vector<std::string> H5adAnnotator::write(const Annotations& annotations) const {
  PendingOutputs outputs;
  std::vector<std::string> removed = write(annotations, outputs);
  outputs.commit();
  return removed;
}

std::vector<std::string> H5adAnnotator::write(const Annotations& annotations,
                                              PendingOutputs& outputs) const {
  require_unchanged();
  require_free(annotations);
  io::StaleNames stale;
  {
    const Hdf5Group root = Hdf5Group::open_file(input_);
    const Hdf5Group obs = root.group("obs");
    const std::string index = obs.text_attribute("_index").value_or(kDefaultIndex);
    if (obs.has_dataset(index)) io::require_sizes(annotations, obs.dataset(index).size());
    stale = io::stale_names(
        annotations, {[&](const std::string& path) { return has_path(root, path); },
                      [&](const std::string& path) { return read_list(root, path); }, index});
  }
  OutputFile output(output_, is_in_place_ || overwrite_);
  io::copy_file_bytes(input_, output.temporary_path(), output_.string());
  io::change_in_child(output.temporary_path(), output_.string(), [&] {
    const Hdf5Target root = Hdf5Target::open_file(output.temporary_path(), output_.string());
    io::add_annotations(root, annotations, stale);
    root.flush();
  });
  if (is_in_place_) io::copy_permissions(input_, output.temporary_path(), output_.string());
  // A copy of this, which holds the lock until then.
  outputs.add(std::move(output), [annotator = *this] { annotator.require_unchanged(); });
  return stale.paths();
}

}  // namespace saithe
