#include "saithe/io/hdf5_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "saithe/io/chunk_filters.h"
#include "saithe/io/hdf5_check.h"

namespace saithe::io {
namespace {

[[noreturn]] void fail_damaged(const std::string& where) {
  fail(ErrorKind::BadFormat, "{}: cannot be read: the file is damaged or cut off. Copy it again.",
       where);
}

/// A text type as it is stored, in UTF-8, for reading into memory.
Hdf5Id text_type(hid_t stored_type) {
  Hdf5Id type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type.get(),
              H5Tis_variable_str(stored_type) > 0 ? H5T_VARIABLE : H5Tget_size(stored_type) + 1);
  H5Tset_cset(type.get(), H5Tget_cset(stored_type));
  H5Tset_strpad(type.get(), H5T_STR_NULLTERM);
  return type;
}

/// Reads n texts by calling read(memory type, memory); false if it fails.
template <typename Read>
bool read_texts_with(hid_t stored_type, hid_t space, std::size_t n, std::vector<std::string>& texts,
                     Read read) {
  const Hdf5Id type = text_type(stored_type);
  texts.clear();
  texts.reserve(n);
  if (H5Tis_variable_str(stored_type) > 0) {
    std::vector<char*> pointers(n, nullptr);
    if (n > 0 && read(type.get(), static_cast<void*>(pointers.data())) < 0) return false;
    for (const char* text : pointers) texts.emplace_back(text == nullptr ? "" : text);
    if (n > 0) H5Dvlen_reclaim(type.get(), space, H5P_DEFAULT, pointers.data());
    return true;
  }
  const std::size_t width = H5Tget_size(type.get());
  std::vector<char> bytes(n * width);
  if (n > 0 && read(type.get(), static_cast<void*>(bytes.data())) < 0) return false;
  for (std::size_t i = 0; i < n; ++i) {
    const char* text = bytes.data() + i * width;
    texts.emplace_back(text, strnlen(text, width));
  }
  return true;
}

/// Whether n values of an attribute can be in its file; attributes are not compressed.
bool is_plausible(hid_t attribute, hid_t type, hssize_t n) {
  const Hdf5Id file(H5Iget_file_id(attribute));
  hsize_t file_bytes = 0;
  if (n < 0 || H5Fget_filesize(file.get(), &file_bytes) < 0) return false;
  const auto value_bytes = static_cast<hsize_t>(H5Tget_size(type));
  return value_bytes > 0 && static_cast<hsize_t>(n) <= file_bytes / value_bytes;
}

StoredKind kind_of(hid_t type) {
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      return StoredKind::Integer;
    case H5T_FLOAT:
      return StoredKind::Float;
    case H5T_STRING:
      return StoredKind::Text;
    case H5T_ENUM:
      return H5Tget_nmembers(type) == 2 ? StoredKind::Boolean : StoredKind::Other;
    default:
      return StoredKind::Other;
  }
}

/// Any value but 0, whatever kind of integer or enumeration it is stored as.
bool read_flag_attribute(hid_t object, const std::string& name, const std::string& where) {
  if (H5Aexists(object, name.c_str()) <= 0) return false;
  const Hdf5Id attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT));
  const Hdf5Id type(H5Aget_type(attribute.get()));
  const Hdf5Id space(H5Aget_space(attribute.get()));
  const H5T_class_t kind = H5Tget_class(type.get());
  std::array<unsigned char, sizeof(std::int64_t)> bytes{};
  if ((kind != H5T_ENUM && kind != H5T_INTEGER) || H5Tget_size(type.get()) > bytes.size() ||
      H5Sget_simple_extent_npoints(space.get()) != 1) {
    return false;
  }
  if (H5Aread(attribute.get(), type.get(), bytes.data()) < 0) {
    fail_damaged(where + ", attribute " + name);
  }
  return std::any_of(bytes.begin(), bytes.end(), [](unsigned char byte) { return byte != 0; });
}

}  // namespace

