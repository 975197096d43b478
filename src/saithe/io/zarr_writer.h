#pragma once

// Nodes into a Zarr store in a folder, in the store's own version, with AnnData's encodings.
// Private to io/.

#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "saithe/data/table.h"
#include "saithe/io/write_h5ad.h"
#include "saithe/io/zarr_encoding.h"

namespace saithe::io {

/// Chunks are written at once; metadata, by which others find them, in finish(): each file beside
/// its place and renamed, the consolidated metadata last.
class ZarrTarget {
 public:
  /// `name`: what messages call the store. Throws Error(BadFormat) unless `folder` holds a group.
  ZarrTarget(std::filesystem::path folder, std::string name);
  /// The same of a store that others may read meanwhile: until finish() everything is written into
  /// `staging`, an empty folder of the same file system. finish() then only renames: it takes what
  /// is removed out of the store (lists of columns and consolidated metadata first forget it),
  /// moves new nodes in with their chunks, and puts the new metadata of obs and the consolidated
  /// ones in place, in this order. Whoever stops it leaves a store without the new columns, or with
  /// them.
  ZarrTarget(std::filesystem::path folder, std::filesystem::path staging, std::string name);

  /// Whether there is a node at `path` ("obs/louvain").
  [[nodiscard]] bool has(const std::string& path) const;
  /// Whether it is a group to which AnnData lets entries be added: no array, no frame.
  [[nodiscard]] bool has_dict(const std::string& path) const;
  void remove(const std::string& path);
  /// Makes a group unless there is one. Throws Error(BadFormat) if an array is in its place.
  void require_group(const std::string& path, const std::string& encoding);
  [[nodiscard]] std::vector<std::string> text_list_attribute(const std::string& path,
                                                             const std::string& name) const;
  void set_attribute(const std::string& path, const std::string& name,
                     const std::vector<std::string>& texts);

  /// Throw Error(Output) if the disk is full.
  void write_column(const std::string& path, const Column& column);
  void write_result(const std::string& path, const ResultColumn& column);
  void write_matrix(const std::string& path, const ResultMatrix& matrix);
  void write_value(const std::string& path, const UnsValue& value);
  /// Throws Error(Output); the store is then as it was.
  void finish();

  // The steps of finish() of a store that others may read.

  /// All but the renames: everything is in `staging`, and on the disk.
  void stage();
  /// The renames. `require_unchanged` is called when nothing is left to do but these, and may
  /// throw.
  void publish(const std::function<void()>& require_unchanged = {});
  /// Whether publish() failed and could not take back all it had done: the staging folder holds
  /// what is missing.
  [[nodiscard]] bool is_kept_aside() const { return is_kept_aside_; }

 private:
  /// Takes out the consolidated metadata that a group below the root has of its own, which would no
  /// longer fit.
  void forget_own_copy(const std::string& path);
  using Json = nlohmann::ordered_json;
  [[nodiscard]] std::filesystem::path file_of(const std::string& path, const char* name) const;
  [[nodiscard]] Json read_json(const std::filesystem::path& file) const;
  /// A metadata file of a node as finish() will leave it; nothing if there is none.
  [[nodiscard]] std::optional<Json> metadata_of(const std::string& path, const char* name) const;
  [[nodiscard]] Json attributes(const std::string& path) const;
  [[nodiscard]] bool has_array(const std::string& path) const;
  void write_chunk(const std::string& path, const std::string& key, const std::string& bytes) const;
  void write_array(const std::string& path, const ZarrArrayForm& form,
                   const std::vector<std::int64_t>& shape, const std::string& bytes,
                   const std::string& encoding);
  [[nodiscard]] std::string chunk_key(std::size_t n_axes, std::int64_t number) const;
  /// The bytes of the rows [begin, end) along the first axis.
  using ReadBytes = std::function<std::string(std::int64_t begin, std::int64_t end)>;
  void write_rows(const std::string& path, const ZarrArrayForm& form,
                  const std::vector<std::int64_t>& shape, const ReadBytes& read,
                  const std::string& encoding);
  void add_array_metadata(const std::string& path, const ZarrArrayForm& form,
                          const std::vector<std::int64_t>& shape,
                          const std::vector<std::int64_t>& chunk, const std::string& encoding);
  /// A category whose codes, `n_rows` of them, are asked for.
  using ReadCodes = std::function<std::vector<std::int32_t>(std::int64_t begin, std::int64_t end)>;
  void write_categories(const std::string& path, const CategoryColumn& category,
                        std::int64_t n_rows, const ReadCodes& read);
  void write_numbers(const std::string& path, std::span<const double> values,
                     NumberColumn::Kind kind, const std::vector<std::int64_t>& shape,
                     const std::string& encoding);
  void write_texts(const std::string& path, const std::vector<std::string>& texts,
                   const std::vector<std::int64_t>& shape, const std::string& encoding);
  void write_json(const std::filesystem::path& file, const Json& json) const;
  /// The file with the consolidated metadata, where the store has them.
  [[nodiscard]] std::optional<Json> read_consolidated() const;
  [[nodiscard]] bool is_staged() const { return staging_ != folder_; }
  /// Whether the store has a node that is not removed.
  [[nodiscard]] bool is_in_store(const std::string& path) const;
  /// The topmost of the new nodes.
  [[nodiscard]] std::set<std::string> new_tops() const;
  /// The metadata of obs, by their key, without the columns that are removed.
  [[nodiscard]] std::map<std::string, Json> frames_without_removed() const;
  /// metadata_, and of the groups that its nodes lie in what the consolidated metadata lack: a run
  /// that was killed may have left a group that they do not know.
  [[nodiscard]] std::map<std::string, Json> metadata_with_groups(const Json& consolidated) const;

  std::filesystem::path folder_;
  std::filesystem::path staging_;  ///< where nodes are written; may be the folder itself
  std::string name_;
  int version_ = 2;
  std::map<std::string, Json> metadata_;  ///< of new and changed files, by their keys
  std::vector<std::string> removed_;      ///< nodes
  std::vector<std::string> forgetting_;   ///< files that are first replaced by ones that know less
  bool has_consolidated_ = false;
  bool is_kept_aside_ = false;
};

}  // namespace saithe::io
