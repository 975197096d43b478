#pragma once

// HDF5 files as groups, datasets and attributes.
//
// libhdf5 crashes on some damaged files, and on some it never ends. So it runs in a child process,
// one for each open file, and this process has only its answers: nothing that libhdf5 does to its
// memory reaches ours. Chunks come as they lie in the file, and are unpacked here.
//
// Private to io/. Files are not trusted: plug-ins are never loaded, external links and storage are
// refused, sizes are checked. Of one file one thread at a time reads.

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "saithe/core/types.h"
#include "saithe/io/dataset_description.h"
#include "saithe/io/hdf5_process.h"

namespace saithe::io {

class Hdf5Dataset;
enum class MemberKind;
enum class LinkKind;

/// An object that the child holds open; it is closed there when this is gone.
class Hdf5Object {
 public:
  Hdf5Object(std::shared_ptr<Hdf5Process> process, std::int64_t number)
      : process_(std::move(process)), number_(number) {}
  ~Hdf5Object() { process_->release(number_); }
  Hdf5Object(const Hdf5Object&) = delete;
  Hdf5Object& operator=(const Hdf5Object&) = delete;

  [[nodiscard]] OwnMessage question(Hdf5Question what) const {
    return process_->question(what, number_);
  }
  [[nodiscard]] ChildServer::Answer ask(const OwnMessage& question) const {
    return process_->ask(question);
  }
  [[nodiscard]] ChildServer::Answer ask(Hdf5Question what) const { return ask(question(what)); }
  /// About a member or an attribute.
  [[nodiscard]] ChildServer::Answer ask(Hdf5Question what, const std::string& name) const;
  /// Chunks of the file that this process has unpacked.
  [[nodiscard]] ChunkCache& cache() const { return process_->cache(); }
  [[nodiscard]] const FileBytes& bytes() const { return process_->bytes(); }
  [[nodiscard]] std::int64_t max_memory() const { return process_->max_memory(); }
  /// Another object of the same file.
  [[nodiscard]] std::shared_ptr<const Hdf5Object> other(std::int64_t number) const {
    return std::make_shared<const Hdf5Object>(process_, number);
  }

 private:
  std::shared_ptr<Hdf5Process> process_;
  std::int64_t number_ = 0;
};

/// A group of an open file.
class Hdf5Group {
 public:
  /// Opens a file for reading and gives its root. Throws Error(NotFound) or Error(BadFormat), also
  /// where libhdf5 crashes; so does all that follows.
  static Hdf5Group open_file(const std::filesystem::path& path,
                             std::int64_t max_memory = Hdf5Process::kAnyMemory);

  [[nodiscard]] bool has(const std::string& name) const;
  [[nodiscard]] bool has_group(const std::string& name) const;
  [[nodiscard]] bool has_dataset(const std::string& name) const;
  /// Whether a name is there and stands for a path, in this file or in another.
  [[nodiscard]] bool is_link(const std::string& name) const;
  /// Whether it is a link to another file, which is never followed: all else that is asked of it is
  /// Error(BadFormat).
  [[nodiscard]] bool leads_elsewhere(const std::string& name) const;
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
  /// Unpacked chunks of the file, of all its datasets.
  [[nodiscard]] ChunkCache& cache() const { return object_->cache(); }

 private:
  Hdf5Group(std::shared_ptr<const Hdf5Object> object, std::string file_name, std::string path)
      : object_(std::move(object)), file_name_(std::move(file_name)), path_(std::move(path)) {}
  [[nodiscard]] MemberKind kind_of(const std::string& name) const;
  [[nodiscard]] LinkKind link_of(const std::string& name) const;