std::vector<std::string> read_text_attribute(hid_t object, const std::string& name,
                                             const std::string& where) {
  if (H5Aexists(object, name.c_str()) <= 0) return {};
  const Hdf5Id attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT));
  const Hdf5Id type(H5Aget_type(attribute.get()));
  const Hdf5Id space(H5Aget_space(attribute.get()));
  if (H5Tget_class(type.get()) != H5T_STRING) return {};
  const hssize_t n = H5Sget_simple_extent_npoints(space.get());
  std::vector<std::string> texts;
  const bool is_read = is_plausible(attribute.get(), type.get(), n) &&
                       read_texts_with(type.get(), space.get(), static_cast<std::size_t>(n), texts,
                                       [&](hid_t memory_type, void* memory) {
                                         return H5Aread(attribute.get(), memory_type, memory);
                                       });
  if (!is_read) fail_damaged(where + ", attribute " + name);
  return texts;
}

void initialise_hdf5() {
  static const bool is_done = [] {
    // Every file is flushed when it is written; at exit the library would touch again, and crash
    // on, a file that a full disk left half-written.
    H5dont_atexit();
    H5open();
    H5PLset_loading_state(0);          // a plug-in is code from somewhere else
    H5Lunregister(H5L_TYPE_EXTERNAL);  // also those that a soft link would lead through
    register_chunk_filters();
    return true;
  }();
  // The C library keeps this setting per thread.
  static thread_local const bool is_silent = [] {
    return H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) >= 0;
  }();
  static_cast<void>(is_done && is_silent);
}

bool is_hdf5_file(const std::filesystem::path& path) {
  static constexpr std::array<char, 8> kSignature = {'\x89', 'H',  'D',    'F',
                                                     '\r',   '\n', '\x1a', '\n'};
  std::ifstream file(path, std::ios::binary);
  // A user block of 512, 1024, ... bytes may stand before the signature.
  for (std::int64_t offset = 0; file; offset = offset == 0 ? 512 : 2 * offset) {
    std::array<char, 8> start{};
    file.seekg(offset);
    file.read(start.data(), start.size());
    if (file && start == kSignature) return true;
  }
  return false;
}

// ---- groups ---------------------------------------------------------------------------------

Hdf5Group Hdf5Group::open_file(const std::filesystem::path& path) {
  const std::string name = path.string();
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    fail(ErrorKind::NotFound, "{}: no such file", name);
  }
  std::ifstream readable(path);
  if (!readable) fail(ErrorKind::NotFound, "{}: cannot be opened: {}", name, std::strerror(errno));
  if (!is_hdf5_file(path)) fail(ErrorKind::BadFormat, "{}: is not an HDF5 file", name);
  require_harmless(path);
  return open_unchecked(path);
}

Hdf5Group Hdf5Group::open_unchecked(const std::filesystem::path& path) {
  initialise_hdf5();
  const std::string name = path.string();
  const Hdf5Id access(H5Pcreate(H5P_FILE_ACCESS));
  H5Pset_file_locking(access.get(), false, true);  // network file systems often cannot lock
  const Hdf5Id file(H5Fopen(name.c_str(), H5F_ACC_RDONLY, access.get()));
  if (!file.is_valid()) {
    fail(ErrorKind::BadFormat,
         "{}: begins like HDF5 but cannot be opened: it is damaged or cut off ({} bytes). Copy it "
         "again.",
         name, std::filesystem::file_size(path));
  }
  Hdf5Id root(H5Gopen2(file.get(), "/", H5P_DEFAULT));
  if (!root.is_valid()) fail_damaged(name);
  return Hdf5Group(std::move(root), name, "/");
}

std::string Hdf5Group::where(const std::string& name) const {
  return where() + (path_ == "/" ? "" : "/") + name;
}

void Hdf5Group::require_local(const std::string& name) const {
  H5L_info_t link;
  if (H5Lget_info(id_.get(), name.c_str(), &link, H5P_DEFAULT) < 0) fail_damaged(where(name));
  if (link.type != H5L_TYPE_HARD && link.type != H5L_TYPE_SOFT) {
    fail(ErrorKind::BadFormat, "{}: is a link to another file, which is not followed", where(name));
  }
}

bool Hdf5Group::has(const std::string& name) const {
  return H5Lexists(id_.get(), name.c_str(), H5P_DEFAULT) > 0;
}

