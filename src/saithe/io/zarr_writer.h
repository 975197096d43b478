#pragma once

// Nodes into a Zarr store in a folder, in the store's own version, with AnnData's encodings.
// Private to io/.

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "saithe/data/table.h"
#include "saithe/io/write_h5ad.h"

namespace saithe::io {

/// Chunks are written at once; metadata, by which others find them, in finish(): each file beside
/// its place and renamed, the consolidated metadata last.
class ZarrTarget {
 public:
  /// `name`: what messages call the store. Throws Error(BadFormat) unless `folder` holds a group.
  ZarrTarget(std::filesystem::path folder, std::string name);

  /// Whether there is a node at `path` ("obs/louvain").
  [[nodiscard]] bool has(const std::string& path) const;
  void remove(const std::string& path);
  /// Makes a group unless there is one.
  void require_group(const std::string& path, const std::string& encoding);
  [[nodiscard]] std::vector<std::string> text_list_attribute(const std::string& path,
                                                             const std::string& name) const;
  void set_attribute(const std::string& path, const std::string& name,
                     const std::vector<std::string>& texts);

  /// Throw Error(Output) if the disk is full.
  void write_column(const std::string& path, const Column& column);
  void write_matrix(const std::string& path, const DenseMatrix& matrix);
  void write_value(const std::string& path, const UnsValue& value);
  void finish();

 private:
  using Json = nlohmann::ordered_json;
  /// What both versions say of an array, and how it is packed.
  struct ArrayForm {
    const char* type_v2;
    const char* type_v3;
    std::size_t bytes;  ///< of a value; 0: texts
  };

  [[nodiscard]] std::filesystem::path file_of(const std::string& path, const char* name) const;
  [[nodiscard]] Json read_json(const std::filesystem::path& file) const;
  [[nodiscard]] Json attributes(const std::string& path) const;
  void write_chunk(const std::string& path, const std::string& key, const std::string& bytes) const;
  void write_array(const std::string& path, const ArrayForm& form,
                   const std::vector<std::int64_t>& shape, const std::string& bytes,
                   const std::string& encoding);
  void write_codes(const std::string& path, const CategoryColumn& column);
  void write_numbers(const std::string& path, std::span<const double> values,
                     NumberColumn::Kind kind, const std::vector<std::int64_t>& shape,
                     const std::string& encoding);
  void write_texts(const std::string& path, const std::vector<std::string>& texts,
                   const std::vector<std::int64_t>& shape, const std::string& encoding);
  void write_consolidated();

  std::filesystem::path folder_;
  std::string name_;
  int version_ = 2;
  std::map<std::string, Json> metadata_;  ///< of new and changed files, by their keys
  std::vector<std::string> removed_;      ///< nodes
};

}  // namespace saithe::io
