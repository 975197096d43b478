#pragma once

// Unpacked chunks of a file that are likely to be asked for again. Private to io/.

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace saithe::io {

/// Chunks of which a part was used: the places are told from samples of the cells, and blocks of
/// cells seldom end where chunks do. The chunks used last are kept. For one thread at a time.
/// `Bytes` is what holds the bytes of a chunk without its filters: those of chunk_cache.cpp.
template <typename Bytes>
class BasicChunkCache {
 public:
  using ChunkBytes = std::shared_ptr<const Bytes>;
  /// Chunk `number` of the dataset `where`; null if it is not here.
  [[nodiscard]] ChunkBytes find(const std::string& where, std::int64_t number);
  /// Keeps a chunk, and gives up others, until at most `most_bytes` are kept.
  void keep(const std::string& where, std::int64_t number, ChunkBytes bytes,
            std::int64_t most_bytes);
  void give_up_all();

  [[nodiscard]] std::int64_t bytes_kept() const { return bytes_kept_; }
  /// How many chunks had to be unpacked, for those who count.
  [[nodiscard]] std::int64_t n_unpacked() const { return n_unpacked_; }
  void count_unpacked(std::int64_t n) { n_unpacked_ += n; }

 private:
  struct Kept {
    std::string where;
    std::int64_t number = 0;
    ChunkBytes bytes;
  };
  std::list<Kept> kept_;  // the one used last is first
  std::int64_t bytes_kept_ = 0;
  std::int64_t n_unpacked_ = 0;
};

/// Of HDF5.
using ChunkCache = BasicChunkCache<std::vector<unsigned char>>;
using ChunkBytes = ChunkCache::ChunkBytes;

}  // namespace saithe::io