namespace {

H5O_type_t object_type(hid_t group, const std::string& name) {
  H5O_info_t info;
  if (H5Oget_info_by_name2(group, name.c_str(), &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0) {
    return H5O_TYPE_UNKNOWN;
  }
  return info.type;
}

}  // namespace

bool Hdf5Group::has_group(const std::string& name) const {
  if (!has(name)) return false;
  require_local(name);
  return object_type(id_.get(), name) == H5O_TYPE_GROUP;
}

bool Hdf5Group::has_attribute(const std::string& name) const {
  return H5Aexists(id_.get(), name.c_str()) > 0;
}

bool Hdf5Group::has_dataset(const std::string& name) const {
  if (!has(name)) return false;
  require_local(name);
  return object_type(id_.get(), name) == H5O_TYPE_DATASET;
}

std::vector<std::string> Hdf5Group::names() const {
  H5G_info_t info;
  if (H5Gget_info(id_.get(), &info) < 0) fail_damaged(where());
  std::vector<std::string> names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    const ssize_t length =
        H5Lget_name_by_idx(id_.get(), ".", H5_INDEX_NAME, H5_ITER_INC, i, nullptr, 0, H5P_DEFAULT);
    if (length < 0) fail_damaged(where());
    std::string name(static_cast<std::size_t>(length) + 1, '\0');
    H5Lget_name_by_idx(id_.get(), ".", H5_INDEX_NAME, H5_ITER_INC, i, name.data(), name.size(),
                       H5P_DEFAULT);
    name.pop_back();
    names.push_back(std::move(name));
  }
  return names;
}

Hdf5Group Hdf5Group::group(const std::string& name) const {
  if (!has_group(name)) {
    fail(ErrorKind::BadFormat, "{}: expected a group, found {}", where(name),
         has(name) ? "something else" : "nothing");
  }
  Hdf5Id id(H5Gopen2(id_.get(), name.c_str(), H5P_DEFAULT));
  if (!id.is_valid()) fail_damaged(where(name));
  return Hdf5Group(std::move(id), file_name_, (path_ == "/" ? "/" : path_ + "/") + name);
}

Hdf5Dataset Hdf5Group::dataset(const std::string& name) const {
  if (!has_dataset(name)) {
    fail(ErrorKind::BadFormat, "{}: expected a dataset, found {}", where(name),
         has(name) ? "something else" : "nothing");
  }
  Hdf5Id id(H5Dopen2(id_.get(), name.c_str(), H5P_DEFAULT));
  if (!id.is_valid()) fail_damaged(where(name));
  return Hdf5Dataset(std::move(id), where(name));
}

std::optional<std::string> Hdf5Group::text_attribute(const std::string& name) const {
  const auto texts = read_text_attribute(id_.get(), name, where());
  if (texts.empty()) return std::nullopt;
  return texts.front();
}

std::vector<std::string> Hdf5Group::text_list_attribute(const std::string& name) const {
  return read_text_attribute(id_.get(), name, where());
}

std::vector<std::int64_t> Hdf5Group::integer_attribute(const std::string& name) const {
  if (H5Aexists(id_.get(), name.c_str()) <= 0) return {};
  const Hdf5Id attribute(H5Aopen(id_.get(), name.c_str(), H5P_DEFAULT));
  const Hdf5Id type(H5Aget_type(attribute.get()));
  const Hdf5Id space(H5Aget_space(attribute.get()));
  const hssize_t n = H5Sget_simple_extent_npoints(space.get());
  if (n < 0 || n > 32 || H5Tget_class(type.get()) != H5T_INTEGER) return {};
  std::vector<std::int64_t> values(static_cast<std::size_t>(n));
  if (n > 0 && H5Aread(attribute.get(), H5T_NATIVE_INT64, values.data()) < 0) {
    fail_damaged(where() + ", attribute " + name);
  }
  return values;
}

bool Hdf5Group::flag_attribute(const std::string& name) const {
  return read_flag_attribute(id_.get(), name, where());
}

// ---- datasets -------------------------------------------------------------------------------

