#pragma once

// Writing HDF5 in AnnData's encodings, byte for byte repeatable. Private to io/.

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/data/table.h"
#include "saithe/io/frame_names.h"
#include "saithe/io/hdf5_library.h"
#include "saithe/io/write_h5ad.h"

namespace saithe::io {

/// A group that is written to.
class Hdf5Target {
 public:
  /// A new file; its root says it is AnnData's. `name` is what messages call it.
  static Hdf5Target create_file(const std::filesystem::path& path, const std::string& name);
  /// An existing file, to add to. Where its root names no encoding (AnnData 0.7), nothing that is
  /// added does.
  static Hdf5Target open_file(const std::filesystem::path& path, const std::string& name);

  [[nodiscard]] bool has(const std::string& name) const;
  [[nodiscard]] Hdf5Target create_group(const std::string& name, const std::string& encoding,
                                        const std::string& version = "0.1.0",
                                        bool is_roomy = false) const;
  /// An existing group.
  [[nodiscard]] Hdf5Target group(const std::string& name) const;
  void remove(const std::string& name) const;
  [[nodiscard]] bool names_encodings() const { return names_encodings_; }
  /// Whether what is written here says how it is encoded; inherited by groups within.
  void set_names_encodings(bool value) { names_encodings_ = value; }

  /// What AnnData is to take an object as, unless nothing here says so.
  void set_encoding(hid_t object, const std::string& encoding, const std::string& version) const;
  void set_attribute(const std::string& name, const std::string& text) const;
  void set_attribute(const std::string& name, std::span<const std::int64_t> values) const;
  void set_attribute(const std::string& name, bool value) const;
  void set_attribute(const std::string& name, const std::vector<std::string>& texts) const;
  [[nodiscard]] std::vector<std::string> text_list_attribute(const std::string& name) const;
  [[nodiscard]] std::string text_attribute(const std::string& name) const;

  /// Arrays of AnnData's encodings "array" and "string-array".
  void write_array(const std::string& name, std::span<const float> values,
                   std::span<const std::int64_t> shape) const;
  void write_array(const std::string& name, std::span<const double> values, NumberColumn::Kind kind,
                   std::span<const std::int64_t> exact = {}) const;
  void write_texts(const std::string& name, const std::vector<std::string>& texts) const;
  void write_text(const std::string& name, const std::string& text) const;
  void write_scalar(const std::string& name, const UnsValue& value) const;
  /// A category is a group, or in a group that names no encodings what AnnData 0.7 reads: codes
  /// that refer to their levels in __categories.
  void write_column(const std::string& name, const Column& column) const;
  void write_result(const std::string& name, const ResultColumn& column) const;
  void write_matrix(const std::string& name, const ResultMatrix& matrix) const;
  /// Row names and columns that the table has not read are in memory one block, one column at a
  /// time.
  void write_frame(const std::string& name, const Table& table, const FrameNames& names) const;
  void write_uns(const std::string& path, const UnsValue& value, bool overwrite) const;

  /// Hands everything to the operating system; throws Error(Output) if that fails (disk full).
  void flush() const;
  /// Lets go of the file, so that it can be renamed.
  void close();

  /// Throws Error(Output): what HDF5 could not write.
  [[noreturn]] void fail_writing() const;
  [[nodiscard]] hid_t id() const { return id_.get(); }
  [[nodiscard]] const std::string& file_name() const { return file_name_; }

 private:
  Hdf5Target(Hdf5Id file, Hdf5Id id, std::string file_name)
      : file_(std::move(file)), id_(std::move(id)), file_name_(std::move(file_name)) {}
  void write_dataset(const std::string& name, hid_t file_type, hid_t memory_type,
                     std::span<const std::int64_t> shape, const void* values,
                     const std::string& encoding) const;
  void write_index(const std::string& name, const Table& table) const;
  void write_numbers(const std::string& name, const NumberColumn& column) const;
  void write_levels(const std::string& name, const CategoryColumn& category) const;
  /// The values of the rows [begin, end), which live until the next are asked for.
  using ReadValues = std::function<const void*(std::int64_t begin, std::int64_t end)>;
  void write_rows(const std::string& name, hid_t file_type, hid_t memory_type,
                  std::span<const std::int64_t> shape, const ReadValues& read,
                  const std::string& encoding) const;
  /// A category whose codes, `n_rows` of them, are asked for.
  void write_categories(const std::string& name, const CategoryColumn& category,
                        std::int64_t n_rows, const ReadValues& read_codes) const;
  void write_codes(const std::string& name, std::size_t n_levels, std::int64_t n_rows,
                   const ReadValues& read_codes) const;

  Hdf5Id file_;
  Hdf5Id id_;
  std::string file_name_;
  bool names_encodings_ = true;
};

/// Where AnnData 0.7 keeps the levels of a frame's categories.
inline constexpr const char* kLevelsOfCategories = "__categories";

/// An HDF5 object without attribute creation order holds attributes of at most 64 KiB: names of
/// columns up to about this many.
inline constexpr std::size_t kMostPlainNames = 4000;

/// Makes a group that can hold an attribute of any size (its creation list).
Hdf5Id roomy_group_list();

struct StaleNames;
/// Adds to an AnnData root; what has the same keys is replaced, as are the colours of replaced
/// columns; what is stale is removed (earlier_run.h). The order of columns, obsm and uns are made
/// where they are missing.
void add_annotations(const Hdf5Target& root, const Annotations& annotations,
                     const StaleNames& stale);
/// Checks that every column and matrix has one entry per cell.
void require_sizes(const Annotations& annotations, CellIndex n_cells);

/// What of uns is new or replaced as a whole: "saithe/parameters" of "saithe/parameters/seed". The
/// dict around it may hold entries of other commands.
std::string uns_entry(const std::string& path);

/// The encoding-type of what holds entries; "" of a group that names none (AnnData 0.7). What is
/// added to a group of another, as a frame, AnnData does not read.
bool is_dict_encoding(const std::string& encoding);

/// `name` as a key of AnnData: '/' would make a group and is replaced by '_'.
std::string as_key(std::string name);

}  // namespace saithe::io
