#pragma once

// HDF5 files as groups and datasets, read by libhdf5 in this process: for the child process that
// hdf5_file.h asks, and for its tests.
//
// Private to io/. Files are not trusted: external links and storage are refused, sizes are checked.

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "saithe/io/dataset_description.h"
#include "saithe/io/hdf5_library.h"

namespace saithe::io {

class LibraryDataset;

/// What a name in a group stands for.
enum class MemberKind { Nothing, Group, Dataset, Other };

/// How it does: as an object of this group, or by a path in the same or in another file.
enum class LinkKind { Hard, Soft, Elsewhere };

/// A group of an open file.
class LibraryGroup {
 public:
  /// Opens a file for reading and gives its root. Throws Error(BadFormat).
  static LibraryGroup open_file(const std::filesystem::path& path);

  /// Throws Error(BadFormat) on a link to another file.
  [[nodiscard]] MemberKind kind_of(const std::string& name) const;
  [[nodiscard]] bool has(const std::string& name) const;
  /// Of a name that is there.
  [[nodiscard]] LinkKind link_of(const std::string& name) const;
  /// The names in this group, sorted.
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] std::vector<std::string> attribute_names() const;
  /// Throw Error(BadFormat) if there is no such group or dataset.
  [[nodiscard]] LibraryGroup group(const std::string& name) const;
  [[nodiscard]] LibraryDataset dataset(const std::string& name) const;

  /// "FILE: /path/in/file"
  [[nodiscard]] std::string where() const { return file_name_ + ": " + path_; }
  [[nodiscard]] std::string where(const std::string& name) const;
  [[nodiscard]] hid_t id() const { return id_.get(); }

 private:
  LibraryGroup(Hdf5Id id, std::string file_name, std::string path)
      : id_(std::move(id)), file_name_(std::move(file_name)), path_(std::move(path)) {}

  Hdf5Id id_;
  std::string file_name_;
  std::string path_;
};

/// A dataset of an open file, or one field of a compound one.
class LibraryDataset {
 public:
  /// Throws Error(BadFormat) on storage in other files and on filters that are not known.
  LibraryDataset(Hdf5Id id, std::string name);

  [[nodiscard]] const DatasetDescription& description() const { return description_; }
  [[nodiscard]] std::vector<std::string> attribute_names() const;
  /// The dataset that an attribute refers to, or nothing. Throws Error(BadFormat) if the reference
  /// leads nowhere or to another kind of object.
  [[nodiscard]] std::optional<LibraryDataset> referred_dataset(const std::string& name) const;
  /// One field of a compound dataset, to be read like a dataset of its own.
  [[nodiscard]] LibraryDataset field(const std::string& name) const;

  /// All values in row-major order, converted. Throw Error(BadFormat) on another kind, on a number
  /// of values that the file cannot hold, and on a damaged file.
  [[nodiscard]] std::vector<std::int64_t> read_integers() const;
  [[nodiscard]] std::vector<std::uint64_t> read_unsigned() const;
  [[nodiscard]] std::vector<double> read_numbers() const;
  /// n texts from `begin` on; fewer than all only of a dataset with one axis.
  void read_texts(std::int64_t begin, std::int64_t n, const TextSink& sink) const;
  /// The block of `count` values from `start` on, by axes, as the memory type of numbers says.
  void read_block(std::span<const hsize_t> start, std::span<const hsize_t> count, hid_t memory_type,
                  void* values) const;
  /// A chunk as it lies in the file, by its number in the grid of chunks, of which the last axis
  /// runs fastest, appended to a message: its number of bytes
  /// (-1 if it was never written), the bytes, the filters that it was stored without (bits).
  void fetch_chunk(std::int64_t index, MessageWriter& message) const;
  /// Looks up chunks as reading does, a thousand at most, in an index that is walked over first.
  void walk_chunks() const;

  [[nodiscard]] const std::string& where() const { return description_.where; }
  [[nodiscard]] hid_t id() const { return id_.get(); }

 private:
  void describe_chunks(hid_t creation);
  void describe_place();
  void set_type(Hdf5Id type);
  /// Reads what is selected, as H5Dread() does.
  herr_t read_selected(hid_t memory_type, hid_t memory_space, hid_t file_space, void* values) const;
  void read(hid_t memory_type, void* values) const;

  Hdf5Id id_;
  Hdf5Id type_;                   // as stored; of the field
  std::string field_;             // of a compound dataset; empty: the whole value
  bool keeps_edges_raw_ = false;  // chunks that reach past the end have no filters
  DatasetDescription description_;
};

}  // namespace saithe::io