  std::shared_ptr<const Hdf5Object> object_;
  std::string file_name_;
  std::string path_;
};

/// A chunk as it lies in the file.
struct StoredChunk {
  bool is_stored = false;  ///< a chunk that was never written holds the fill value
  std::uint32_t skipped_filters = 0;
  std::span<const unsigned char> bytes;
};

/// Chunks that follow one another, in memory that the child filled. Nothing else is read of the
/// file until this is gone.
struct StoredChunks {
  ChildServer::Answer answer;
  std::vector<StoredChunk> chunks;
};

/// A dataset of an open file.
class Hdf5Dataset {
 public:
  [[nodiscard]] const DatasetDescription& description() const { return description_; }
  [[nodiscard]] const std::vector<std::int64_t>& shape() const { return description_.shape; }
  /// Number of values. Throws Error(BadFormat) if it does not fit 64 bits.
  [[nodiscard]] std::int64_t size() const { return description_.size(); }
  [[nodiscard]] StoredKind kind() const { return description_.kind; }
  [[nodiscard]] std::size_t value_bytes() const { return description_.value_bytes; }
  [[nodiscard]] bool is_null() const { return description_.is_null; }
  [[nodiscard]] std::optional<std::string> text_attribute(const std::string& name) const;
  [[nodiscard]] bool flag_attribute(const std::string& name) const;
  /// The dataset that an attribute refers to, or nothing. Throws Error(BadFormat) if the reference
  /// leads nowhere or to another kind of object.
  [[nodiscard]] std::optional<Hdf5Dataset> referred_dataset(const std::string& name) const;

  /// The fields of a compound dataset, in its order; none of another kind.
  [[nodiscard]] const std::vector<std::string>& field_names() const {
    return description_.field_names;
  }
  /// One field of a compound dataset, to be read like a dataset of its own.
  [[nodiscard]] Hdf5Dataset field(const std::string& name) const;

  /// All values in row-major order, converted. Throw Error(BadFormat) on another kind, on a number
  /// of values that the file cannot hold, and on a damaged file.
  [[nodiscard]] std::vector<std::int64_t> read_integers() const;
  /// Of integers only; one below 0 is read as 0.
  [[nodiscard]] std::vector<std::uint64_t> read_unsigned() const;
  [[nodiscard]] std::vector<double> read_numbers() const;
  /// Throw Error(InvalidArgument), too, where texts take more than the max_memory of open_file()
  /// (TextMemory).
  [[nodiscard]] std::vector<std::string> read_texts() const;
  /// n texts from `begin` on, of a dataset with one axis.
  [[nodiscard]] std::vector<std::string> read_texts(std::int64_t begin, std::int64_t n) const;
  /// The block of `count` values from `start` on, by axes, converted by HDF5.
  void read_block(std::span<const std::int64_t> start, std::span<const std::int64_t> count,
                  std::span<float> values) const;
  void read_block(std::span<const std::int64_t> start, std::span<const std::int64_t> count,
                  std::span<std::int64_t> values) const;
  /// The n chunks from `first` on, by their numbers in the grid of chunks, of which the last axis
  /// runs fastest.
  [[nodiscard]] StoredChunks fetch_chunks(std::int64_t first, std::int64_t n) const;

  /// The bytes of the values from `first` on, as they lie in the file, of a dataset that has a
  /// first_byte; for all threads. Throws Error(BadFormat) where the file ends before.
  void read_bytes(std::int64_t first, std::span<unsigned char> bytes) const;

  /// Unpacked chunks of the file, of all its datasets.
  [[nodiscard]] ChunkCache& cache() const { return object_->cache(); }
  /// Throws Error(BadFormat) unless n values of this dataset can lie in its stored bytes; fill
  /// values need none, so that `fill_bytes` are let pass.
  void require_plausible(std::int64_t n_values, std::int64_t fill_bytes = 1 << 22) const {
    description_.require_plausible(n_values, fill_bytes);
  }
  [[nodiscard]] const std::string& where() const { return description_.where; }

 private:
  friend class Hdf5Group;
  Hdf5Dataset(std::shared_ptr<const Hdf5Object> object, DatasetDescription description)
      : object_(std::move(object)), description_(std::move(description)) {}
  /// The dataset that an answer tells of.
  static Hdf5Dataset take(const Hdf5Object& relative, ChildServer::Answer& answer);
  template <typename Value>
  void read_block_as(Hdf5Question what, std::span<const std::int64_t> start,
                     std::span<const std::int64_t> count, std::span<Value> values) const;

  std::shared_ptr<const Hdf5Object> object_;
  DatasetDescription description_;
};

/// Whether a file begins like HDF5.
bool is_hdf5_file(const std::filesystem::path& path);

}  // namespace saithe::io
