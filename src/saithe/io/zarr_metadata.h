#pragma once

// What a Zarr store says of its nodes: .zgroup, .zattrs and .zarray of version 2, zarr.json of
// version 3, brought to one form. Private to io/.

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "saithe/io/zarr_codecs.h"
#include "saithe/io/zarr_store.h"

namespace saithe::io {

/// Of one file of metadata; a longer one is taken for damaged.
inline constexpr std::int64_t kMaxMetadataBytes = std::int64_t{1} << 28;

/// What one value of an array is.
struct ZarrType {
  enum class Kind {
    Signed,
    Unsigned,
    Float,
    Boolean,
    VlenText,   ///< UTF-8 of any length, a chunk decodes to texts
    FixedText,  ///< bytes up to the first 0
    WideText,   ///< UTF-32 up to the first 0
    Record,     ///< several fields (AnnData 0.6)
    Other
  };
  struct Field;
  Kind kind = Kind::Other;
  std::int64_t bytes = 0;  ///< of one value; 0: VlenText
  bool is_big_endian = false;
  std::vector<Field> fields;  ///< Record
  std::string name;           ///< as the store writes it
};
struct ZarrType::Field {
  std::string name;
  std::int64_t offset = 0;
  ZarrType type;
};

/// An array as both versions describe it.
struct ZarrLayout {
  ZarrType type;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> chunk;  ///< what is packed as a whole: the inner chunk of a shard
  std::vector<ZarrStep> steps;      ///< by which it is packed
  bool is_column_major = false;     ///< within a chunk
  double fill_value = 0;            ///< of numbers in chunks that are not stored

  std::vector<std::int64_t> shard;  ///< what a key holds; the chunk itself where nothing is sharded
  bool is_sharded = false;
  bool has_index_at_end = true;
  std::vector<ZarrStep> index_steps;

  std::string key_prefix;  ///< "c" and a separator in version 3
  char key_separator = '.';
};

/// A node: a group or an array, with its attributes.
class ZarrNode {
 public:
  /// The node at `path` ("" is the root); nothing if there is none. Throws Error(BadFormat).
  static std::optional<ZarrNode> find(std::shared_ptr<const ZarrStore> store,
                                      const std::string& path);

  [[nodiscard]] bool is_array() const { return layout_.has_value(); }
  [[nodiscard]] int version() const { return version_; }
  /// Throws Error(BadFormat) on a group.
  [[nodiscard]] const ZarrLayout& layout() const;
  [[nodiscard]] const ZarrStore& store() const { return *store_; }
  [[nodiscard]] std::shared_ptr<const ZarrStore> shared_store() const { return store_; }
  /// The key of something in this node.
  [[nodiscard]] std::string key(const std::string& name) const {
    return path_.empty() ? name : path_ + "/" + name;
  }
  /// "STORE/obs/louvain", for messages.
  [[nodiscard]] std::string where() const;

  /// A node in this group; nothing if there is none.
  [[nodiscard]] std::optional<ZarrNode> child(const std::string& name) const;
  /// The same; Error(BadFormat) if there is none.
  [[nodiscard]] ZarrNode get(const std::string& name) const;
  /// Names of the nodes in this group, sorted.
  [[nodiscard]] std::vector<std::string> names() const;

  [[nodiscard]] bool has_attribute(const std::string& name) const {
    return attributes_.contains(name);
  }
  [[nodiscard]] std::optional<std::string> text_attribute(const std::string& name) const;
  [[nodiscard]] bool flag_attribute(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> text_list_attribute(const std::string& name) const;
  [[nodiscard]] std::vector<std::int64_t> integer_attribute(const std::string& name) const;

 private:
  std::shared_ptr<const ZarrStore> store_;
  std::string path_;
  int version_ = 2;
  nlohmann::json attributes_;
  std::optional<ZarrLayout> layout_;
};

/// An array's layout from its .zarray (version 2) or zarr.json (version 3). Throws
/// Error(BadFormat), beginning with `where`, on what is damaged or not read, which it names.
ZarrLayout parse_zarr_layout(const nlohmann::json& metadata, int version, const std::string& where);

}  // namespace saithe::io