Hdf5Dataset::Hdf5Dataset(Hdf5Id id, std::string where)
    : id_(std::move(id)), where_(std::move(where)) {
  Hdf5Id type(H5Dget_type(id_.get()));
  const Hdf5Id space(H5Dget_space(id_.get()));
  const Hdf5Id creation(H5Dget_create_plist(id_.get()));
  if (!type.is_valid() || !space.is_valid() || !creation.is_valid()) fail_damaged(where_);
  if (H5Pget_external_count(creation.get()) > 0 || H5Pget_layout(creation.get()) == H5D_VIRTUAL) {
    fail(ErrorKind::BadFormat, "{}: keeps its values in another file, which is not followed",
         where_);
  }
  const std::vector<int> filters = filters_of(creation.get());
  largest_ratio_ = static_cast<std::int64_t>(largest_ratio(filters));
  for (const int filter : filters) {
    if (filter >= 0 && H5Zfilter_avail(filter) > 0) continue;
    fail(
        ErrorKind::BadFormat,
        "{}: is compressed by HDF5 filter {}, which is not read here (gzip, lzf, shuffle, "
        "fletcher32, blosc and zstd are; plug-ins are not loaded). Write the file again with gzip.",
        where_, filter);
  }
  set_type(std::move(type));
  is_null_ = H5Sget_simple_extent_type(space.get()) == H5S_NULL;
  const int n_axes = H5Sget_simple_extent_ndims(space.get());
  if (n_axes < 0) fail_damaged(where_);
  std::vector<hsize_t> shape(static_cast<std::size_t>(n_axes));
  H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr);
  for (const hsize_t length : shape) {
    shape_.push_back(checked_cast<std::int64_t>(length, where_.c_str()));
  }
  if (is_null_) shape_ = {0};
  // What a damaged index of chunks claims cannot be more than the file.
  const Hdf5Id file(H5Iget_file_id(id_.get()));
  hsize_t file_bytes = 0;
  if (H5Fget_filesize(file.get(), &file_bytes) < 0) fail_damaged(where_);
  stored_bytes_ = static_cast<std::int64_t>(std::min(H5Dget_storage_size(id_.get()), file_bytes));
}

void Hdf5Dataset::set_type(Hdf5Id type) {
  type_ = std::move(type);
  kind_ = kind_of(type_.get());
  value_bytes_ = H5Tget_size(type_.get());
}

std::vector<std::string> Hdf5Dataset::field_names() const {
  std::vector<std::string> names;
  if (H5Tget_class(type_.get()) != H5T_COMPOUND) return names;
  const int n_fields = H5Tget_nmembers(type_.get());
  for (int i = 0; i < n_fields; ++i) {
    char* name = H5Tget_member_name(type_.get(), static_cast<unsigned>(i));
    if (name == nullptr) fail_damaged(where_);
    names.emplace_back(name);
    H5free_memory(name);
  }
  return names;
}

Hdf5Dataset Hdf5Dataset::field(const std::string& name) const {
  const int index = H5Tget_member_index(type_.get(), name.c_str());
  if (index < 0) fail(ErrorKind::BadFormat, "{}: has no field '{}'", where_, name);
  H5Iinc_ref(id_.get());
  Hdf5Dataset field(Hdf5Id(id_.get()), where_ + "/" + name);
  field.field_ = name;
  field.set_type(Hdf5Id(H5Tget_member_type(type_.get(), static_cast<unsigned>(index))));
  return field;
}

std::optional<Hdf5Dataset> Hdf5Dataset::referred_dataset(const std::string& name) const {
  if (H5Aexists(id_.get(), name.c_str()) <= 0) return std::nullopt;
  const Hdf5Id attribute(H5Aopen(id_.get(), name.c_str(), H5P_DEFAULT));
  const Hdf5Id type(H5Aget_type(attribute.get()));
  const Hdf5Id space(H5Aget_space(attribute.get()));
  if (H5Tequal(type.get(), H5T_STD_REF_OBJ) <= 0) return std::nullopt;
  if (H5Sget_simple_extent_npoints(space.get()) != 1) return std::nullopt;
  hobj_ref_t reference = 0;
  const std::string where = where_ + ", attribute " + name;
  if (H5Aread(attribute.get(), H5T_STD_REF_OBJ, &reference) < 0) fail_damaged(where);
  Hdf5Id object(H5Rdereference2(id_.get(), H5P_DEFAULT, H5R_OBJECT, &reference));
  if (!object.is_valid() || H5Iget_type(object.get()) != H5I_DATASET) {
    fail(ErrorKind::BadFormat,
         "{}: refers to an object that is not in the file, as after copying a part of a file",
         where);
  }
  return Hdf5Dataset(std::move(object), where);
}

std::int64_t Hdf5Dataset::size() const {
  std::int64_t n = 1;
  for (const std::int64_t length : shape_) n = checked_multiply(n, length, where_.c_str());
  return n;
}

bool Hdf5Dataset::flag_attribute(const std::string& name) const {
  return read_flag_attribute(id_.get(), name, where_);
}

std::optional<std::string> Hdf5Dataset::text_attribute(const std::string& name) const {
  const auto texts = read_text_attribute(id_.get(), name, where_);
  if (texts.empty()) return std::nullopt;
  return texts.front();
}

