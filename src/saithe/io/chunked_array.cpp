#include "saithe/io/chunked_array.h"

#include <algorithm>
#include <array>
#include <type_traits>

#include "saithe/core/parallel.h"

namespace saithe::io {
namespace {

// What is fetched before it is inflated together.
constexpr std::int64_t kBytesAtOnce = std::int64_t{1} << 26;
constexpr std::int64_t kChunksAtOnce = 256;
// Of many, so many are unpacked by one thread in the same memory.
constexpr std::int64_t kManyChunks = 64;
constexpr std::int64_t kChunksOfTask = 4;
// Chunks from this size on are unpacked one after the other.
constexpr std::int64_t kLargeChunkBytes = std::int64_t{1} << 23;
// What is kept of a file's chunks, beside the one that each array used last.
constexpr std::int64_t kMostKeptBytes = std::int64_t{1} << 26;
constexpr std::int64_t kKeptShare = 8;  // of the memory

/// What values that begin at `begin` of the array have of a chunk.
struct PartOfChunk {
  PartOfChunk(std::int64_t chunk_begin, std::int64_t chunk_size, std::int64_t begin,
              std::int64_t n_values) {
    const std::int64_t from = std::max(begin, chunk_begin);
    const std::int64_t to = std::min(begin + n_values, chunk_begin + chunk_size);
    in_chunk = from - chunk_begin;
    in_values = as_size(from - begin);
    n = as_size(to - from);
  }
  std::int64_t in_chunk = 0;
  std::size_t in_values = 0;
  std::size_t n = 0;
};

}  // namespace

ChunkedArray::ChunkedArray(Hdf5Dataset dataset) : chunks_(std::move(dataset)) {
  const std::size_t n_axes = chunks_.dataset().shape().size();
  if (n_axes != 1) {
    fail(ErrorKind::BadFormat, "{}: has {} axes; expected one", chunks_.dataset().where(), n_axes);
  }
  if (chunks_.are_own()) chunk_size_ = chunks_.n_values();
}

std::int64_t ChunkedArray::most_kept_bytes() const {
  return chunk_size_ > 0 && chunks_.n_bytes() >= kLargeChunkBytes ? chunks_.n_bytes() : 0;
}

std::int64_t ChunkedArray::most_unpacking_bytes() const {
  return most_kept_bytes() > 0 ? chunks_.unpacking_bytes() + bytes_of_others_ : 0;
}

void ChunkedArray::require_room(const Context& context) const {
  if (const std::int64_t bytes = most_unpacking_bytes(); bytes > 0) {
    require_room_for_chunk(dataset().where(), chunk_size_, bytes, context);
  }
}

template <typename Value>
void ChunkedArray::read_through_hdf5(std::int64_t begin, std::span<Value> values) const {
  const std::array<std::int64_t, 1> start = {begin};
  const std::array<std::int64_t, 1> count = {std::ssize(values)};
  if constexpr (std::is_floating_point_v<Value>) {
    dataset().read_block(start, count, values);
  } else {
    // HDF5 clips what does not fit; 64 bits show it.
    if (dataset().kind() == StoredKind::Float) {
      fail(ErrorKind::BadFormat, "{}: expected whole numbers, found floating-point numbers",
           dataset().where());
    }
    std::vector<std::int64_t> wide(values.size());
    dataset().read_block(start, count, std::span<std::int64_t>(wide));
    convert_integers(wide, dataset().where(), values);
  }
}

void ChunkedArray::keep(std::int64_t number, ChunkBytes bytes, const Context& context) const {
  held_ = {number, bytes};
  dataset().cache().keep(dataset().where(), number, std::move(bytes),
                         std::min(kMostKeptBytes, context.max_memory / kKeptShare));
}

template <typename Value>
bool ChunkedArray::read_kept(std::int64_t number, std::int64_t begin,
                             std::span<Value> values) const {
  ChunkBytes bytes = held_.number == number ? held_.bytes : nullptr;
  if (bytes == nullptr) bytes = dataset().cache().find(dataset().where(), number);
  if (bytes == nullptr) return false;
  held_ = {number, bytes};
  const PartOfChunk part(number * chunk_size_, chunk_size_, begin, std::ssize(values));
  chunks_.convert(*bytes, part.in_chunk, values.subspan(part.in_values, part.n));
  return true;
}

/// The chunks [first, first + n), none of which is kept.
template <typename Value>
void ChunkedArray::unpack_chunks(std::int64_t first, std::int64_t n, std::int64_t begin,
                                 std::span<Value> values, const Context& context) const {
  const StoredChunks fetched = dataset().fetch_chunks(first, n);
  std::vector<ChunkBytes> used_in_part(as_size(n));
  const auto unpack = [&](std::int64_t i, UnpackedChunk& unpacked) {
    const StoredChunk& source = fetched.chunks[as_size(i)];
    const PartOfChunk part((first + i) * chunk_size_, chunk_size_, begin, std::ssize(values));
    const auto out = values.subspan(part.in_values, part.n);
    if (!source.is_stored) return chunks_.fill(out);
    if (std::ssize(out) == chunk_size_) return chunks_.unpack_all(source, first + i, out, unpacked);
    chunks_.unpack(source, first + i, unpacked);
    chunks_.convert(unpacked.bytes, part.in_chunk, out);
    const std::int64_t n_there = std::min(chunk_size_, size() - (first + i) * chunk_size_);
    if (std::ssize(out) == n_there) return;
    used_in_part[as_size(i)] =
        std::make_shared<const std::vector<unsigned char>>(std::move(unpacked.bytes));
  };
  const std::int64_t n_of_task = n < kManyChunks ? 1 : kChunksOfTask;
  parallel_for(context, n, n_of_task, [&](std::int64_t from, std::int64_t to) {
    UnpackedChunk unpacked;
    for (std::int64_t i = from; i < to; ++i) unpack(i, unpacked);
  });
  for (std::int64_t i = 0; i < n; ++i) {
    if (fetched.chunks[as_size(i)].is_stored) dataset().cache().count_unpacked(1);
    if (used_in_part[as_size(i)]) keep(first + i, std::move(used_in_part[as_size(i)]), context);
  }
}

template <typename Value>
void ChunkedArray::read_any(std::int64_t begin, std::span<Value> values,
                            const Context& context) const {
  const auto end = begin + static_cast<std::int64_t>(values.size());
  SAITHE_ASSERT(0 <= begin && end <= size());
  if (values.empty()) return;
  if (chunks_.is_one_piece()) return chunks_.read(begin, values, context);
  if (chunk_size_ == 0) return read_through_hdf5(begin, values);

  const bool is_large = chunks_.n_bytes() >= kLargeChunkBytes;
  require_room(context);
  const std::int64_t n_at_once =
      is_large ? 1 : std::clamp<std::int64_t>(kBytesAtOnce / chunks_.n_bytes(), 1, kChunksAtOnce);
  const std::int64_t last_chunk = (end - 1) / chunk_size_;
  std::int64_t chunk = begin / chunk_size_;
  while (chunk <= last_chunk && read_kept(chunk, begin, values)) ++chunk;
  while (chunk <= last_chunk) {
    if (is_large) held_ = {};  // its memory makes room for the next
    const std::int64_t n = std::min(n_at_once, last_chunk + 1 - chunk);
    unpack_chunks(chunk, n, begin, values, context);
    chunk += n;
  }
}

void ChunkedArray::read(std::int64_t begin, std::span<float> values, const Context& context) const {
  read_any(begin, values, context);
}
void ChunkedArray::read(std::int64_t begin, std::span<std::int32_t> values,
                        const Context& context) const {
  read_any(begin, values, context);
}
void ChunkedArray::read(std::int64_t begin, std::span<std::int64_t> values,
                        const Context& context) const {
  read_any(begin, values, context);
}

}  // namespace saithe::io
