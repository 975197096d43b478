#include "saithe/io/library_file.h"

#include <algorithm>
#include <bit>

#include "saithe/io/chunk_filters.h"
#include "saithe/io/hdf5_types.h"
#include "saithe/io/heap_texts.h"

namespace saithe::io {
namespace {

/// Finds in HDF5's stack of errors that a writer has not closed the file.
herr_t find_open_for_write(unsigned, const H5E_error2_t* entry, void* is_found) {
  const std::string_view text = entry->desc == nullptr ? "" : entry->desc;
  if (text.find("already open for write") != std::string_view::npos) {
    *static_cast<bool*>(is_found) = true;
  }
  return 0;
}

}  // namespace

// ---- groups ---------------------------------------------------------------------------------

LibraryGroup LibraryGroup::open_file(const std::filesystem::path& path) {
  initialise_hdf5();
  const std::string name = path.string();
  const Hdf5Id access(H5Pcreate(H5P_FILE_ACCESS));
  H5Pset_file_locking(access.get(), false, true);  // network file systems often cannot lock
  const Hdf5Id file(H5Fopen(name.c_str(), H5F_ACC_RDONLY, access.get()));
  if (!file.is_valid()) {
    bool is_open_for_write = false;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, find_open_for_write, &is_open_for_write);
    if (is_open_for_write) {
      fail(ErrorKind::BadFormat,
           "{}: is marked as open for writing: another program writes it now, or was killed while "
           "it did. If none does, take the mark off a copy of it: h5clear -s FILE.",
           name);
    }
    if (has_met_newer_hdf5()) fail_damaged(name);
    std::error_code error;  // the file may be gone
    const std::uintmax_t bytes = std::filesystem::file_size(path, error);
    fail(ErrorKind::BadFormat,
         "{}: begins like HDF5 but cannot be opened: it is damaged or cut off ({} bytes). Copy it "
         "again.",
         name, error ? 0 : bytes);
  }
  Hdf5Id root(H5Gopen2(file.get(), "/", H5P_DEFAULT));
  if (!root.is_valid()) fail_damaged(name);
  return LibraryGroup(std::move(root), name, "/");
}

std::string LibraryGroup::where(const std::string& name) const {
  return where() + (path_ == "/" ? "" : "/") + name;
}

bool LibraryGroup::has(const std::string& name) const {
  return H5Lexists(id_.get(), name.c_str(), H5P_DEFAULT) > 0;
}

LinkKind LibraryGroup::link_of(const std::string& name) const {
  H5L_info_t link;
  if (H5Lget_info(id_.get(), name.c_str(), &link, H5P_DEFAULT) < 0) fail_damaged(where(name));
  if (link.type == H5L_TYPE_HARD) return LinkKind::Hard;
  return link.type == H5L_TYPE_SOFT ? LinkKind::Soft : LinkKind::Elsewhere;
}