void Hdf5Dataset::require_plausible(std::int64_t n_values, std::int64_t fill_bytes) const {
  const auto bytes =
      checked_multiply(n_values, static_cast<std::int64_t>(value_bytes_), where_.c_str());
  if (bytes > fill_bytes && bytes / largest_ratio_ > stored_bytes()) {
    fail(ErrorKind::BadFormat,
         "{}: claims {} values, but the file holds {} bytes for them; it is damaged or not what it "
         "says it is",
         where_, n_values, stored_bytes());
  }
}

herr_t Hdf5Dataset::read_all(hid_t memory_type, void* values) const {
  if (field_.empty()) {
    return H5Dread(id_.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  }
  const Hdf5Id record(H5Tcreate(H5T_COMPOUND, H5Tget_size(memory_type)));
  H5Tinsert(record.get(), field_.c_str(), 0, memory_type);
  return H5Dread(id_.get(), record.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
}

void Hdf5Dataset::read(hid_t memory_type, void* values) const {
  if (size() > 0 && read_all(memory_type, values) < 0) fail_damaged(where_);
}

std::vector<std::int64_t> Hdf5Dataset::read_integers() const {
  if (kind_ != StoredKind::Integer && kind_ != StoredKind::Boolean) {
    fail(ErrorKind::BadFormat, "{}: expected whole numbers, found another kind of values", where_);
  }
  require_plausible(size());
  std::vector<std::int64_t> values(as_size(size()));
  if (kind_ == StoredKind::Integer) {
    read(H5T_NATIVE_INT64, values.data());
    return values;
  }
  // A boolean is an enumeration of two: read its base, one byte.
  if (value_bytes_ != 1)
    fail(ErrorKind::BadFormat, "{}: has booleans of {} bytes", where_, value_bytes_);
  std::vector<std::int8_t> bytes(values.size());
  read(type_.get(), bytes.data());
  std::copy(bytes.begin(), bytes.end(), values.begin());
  return values;
}

std::vector<double> Hdf5Dataset::read_numbers() const {
  if (kind_ == StoredKind::Boolean) {
    const auto integers = read_integers();
    return {integers.begin(), integers.end()};
  }
  if (kind_ != StoredKind::Integer && kind_ != StoredKind::Float) {
    fail(ErrorKind::BadFormat, "{}: expected numbers, found another kind of values", where_);
  }
  require_plausible(size());
  std::vector<double> values(as_size(size()));
  read(H5T_NATIVE_DOUBLE, values.data());
  return values;
}

std::vector<std::string> Hdf5Dataset::read_texts() const {
  if (kind_ != StoredKind::Text) {
    fail(ErrorKind::BadFormat, "{}: expected texts, found another kind of values", where_);
  }
  require_plausible(size());
  const Hdf5Id space(H5Dget_space(id_.get()));
  std::vector<std::string> texts;
  const bool is_read = read_texts_with(
      type_.get(), space.get(), as_size(size()), texts,
      [&](hid_t memory_type, void* memory) { return read_all(memory_type, memory); });
  if (!is_read) fail_damaged(where_);
  return texts;
}

void Hdf5Dataset::read_rows(std::int64_t begin, std::int64_t end, float* values) const {
  SAITHE_ASSERT(shape_.size() == 2 && 0 <= begin && begin <= end && end <= shape_[0]);
  if (kind_ != StoredKind::Integer && kind_ != StoredKind::Float) {
    fail(ErrorKind::BadFormat, "{}: expected numbers, found another kind of values", where_);
  }
  if (begin == end || shape_[1] == 0) return;
  const std::array<hsize_t, 2> start = {static_cast<hsize_t>(begin), 0};
  const std::array<hsize_t, 2> count = {static_cast<hsize_t>(end - begin),
                                        static_cast<hsize_t>(shape_[1])};
  const Hdf5Id file_space(H5Dget_space(id_.get()));
  H5Sselect_hyperslab(file_space.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(),
                      nullptr);
  const Hdf5Id memory_space(H5Screate_simple(2, count.data(), nullptr));
  if (H5Dread(id_.get(), H5T_NATIVE_FLOAT, memory_space.get(), file_space.get(), H5P_DEFAULT,
              values) < 0) {
    fail_damaged(where_);
  }
}

}  // namespace saithe::io
