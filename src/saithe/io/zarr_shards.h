#pragma once

// Chunks that lie together in the shards of a Zarr v3 array. Private to io/.

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "saithe/io/zarr_metadata.h"

namespace saithe::io {

/// Reads chunks out of one array's shards. The indices of the last shards are kept: blocks of cells
/// follow each other, so few are enough. Several threads may read at once.
class ZarrShards {
 public:
  /// The packed bytes of the chunk `number` in the shard of that key, in which chunks are counted
  /// with the last axis fastest; nothing if it is not stored. `chunk`: what messages call it.
  /// Throws Error(BadFormat).
  [[nodiscard]] std::optional<std::string> read(const ZarrNode& array, const std::string& key,
                                                std::int64_t number, const std::string& chunk);

 private:
  /// Where each chunk of a shard lies.
  struct Index {
    std::string key;
    std::int64_t bytes = 0;  // of the shard; 0: it is not stored
    std::string entries;     // pairs of offset and size, 8 bytes each
  };
  std::shared_ptr<const Index> index_of(const ZarrNode& array, const std::string& key);

  std::mutex mutex_;
  std::deque<std::shared_ptr<const Index>> indices_;
};

}  // namespace saithe::io