MemberKind LibraryGroup::kind_of(const std::string& name) const {
  if (!has(name)) return MemberKind::Nothing;
  if (link_of(name) == LinkKind::Elsewhere) {
    fail(ErrorKind::BadFormat, "{}: is a link to another file, which is not followed", where(name));
  }
  H5O_info_t info;
  if (H5Oget_info_by_name2(id_.get(), name.c_str(), &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0) {
    return MemberKind::Other;
  }
  if (info.type == H5O_TYPE_GROUP) return MemberKind::Group;
  return info.type == H5O_TYPE_DATASET ? MemberKind::Dataset : MemberKind::Other;
}

std::vector<std::string> LibraryGroup::attribute_names() const {
  return read_attribute_names(id_.get());
}

std::vector<std::string> LibraryGroup::names() const {
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

LibraryGroup LibraryGroup::group(const std::string& name) const {
  const MemberKind kind = kind_of(name);
  if (kind != MemberKind::Group) {
    fail(ErrorKind::BadFormat, "{}: expected a group, found {}", where(name),
         kind == MemberKind::Nothing ? "nothing" : "something else");
  }
  Hdf5Id id(H5Gopen2(id_.get(), name.c_str(), H5P_DEFAULT));
  if (!id.is_valid()) fail_damaged(where(name));
  return LibraryGroup(std::move(id), file_name_, (path_ == "/" ? "/" : path_ + "/") + name);
}

namespace {

/// A dataset that keeps `n_bytes` of the chunks read last; as many stay open, not HDF5's megabyte.
Hdf5Id open_dataset(hid_t group, const std::string& name, std::size_t n_bytes) {
  static constexpr std::size_t kSlots = 7;
  const Hdf5Id access(H5Pcreate(H5P_DATASET_ACCESS));
  H5Pset_chunk_cache(access.get(), n_bytes == 0 ? 0 : kSlots, n_bytes, H5D_CHUNK_CACHE_W0_DEFAULT);
  return Hdf5Id(H5Dopen2(group, name.c_str(), access.get()));
}

/// Bytes of a chunk of texts or records that is read in pieces, unless it is huge; otherwise 0.
std::size_t bytes_of_long_chunk(hid_t dataset) {
  constexpr hsize_t kMany = hsize_t{1} << 16;
  constexpr std::size_t kLongBytes = std::size_t{1} << 22;
  constexpr std::size_t kMostBytes = std::size_t{1} << 28;
  const Hdf5Id type(H5Dget_type(dataset));
  const Hdf5Id creation(H5Dget_create_plist(dataset));
  const H5T_class_t kind = H5Tget_class(type.get());
  hsize_t n = 0;
  const bool is_read_in_pieces = (kind == H5T_STRING || kind == H5T_COMPOUND) &&
                                 H5Pget_layout(creation.get()) == H5D_CHUNKED &&
                                 H5Pget_chunk(creation.get(), 1, &n) == 1;
  const std::size_t bytes = is_read_in_pieces ? H5Tget_size(type.get()) : 0;
  if (bytes == 0 || n > kMostBytes / bytes) return 0;
  return n > kMany || n * bytes > kLongBytes ? static_cast<std::size_t>(n) * bytes : 0;
}

}  // namespace

LibraryDataset LibraryGroup::dataset(const std::string& name) const {
  const MemberKind kind = kind_of(name);
  if (kind != MemberKind::Dataset) {
    fail(ErrorKind::BadFormat, "{}: expected a dataset, found {}", where(name),
         kind == MemberKind::Nothing ? "nothing" : "something else");
  }
  Hdf5Id id = open_dataset(id_.get(), name, 0);
  if (const std::size_t n_bytes = id.is_valid() ? bytes_of_long_chunk(id.get()) : 0; n_bytes > 0) {
    id = Hdf5Id();  // what is open already keeps its cache
    id = open_dataset(id_.get(), name, n_bytes);
  }
  if (!id.is_valid()) fail_damaged(where(name));
  return {std::move(id), where(name)};
}

// ---- datasets -------------------------------------------------------------------------------

LibraryDataset::LibraryDataset(Hdf5Id id, std::string name) : id_(std::move(id)) {
  description_.where = std::move(name);
  Hdf5Id type(H5Dget_type(id_.get()));
  const Hdf5Id space(H5Dget_space(id_.get()));
  const Hdf5Id creation(H5Dget_create_plist(id_.get()));
  if (!type.is_valid() || !space.is_valid() || !creation.is_valid()) fail_damaged(where());
  if (H5Pget_external_count(creation.get()) > 0 || H5Pget_layout(creation.get()) == H5D_VIRTUAL) {
    fail(ErrorKind::BadFormat,
         "{}: keeps its values in another file or dataset, which is not followed. Write the file "
         "again with AnnData.",
         where());
  }
  description_.filters = read_filters(creation.get());
  description_.largest_ratio = static_cast<std::int64_t>(largest_ratio(description_.filters));
  for (const int filter : description_.filters) {
    if (filter >= 0 && H5Zfilter_avail(filter) > 0) continue;
    fail(
        ErrorKind::BadFormat,
        "{}: is compressed by HDF5 filter {}, which is not read here (gzip, lzf, shuffle, "
        "fletcher32, blosc and zstd are; plug-ins are not loaded). Write the file again with gzip.",
        where(), filter);
  }
  set_type(std::move(type));
  description_.is_null = H5Sget_simple_extent_type(space.get()) == H5S_NULL;
  const int n_axes = H5Sget_simple_extent_ndims(space.get());
  if (n_axes < 0) fail_damaged(where());
  std::vector<hsize_t> shape(static_cast<std::size_t>(n_axes));
  H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr);
  for (const hsize_t length : shape) {
    description_.shape.push_back(checked_cast<std::int64_t>(length, where().c_str()));
  }
  if (description_.is_null) description_.shape = {0};
  if (H5Pget_layout(creation.get()) == H5D_CHUNKED) describe_chunks(creation.get());
  if (H5Pget_layout(creation.get()) == H5D_CONTIGUOUS) describe_place();
  // What a damaged index of chunks claims cannot be more than the file.
  const Hdf5Id file(H5Iget_file_id(id_.get()));
  hsize_t file_bytes = 0;
  if (H5Fget_filesize(file.get(), &file_bytes) < 0) fail_damaged(where());
  description_.stored_bytes =
      static_cast<std::int64_t>(std::min(H5Dget_storage_size(id_.get()), file_bytes));
}

void LibraryDataset::describe_chunks(hid_t creation) {
  const std::size_t n_axes = description_.shape.size();
  std::vector<hsize_t> chunk(n_axes);
  if (n_axes == 0 || H5Pget_chunk(creation, static_cast<int>(n_axes), chunk.data()) < 0) return;
  for (const hsize_t length : chunk) {
    description_.chunk_shape.push_back(checked_cast<std::int64_t>(length, where().c_str()));
  }
  unsigned options = 0;
  keeps_edges_raw_ = H5Pget_chunk_opts(creation, &options) >= 0 &&
                     (options & H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS) != 0;
  if (description_.layout.value_bytes == 0) return;
  std::vector<unsigned char>& fill_value = description_.fill_value;
  fill_value.resize(description_.value_bytes);
  if (H5Pget_fill_value(creation, type_.get(), fill_value.data()) < 0) fill_value.clear();
}

void LibraryDataset::describe_place() {
  const haddr_t first = H5Dget_offset(id_.get());  // none of what was never written
  const std::int64_t n_bytes = checked_multiply(
      description_.size(), static_cast<std::int64_t>(description_.value_bytes), where().c_str());
  const bool is_whole = H5Dget_storage_size(id_.get()) >= static_cast<hsize_t>(n_bytes);
  if (first == HADDR_UNDEF || description_.layout.value_bytes == 0 || !is_whole) return;
  description_.first_byte = checked_cast<std::int64_t>(first, where().c_str());
}

void LibraryDataset::set_type(Hdf5Id type) {
  type_ = std::move(type);
  description_.kind = kind_of_type(type_.get());
  description_.value_bytes = H5Tget_size(type_.get());
  description_.layout = layout_of(type_.get());
  description_.has_any_length = H5Tis_variable_str(type_.get()) > 0;
  description_.field_names.clear();
  if (H5Tget_class(type_.get()) != H5T_COMPOUND) return;
  const int n_fields = H5Tget_nmembers(type_.get());
  for (int i = 0; i < n_fields; ++i) {
    char* name = H5Tget_member_name(type_.get(), static_cast<unsigned>(i));
    if (name == nullptr) fail_damaged(where());
    description_.field_names.emplace_back(name);
    H5free_memory(name);
  }
}

std::vector<std::string> LibraryDataset::attribute_names() const {
  return read_attribute_names(id_.get());
}

LibraryDataset LibraryDataset::field(const std::string& name) const {
  const int index = H5Tget_member_index(type_.get(), name.c_str());
  if (index < 0) fail(ErrorKind::BadFormat, "{}: has no field '{}'", where(), name);
  H5Iinc_ref(id_.get());
  LibraryDataset field(Hdf5Id(id_.get()), where() + "/" + name);
  field.field_ = name;
  field.description_.first_byte = -1;  // these are of records
  field.description_.chunk_shape.clear();
  field.description_.fill_value.clear();
  field.set_type(Hdf5Id(H5Tget_member_type(type_.get(), static_cast<unsigned>(index))));
  return field;
}

std::optional<LibraryDataset> LibraryDataset::referred_dataset(const std::string& name) const {
  if (H5Aexists(id_.get(), name.c_str()) <= 0) return std::nullopt;
  const Hdf5Id attribute(H5Aopen(id_.get(), name.c_str(), H5P_DEFAULT));
  const Hdf5Id type(H5Aget_type(attribute.get()));
  const Hdf5Id space(H5Aget_space(attribute.get()));
  if (H5Tequal(type.get(), H5T_STD_REF_OBJ) <= 0) return std::nullopt;
  if (H5Sget_simple_extent_npoints(space.get()) != 1) return std::nullopt;
  hobj_ref_t reference = 0;
  const std::string referring = where() + ", attribute " + name;
  if (H5Aread(attribute.get(), H5T_STD_REF_OBJ, &reference) < 0) fail_damaged(referring);
  Hdf5Id object(H5Rdereference2(id_.get(), H5P_DEFAULT, H5R_OBJECT, &reference));
  if (!object.is_valid() || H5Iget_type(object.get()) != H5I_DATASET) {
    fail(ErrorKind::BadFormat,
         "{}: refers to an object that is not in the file, as after copying a part of a file",
         referring);
  }
  return LibraryDataset(std::move(object), referring);
}

herr_t LibraryDataset::read_selected(hid_t memory_type, hid_t memory_space, hid_t file_space,
                                     void* values) const {
  if (field_.empty()) {
    return H5Dread(id_.get(), memory_type, memory_space, file_space, H5P_DEFAULT, values);
  }
  const Hdf5Id record(H5Tcreate(H5T_COMPOUND, H5Tget_size(memory_type)));
  H5Tinsert(record.get(), field_.c_str(), 0, memory_type);
  return H5Dread(id_.get(), record.get(), memory_space, file_space, H5P_DEFAULT, values);
}

void LibraryDataset::read(hid_t memory_type, void* values) const {
  if (description_.size() == 0) return;
  if (read_selected(memory_type, H5S_ALL, H5S_ALL, values) < 0) fail_damaged(where());
}

std::vector<std::int64_t> LibraryDataset::read_integers() const {
  const StoredKind kind = description_.kind;
  if (kind != StoredKind::Integer && kind != StoredKind::Boolean) {
    fail(ErrorKind::BadFormat, "{}: expected whole numbers, found another kind of values", where());
  }
  description_.require_plausible(description_.size());
  std::vector<std::int64_t> values(as_size(description_.size()));
  read(H5T_NATIVE_INT64, values.data());  // of an enumeration: the numbers that its names stand for
  return values;
}

std::vector<std::uint64_t> LibraryDataset::read_unsigned() const {
  if (description_.kind != StoredKind::Integer) {
    fail(ErrorKind::BadFormat, "{}: expected whole numbers, found another kind of values", where());
  }
  description_.require_plausible(description_.size());
  std::vector<std::uint64_t> values(as_size(description_.size()));
  read(H5T_NATIVE_UINT64, values.data());
  return values;
}

std::vector<double> LibraryDataset::read_numbers() const {
  if (description_.kind == StoredKind::Boolean) {
    const auto integers = read_integers();
    return {integers.begin(), integers.end()};
  }
  if (description_.kind != StoredKind::Integer && description_.kind != StoredKind::Float) {
    fail(ErrorKind::BadFormat, "{}: expected numbers, found another kind of values", where());
  }
  description_.require_plausible(description_.size());
  std::vector<double> values(as_size(description_.size()));
  read(H5T_NATIVE_DOUBLE, values.data());
  return values;
}

void LibraryDataset::read_texts(std::int64_t begin, std::int64_t n, const TextSink& sink) const {
  if (description_.kind != StoredKind::Text) {
    fail(ErrorKind::BadFormat, "{}: expected texts, found another kind of values", where());
  }
  description_.require_plausible(description_.size());
  // Texts of any length lie in the file as they are, each for itself. Damage may make all of them
  // the same long one.
  static constexpr std::int64_t kSlack = std::int64_t{1} << 22;
  const Hdf5Id file(H5Iget_file_id(id_.get()));
  hsize_t file_bytes = 0;
  if (H5Fget_filesize(file.get(), &file_bytes) < 0) fail_damaged(where());
  const bool may_pack = H5Tis_variable_str(type_.get()) <= 0;
  std::int64_t n_left = static_cast<std::int64_t>(file_bytes) + kSlack;
  const auto bounded = [&](std::string_view text) {
    n_left -= std::ssize(text);
    if (n_left < 0 && !may_pack) fail_damaged(where());
    sink(text);
  };
  const bool is_part = begin != 0 || n != description_.size();
  if (is_part &&
      (description_.shape.size() != 1 || begin < 0 || n < 0 || begin > description_.size() - n)) {
    fail_damaged(where());
  }
  const std::int64_t n_read =
      field_.empty() ? read_heap_texts(id_.get(), description_, begin, n, bounded) : 0;
  begin += n_read;
  n -= n_read;
  if (n == 0) return;
  const Hdf5Id space(H5Dget_space(id_.get()));
  Hdf5Id memory_space;  // of all
  if (is_part || n_read > 0) {
    const auto start = static_cast<hsize_t>(begin);
    const auto count = static_cast<hsize_t>(n);
    H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, &start, nullptr, &count, nullptr);
    memory_space = Hdf5Id(H5Screate_simple(1, &count, nullptr));
  }
  const hid_t memory = memory_space.is_valid() ? memory_space.get() : space.get();
  const bool is_read = read_texts_with(
      type_.get(), memory, as_size(n),
      [&](hid_t memory_type, void* texts) {
        return read_selected(memory_type, memory, space.get(), texts);
      },
      bounded);
  if (!is_read) fail_damaged(where());
}

