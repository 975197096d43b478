#pragma once

// HDF5 files as groups, datasets and attributes with C++ lifetimes; hides the C library.
//
// Private to io/. Files are not trusted: plug-ins are never loaded, external links and storage are
// refused, sizes are checked. The C library is called from one thread at a time.

#include <hdf5.h>

#include <filesystem>
#include <optional>
#include <string>
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

/// How the numbers or texts of a dataset are stored.
enum class StoredKind { Integer, Float, Boolean, Text, Other };

class Hdf5Dataset;

/// A group of an open file.
class Hdf5Group {
 public:
  /// Opens a file for reading and gives its root, after a child process has walked over it. Throws
  /// Error(NotFound) or Error(BadFormat), also where libhdf5 would crash.
  static Hdf5Group open_file(const std::filesystem::path& path);
  /// The same without the child process: for the child.
  static Hdf5Group open_unchecked(const std::filesystem::path& path);

  [[nodiscard]] bool has(const std::string& name) const;
  [[nodiscard]] bool has_group(const std::string& name) const;
  [[nodiscard]] bool has_dataset(const std::string& name) const;
  [[nodiscard]] bool has_attribute(const std::string& name) const;
  /// The names in this group, sorted.
  [[nodiscard]] std::vector<std::string> names() const;
  /// Throws Error(BadFormat) if there is no such group.
  [[nodiscard]] Hdf5Group group(const std::string& name) const;
  [[nodiscard]] Hdf5Dataset dataset(const std::string& name) const;
  /// A text attribute (fixed or variable length), or nothing.
  [[nodiscard]] std::optional<std::string> text_attribute(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> text_list_attribute(const std::string& name) const;
  [[nodiscard]] std::vector<std::int64_t> integer_attribute(const std::string& name) const;
  /// A boolean attribute, which h5py writes as an enumeration; false where there is none.
  [[nodiscard]] bool flag_attribute(const std::string& name) const;

  /// "FILE: /path/in/file"
  [[nodiscard]] std::string where() const { return file_name_ + ": " + path_; }
  [[nodiscard]] std::string where(const std::string& name) const;
  [[nodiscard]] const std::string& file_name() const { return file_name_; }
  [[nodiscard]] hid_t id() const { return id_.get(); }

 private:
  friend class Hdf5Dataset;
  Hdf5Group(Hdf5Id id, std::string file_name, std::string path)
      : id_(std::move(id)), file_name_(std::move(file_name)), path_(std::move(path)) {}
  void require_local(const std::string& name) const;

  Hdf5Id id_;
  std::string file_name_;
  std::string path_;
};

/// A dataset of an open file.
class Hdf5Dataset {
 public:
  [[nodiscard]] const std::vector<std::int64_t>& shape() const { return shape_; }
  /// Number of values. Throws Error(BadFormat) if it does not fit 64 bits.
  [[nodiscard]] std::int64_t size() const;
  [[nodiscard]] StoredKind kind() const { return kind_; }
  /// Bytes of one stored value, as in the file.
  [[nodiscard]] std::size_t value_bytes() const { return value_bytes_; }
  /// Bytes that the file holds for this dataset.
  [[nodiscard]] std::int64_t stored_bytes() const { return stored_bytes_; }
  /// Whether it is HDF5's way to say nothing (AnnData's `null`): no values, size 0.
  [[nodiscard]] bool is_null() const { return is_null_; }
  [[nodiscard]] std::optional<std::string> text_attribute(const std::string& name) const;
  [[nodiscard]] bool flag_attribute(const std::string& name) const;
  /// The dataset that an attribute refers to, or nothing. Throws Error(BadFormat) if the reference
  /// leads nowhere or to another kind of object.
  [[nodiscard]] std::optional<Hdf5Dataset> referred_dataset(const std::string& name) const;

  /// The fields of a compound dataset, in its order; none of another kind.
  [[nodiscard]] std::vector<std::string> field_names() const;
  /// One field of a compound dataset, to be read like a dataset of its own.
  [[nodiscard]] Hdf5Dataset field(const std::string& name) const;

  /// All values in row-major order, converted. Throw Error(BadFormat) on another kind, on a number
  /// of values that the file cannot hold, and on a damaged file.
  [[nodiscard]] std::vector<std::int64_t> read_integers() const;
  [[nodiscard]] std::vector<double> read_numbers() const;
  [[nodiscard]] std::vector<std::string> read_texts() const;
  /// Rows [begin, end) of a two-dimensional dataset, converted to float32.
  void read_rows(std::int64_t begin, std::int64_t end, float* values) const;

  /// Throws Error(BadFormat) unless n values of this dataset can lie in its stored bytes; fill
  /// values need none, so that `fill_bytes` are let pass.
  void require_plausible(std::int64_t n_values, std::int64_t fill_bytes = 1 << 22) const;
  [[nodiscard]] const std::string& where() const { return where_; }
  [[nodiscard]] hid_t id() const { return id_.get(); }

 private:
  friend class Hdf5Group;
  Hdf5Dataset(Hdf5Id id, std::string where);
  void set_type(Hdf5Id type);
  /// Reads everything, as H5Dread() does.
  herr_t read_all(hid_t memory_type, void* values) const;
  void read(hid_t memory_type, void* values) const;

  Hdf5Id id_;
  Hdf5Id type_;        // as stored; of the field
  std::string field_;  // of a compound dataset; empty: the whole value
  std::string where_;
  std::vector<std::int64_t> shape_;
  StoredKind kind_ = StoredKind::Other;
  std::size_t value_bytes_ = 0;
  std::int64_t stored_bytes_ = 0;
  std::int64_t largest_ratio_ = 1;  // of bytes in memory to bytes in the file
  bool is_null_ = false;
};

/// The texts of an attribute of any object; none where there is no such attribute.
std::vector<std::string> read_text_attribute(hid_t object, const std::string& name,
                                             const std::string& where);

/// Whether a file begins like HDF5.
bool is_hdf5_file(const std::filesystem::path& path);

/// Makes the C library safe to use: no messages of its own, no plug-ins, no links to other files;
/// lzf is read by our own decoder. Called before any use on every thread (it silences per thread).
void initialise_hdf5();

}  // namespace saithe::io
