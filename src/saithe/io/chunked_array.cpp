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
// A chunk from this size on is kept unpacked until another is asked for.
constexpr std::int64_t kLargeChunkBytes = std::int64_t{1} << 23;

}  // namespace

ChunkedArray::ChunkedArray(Hdf5Dataset dataset) : chunks_(std::move(dataset)) {
  const std::size_t n_axes = chunks_.dataset().shape().size();
  if (n_axes != 1) {
    fail(ErrorKind::BadFormat, "{}: has {} axes; expected one", chunks_.dataset().where(), n_axes);
  }
  if (chunks_.are_own()) chunk_size_ = chunks_.n_values();
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

template <typename Value>
void ChunkedArray::read_large_chunks(std::int64_t begin, std::span<Value> values,
                                     const Context& context) const {
  require_room_for_chunk(dataset().where(), chunk_size_, chunks_.unpacking_bytes(), context);
  const auto end = begin + static_cast<std::int64_t>(values.size());
  for (std::int64_t from = begin; from < end;) {
    const std::int64_t chunk = from / chunk_size_;
    const std::int64_t to = std::min(end, (chunk + 1) * chunk_size_);
    const auto out = values.subspan(as_size(from - begin), as_size(to - from));
    if (held_.index != chunk) {
      held_ = {};
      const StoredChunks fetched = dataset().fetch_chunks(chunk, 1);
      if (fetched.chunks.front().is_stored) {
        held_ = {chunk, chunks_.unpack(fetched.chunks.front(), chunk)};
      }
    }
    if (held_.index == chunk) {
      chunks_.convert(held_.bytes, from - chunk * chunk_size_, out);
    } else {
      chunks_.fill(out);
    }
    from = to;
  }
}

template <typename Value>
void ChunkedArray::read_any(std::int64_t begin, std::span<Value> values,
                            const Context& context) const {
  const auto end = begin + static_cast<std::int64_t>(values.size());
  SAITHE_ASSERT(0 <= begin && end <= size());
  if (values.empty()) return;
  if (chunk_size_ == 0) return read_through_hdf5(begin, values);

  if (chunks_.n_bytes() >= kLargeChunkBytes) return read_large_chunks(begin, values, context);
  const std::int64_t n_at_once =
      std::clamp<std::int64_t>(kBytesAtOnce / chunks_.n_bytes(), 1, kChunksAtOnce);
  const std::int64_t first_chunk = begin / chunk_size_;
  const std::int64_t last_chunk = (end - 1) / chunk_size_;
  for (std::int64_t chunk = first_chunk; chunk <= last_chunk; chunk += n_at_once) {
    const std::int64_t n_chunks = std::min(n_at_once, last_chunk + 1 - chunk);
    const StoredChunks fetched = dataset().fetch_chunks(chunk, n_chunks);
    parallel_for(context, n_chunks, 1, [&](std::int64_t i, std::int64_t) {
      const StoredChunk& source = fetched.chunks[as_size(i)];
      const std::int64_t chunk_begin = (chunk + i) * chunk_size_;
      const std::int64_t from = std::max(begin, chunk_begin);
      const std::int64_t to = std::min(end, chunk_begin + chunk_size_);
      const auto out = values.subspan(as_size(from - begin), as_size(to - from));
      if (!source.is_stored) return chunks_.fill(out);
      chunks_.convert(chunks_.unpack(source, chunk + i), from - chunk_begin, out);
    });
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