void LibraryDataset::read_block(std::span<const hsize_t> start, std::span<const hsize_t> count,
                                hid_t memory_type, void* values) const {
  const StoredKind kind = description_.kind;
  if (kind != StoredKind::Integer && kind != StoredKind::Float && kind != StoredKind::Boolean) {
    fail(ErrorKind::BadFormat, "{}: expected numbers, found another kind of values", where());
  }
  if (start.size() != description_.shape.size() || count.size() != start.size()) {
    fail_damaged(where());
  }
  const Hdf5Id file_space(H5Dget_space(id_.get()));
  H5Sselect_hyperslab(file_space.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(),
                      nullptr);
  const Hdf5Id memory_space(
      H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr));
  if (read_selected(memory_type, memory_space.get(), file_space.get(), values) < 0) {
    fail_damaged(where());
  }
}

void LibraryDataset::fetch_chunk(std::int64_t index, MessageWriter& message) const {
  // What packing adds to values that do not pack.
  static constexpr std::int64_t kSlack = std::int64_t{1} << 16;
  const auto fail_chunk = [&] {
    if (has_met_newer_hdf5()) fail_damaged(where());
    fail(ErrorKind::BadFormat,
         "{}: chunk {} cannot be read: the file is damaged or cut off. Copy it again.", where(),
         index);
  };
  const auto& chunk = description_.chunk_shape;
  if (chunk.empty()) fail_chunk();
  std::vector<hsize_t> start(chunk.size());
  std::int64_t n_values = 1;
  std::int64_t rest = index;
  bool is_raw = false;
  for (std::size_t axis = chunk.size(); axis-- > 0;) {
    if (chunk[axis] < 1) fail_chunk();
    const std::int64_t n_along =
        std::max<std::int64_t>(1, (description_.shape[axis] - 1) / chunk[axis] + 1);
    if (axis == 0 && rest >= n_along) fail_chunk();
    start[axis] =
        static_cast<hsize_t>(checked_multiply(rest % n_along, chunk[axis], where().c_str()));
    if (start[axis] >= static_cast<hsize_t>(description_.shape[axis])) fail_chunk();
    rest /= n_along;
    is_raw |= keeps_edges_raw_ && start[axis] + static_cast<hsize_t>(chunk[axis]) >
                                      static_cast<hsize_t>(description_.shape[axis]);
    n_values = checked_multiply(n_values, chunk[axis], where().c_str());
  }
  hsize_t n_bytes = 0;
  std::uint32_t skipped = 0;
  if (H5Dget_chunk_storage_size(id_.get(), start.data(), &n_bytes) < 0) {
    // Damaged, or never written? chunk_info says it, but walks over all chunks.
    haddr_t address = HADDR_UNDEF;
    const bool is_known =
        H5Dget_chunk_info_by_coord(id_.get(), start.data(), &skipped, &address, &n_bytes) >= 0;
    if (!is_known || address != HADDR_UNDEF) fail_chunk();
    n_bytes = 0;
  }
  const std::int64_t unpacked = checked_multiply(
      n_values, static_cast<std::int64_t>(description_.value_bytes), where().c_str());
  const bool is_plausible = n_bytes <= static_cast<hsize_t>(description_.stored_bytes) &&
                            n_bytes / 2 <= static_cast<hsize_t>(unpacked / 2 + kSlack);
  if (!is_plausible) fail_chunk();
  message.add_integer(n_bytes == 0 ? -1 : static_cast<std::int64_t>(n_bytes));
  if (n_bytes == 0) return;
  if (H5Dread_chunk(id_.get(), H5P_DEFAULT, start.data(), &skipped, message.grow(n_bytes)) < 0) {
    fail_chunk();
  }
  message.add_integer(is_raw ? ~std::uint32_t{0} : skipped);
}

void LibraryDataset::walk_chunks() const {
  static constexpr std::int64_t kLookedUp = 1024;
  if (description_.chunk_shape.empty()) return;
  const Hdf5Id space(H5Dget_space(id_.get()));
  hsize_t n_chunks = 0;
  if (H5Dget_num_chunks(id_.get(), space.get(), &n_chunks) < 0) return;
  const std::int64_t length = description_.shape.front();
  const std::int64_t chunk_length = std::max<std::int64_t>(description_.chunk_shape.front(), 1);
  const std::int64_t n = length / chunk_length + 1;
  const std::int64_t step = std::max<std::int64_t>(1, n / kLookedUp);
  std::vector<hsize_t> start(description_.shape.size());
  for (std::int64_t i = 0; i < n && i * chunk_length < length; i += step) {
    start.front() = static_cast<hsize_t>(i * chunk_length);
    hsize_t n_bytes = 0;
    H5Dget_chunk_storage_size(id_.get(), start.data(), &n_bytes);
  }
}

}  // namespace saithe::io
