#include "saithe/io/chunk_cache.h"

#include <algorithm>
#include <iterator>

namespace saithe::io {

template <typename Bytes>
auto BasicChunkCache<Bytes>::find(const std::string& where, std::int64_t number) -> ChunkBytes {
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) {
    return kept.number == number && kept.where == where;
  });
  if (found == kept_.end()) return nullptr;
  kept_.splice(kept_.begin(), kept_, found);
  return kept_.front().bytes;
}

template <typename Bytes>
void BasicChunkCache<Bytes>::keep(const std::string& where, std::int64_t number, ChunkBytes bytes,
                                  std::int64_t most_bytes) {
  const std::int64_t n_bytes = std::ssize(*bytes);
  if (n_bytes > most_bytes || find(where, number) != nullptr) return;
  for (; bytes_kept_ + n_bytes > most_bytes; kept_.pop_back()) {
    bytes_kept_ -= std::ssize(*kept_.back().bytes);
  }
  kept_.push_front({where, number, std::move(bytes)});
  bytes_kept_ += n_bytes;
}

template <typename Bytes>
void BasicChunkCache<Bytes>::give_up_all() {
  kept_.clear();
  bytes_kept_ = 0;
}

template class BasicChunkCache<std::vector<unsigned char>>;
template class BasicChunkCache<std::string>;

}  // namespace saithe::io
