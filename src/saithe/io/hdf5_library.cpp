#include "saithe/io/hdf5_library.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "saithe/io/chunk_filters.h"

namespace saithe::io {
namespace {

/// A text type as it is stored, in UTF-8, for reading into memory.
Hdf5Id text_type(hid_t stored_type) {
  Hdf5Id type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type.get(),
              H5Tis_variable_str(stored_type) > 0 ? H5T_VARIABLE : H5Tget_size(stored_type) + 1);
  H5Tset_cset(type.get(), H5Tget_cset(stored_type));
  H5Tset_strpad(type.get(), H5T_STR_NULLTERM);
  return type;
}

/// Whether n values of an attribute can be in its file; attributes are not compressed.
bool is_plausible(hid_t attribute, hid_t type, hssize_t n) {
  const Hdf5Id file(H5Iget_file_id(attribute));
  hsize_t file_bytes = 0;
  if (n < 0 || H5Fget_filesize(file.get(), &file_bytes) < 0) return false;
  const auto value_bytes = static_cast<hsize_t>(H5Tget_size(type));
  return value_bytes > 0 && static_cast<hsize_t>(n) <= file_bytes / value_bytes;
}

hid_t never_followed(const char*, hid_t, const void*, std::size_t, hid_t, hid_t) {
  return -1;
}

/// Also those that a soft link would lead through. HDF5 removes only links of a class that it
/// knows, so that there is one, by which they lead nowhere.
void stop_external_links() {
  H5L_class_t link{};
  link.version = H5L_LINK_CLASS_T_VERS;
  link.id = H5L_TYPE_EXTERNAL;
  link.comment = "external, not followed";
  link.trav_func = never_followed;
  if (H5Lregister(&link) < 0) H5Lunregister(H5L_TYPE_EXTERNAL);
}

// Whether libhdf5 met a version of something that is newer than it is.
thread_local bool has_met_newer = false;

herr_t look_for_newer(unsigned, const H5E_error2_t* entry, void*) {
  const std::string_view text = entry->desc == nullptr ? "" : entry->desc;
  has_met_newer |= text.find("bad") != std::string_view::npos &&
                   text.find("version number") != std::string_view::npos;
  return 0;
}

/// What libhdf5 calls where it would print its errors.
herr_t look_at_errors(hid_t stack, void*) {
  return H5Ewalk2(stack, H5E_WALK_UPWARD, look_for_newer, nullptr);
}

}  // namespace

void initialise_hdf5() {
  static const bool is_done = [] {
    // Every file is flushed when it is written; at exit the library would touch again, and crash
    // on, a file that a full disk left half-written.
    H5dont_atexit();
    H5open();
    H5PLset_loading_state(0);  // a plug-in is code from somewhere else
    stop_external_links();
    register_chunk_filters();
    return true;
  }();
  // The C library keeps this setting per thread.
  static thread_local const bool is_silent = [] {
    return H5Eset_auto2(H5E_DEFAULT, look_at_errors, nullptr) >= 0;
  }();
  static_cast<void>(is_done && is_silent);
}

bool has_met_newer_hdf5() {
  return has_met_newer;
}

void forget_errors() {
  has_met_newer = false;
}

void fail_damaged(const std::string& where) {
  if (has_met_newer) {
    unsigned major = 0;
    unsigned minor = 0;
    unsigned release = 0;
    H5get_libversion(&major, &minor, &release);
    fail(ErrorKind::BadFormat,
         "{}: cannot be read by HDF5 {}.{}.{}, which is used here: a newer one wrote it (or it is "
         "damaged). Write the file again without h5py's libver, or with libver=('earliest', "
         "'v110').",
         where, major, minor, release);
  }
  fail(ErrorKind::BadFormat, "{}: cannot be read: the file is damaged or cut off. Copy it again.",
       where);
}

bool read_texts_with(hid_t stored_type, hid_t space, std::size_t n, const ReadCall& read,
                     const TextSink& sink) {
  if (n == 0) return true;
  const Hdf5Id type = text_type(stored_type);
  if (H5Tis_variable_str(stored_type) > 0) {
    std::vector<char*> pointers(n, nullptr);
    if (read(type.get(), static_cast<void*>(pointers.data())) < 0) return false;
    for (const char* text : pointers) sink(text == nullptr ? "" : text);
    H5Dvlen_reclaim(type.get(), space, H5P_DEFAULT, pointers.data());
    return true;
  }
  const std::size_t width = H5Tget_size(type.get());
  std::vector<char> bytes(n * width);
  if (read(type.get(), static_cast<void*>(bytes.data())) < 0) return false;
  for (std::size_t i = 0; i < n; ++i) {
    const char* text = bytes.data() + i * width;
    sink({text, strnlen(text, width)});
  }
  return true;
}

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
                       read_texts_with(
                           type.get(), space.get(), static_cast<std::size_t>(n),
                           [&](hid_t memory_type, void* memory) {
                             return H5Aread(attribute.get(), memory_type, memory);
                           },
                           [&](std::string_view text) { texts.emplace_back(text); });
  if (!is_read) fail_damaged(where + ", attribute " + name);
  return texts;
}

std::vector<std::int64_t> read_integer_attribute(hid_t object, const std::string& name,
                                                 const std::string& where) {
  static constexpr hssize_t kMost = 32;
  if (H5Aexists(object, name.c_str()) <= 0) return {};
  const Hdf5Id attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT));
  const Hdf5Id type(H5Aget_type(attribute.get()));
  const Hdf5Id space(H5Aget_space(attribute.get()));
  const hssize_t n = H5Sget_simple_extent_npoints(space.get());
  if (n < 0 || n > kMost || H5Tget_class(type.get()) != H5T_INTEGER) return {};
  std::vector<std::int64_t> values(static_cast<std::size_t>(n));
  if (n > 0 && H5Aread(attribute.get(), H5T_NATIVE_INT64, values.data()) < 0) {
    fail_damaged(where + ", attribute " + name);
  }
  return values;
}

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

std::vector<int> read_filters(hid_t creation_list) {
  std::vector<int> filters;
  const int n_filters = H5Pget_nfilters(creation_list);
  for (int i = 0; i < n_filters; ++i) {
    unsigned flags = 0;
    std::size_t n_values = 0;
    filters.push_back(H5Pget_filter2(creation_list, static_cast<unsigned>(i), &flags, &n_values,
                                     nullptr, 0, nullptr, nullptr));
  }
  return filters;
}

std::vector<std::string> read_attribute_names(hid_t object) {
  std::vector<std::string> names;
  const auto collect = [](hid_t, const char* name, const H5A_info_t*, void* all) -> herr_t {
    static_cast<std::vector<std::string>*>(all)->emplace_back(name);
    return 0;
  };
  H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, collect, &names);
  return names;
}

}  // namespace saithe::io
