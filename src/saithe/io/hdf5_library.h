#pragma once

// The C library HDF5 with C++ lifetimes, and what it decodes of attributes and texts.
//
// Private to io/, and there to what runs in a child process (library_file.h) and to what writes:
// libhdf5 crashes on damaged files. Plug-ins are never loaded, links to other files are refused.
// The C library is called from one thread at a time.

#include <hdf5.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "saithe/core/types.h"

namespace saithe::io {

/// Owns any HDF5 identifier.
class Hdf5Id {
 public:
  Hdf5Id() = default;
  explicit Hdf5Id(hid_t id) : id_(id) {}
  Hdf5Id(Hdf5Id&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Hdf5Id& operator=(Hdf5Id&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  ~Hdf5Id() {
    if (id_ >= 0) H5Idec_ref(id_);
  }
  [[nodiscard]] hid_t get() const { return id_; }
  [[nodiscard]] bool is_valid() const { return id_ >= 0; }

 private:
  hid_t id_ = H5I_INVALID_HID;
};

/// Makes the C library safe to use: no messages of its own, no plug-ins, no links to other files;
/// lzf, blosc and zstd are read by our own decoders. Called before any use on every thread (it
/// silences per thread).
void initialise_hdf5();

/// Throws the Error(BadFormat) of an object that libhdf5 does not read. It tells of a newer HDF5
/// where libhdf5 has met, since forget_errors(), a version of something that it does not know.
[[noreturn]] void fail_damaged(const std::string& where);
[[nodiscard]] bool has_met_newer_hdf5();
void forget_errors();

/// Receives texts one after the other.
using TextSink = std::function<void(std::string_view)>;
/// Reads from a file into memory of that type; negative if it fails.
using ReadCall = std::function<herr_t(hid_t memory_type, void* memory)>;

/// Reads n texts of a stored type, of fixed or any length, by one call of `read`; false if that
/// fails. `space` has n elements.
bool read_texts_with(hid_t stored_type, hid_t space, std::size_t n, const ReadCall& read,
                     const TextSink& sink);

/// The attributes of any object; none where there is no such attribute, or one of another kind.
/// Throw Error(BadFormat) if it cannot be read.
std::vector<std::string> read_text_attribute(hid_t object, const std::string& name,
                                             const std::string& where);
std::vector<std::int64_t> read_integer_attribute(hid_t object, const std::string& name,
                                                 const std::string& where);
/// A boolean attribute, which h5py writes as an enumeration: any value but 0, whatever kind of
/// integer or enumeration it is stored as; false where there is none.
bool read_flag_attribute(hid_t object, const std::string& name, const std::string& where);
/// The names of an object's attributes, sorted.
std::vector<std::string> read_attribute_names(hid_t object);
/// The filters of a dataset by its creation list, in the order of writing.
std::vector<int> read_filters(hid_t creation_list);

}  // namespace saithe::io
