#include "saithe/io/zarr_shards.h"

#include "saithe/core/error.h"
#include "saithe/core/types.h"
#include "saithe/io/zarr_codecs.h"

namespace saithe::io {
namespace {

// Indices of shards that are kept.
constexpr std::size_t kKeptIndices = 8;
constexpr std::int64_t kEntryBytes = 16;
constexpr std::int64_t kChecksumBytes = 4;
constexpr std::uint64_t kNotStored = ~std::uint64_t{0};

std::uint64_t number_at(const std::string& bytes, std::size_t begin) {
  std::uint64_t value = 0;
  for (std::size_t i = 8; i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[begin + i]);
  }
  return value;
}

}  // namespace

std::shared_ptr<const ZarrShards::Index> ZarrShards::index_of(const ZarrNode& array,
                                                              const std::string& key) {
  const std::lock_guard lock(mutex_);
  for (const auto& index : indices_) {
    if (index->key == key) return index;
  }
  auto index = std::make_shared<Index>();
  index->key = key;
  if (const auto n = array.store().size(key)) {
    const ZarrLayout& layout = array.layout();
    std::int64_t n_entries = 1;
    for (std::size_t i = 0; i < layout.chunk.size(); ++i) {
      n_entries *= layout.shard[i] / layout.chunk[i];
    }
    const std::int64_t n_content = kEntryBytes * n_entries;
    const std::int64_t n_index = n_content + kChecksumBytes * std::ssize(layout.index_steps);
    if (n_index > *n) {
      fail(ErrorKind::BadFormat,
           "{}: the shard {} has {} bytes, fewer than its index; the store is damaged",
           array.where(), key, *n);
    }
    index->bytes = *n;
    index->entries =
        unpack_zarr(array.store().read(key, layout.has_index_at_end ? *n - n_index : 0, n_index),
                    layout.index_steps, n_content, array.where() + ": index of " + key);
  }
  indices_.push_back(index);
  if (indices_.size() > kKeptIndices) indices_.pop_front();
  return index;
}

std::optional<std::string> ZarrShards::read(const ZarrNode& array, const std::string& key,
                                            std::int64_t number, const std::string& chunk) {
  const auto index = index_of(array, key);
  if (index->bytes == 0) return std::nullopt;
  const auto entry = as_size(kEntryBytes * number);
  const std::uint64_t offset = number_at(index->entries, entry);
  const std::uint64_t n = number_at(index->entries, entry + 8);
  if (offset == kNotStored && n == kNotStored) return std::nullopt;
  const auto n_shard = static_cast<std::uint64_t>(index->bytes);
  if (offset > n_shard || n > n_shard - offset) {
    fail(ErrorKind::BadFormat, "{}: lies outside of its shard; the store is damaged", chunk);
  }
  return array.store().read(key, static_cast<std::int64_t>(offset), static_cast<std::int64_t>(n));
}

}  // namespace saithe::io
