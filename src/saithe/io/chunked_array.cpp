#include "saithe/io/chunked_array.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "saithe/core/parallel.h"
#include "saithe/core/usable_memory.h"
#include "saithe/io/chunk_filters.h"

namespace saithe::io {
namespace {

// What is fetched before it is inflated together.
constexpr std::int64_t kBytesAtOnce = std::int64_t{1} << 26;
constexpr std::int64_t kChunksAtOnce = 256;
// A chunk from this size on is kept unpacked until another is asked for.
constexpr std::int64_t kLargeChunkBytes = std::int64_t{1} << 23;

}  // namespace

ChunkedArray::ChunkedArray(Hdf5Dataset dataset) : dataset_(std::move(dataset)) {
  if (dataset_.shape().size() != 1) {
    fail(ErrorKind::BadFormat, "{}: has {} axes; expected one", dataset_.where(),
         dataset_.shape().size());
  }
  if (dataset_.kind() != StoredKind::Integer && dataset_.kind() != StoredKind::Float) {
    fail(ErrorKind::BadFormat, "{}: expected numbers, found another kind of values",
         dataset_.where());
  }
  const DatasetDescription& description = dataset_.description();
  if (description.chunk_shape.size() != 1) return;
  const std::vector<int>& filters = description.filters;
  const bool are_own = std::all_of(filters.begin(), filters.end(), is_own_filter);
  if (are_own && description.layout.value_bytes > 0 && description.chunk_shape.front() > 0) {
    chunk_size_ = description.chunk_shape.front();
    if (description.fill_value.empty()) fail_damaged(0);
  }
}

void ChunkedArray::fail_damaged(std::int64_t chunk) const {
  fail(ErrorKind::BadFormat,
       "{}: chunk {} cannot be read: the file is damaged or cut off. Copy it again.",
       dataset_.where(), chunk);
}

std::vector<unsigned char> ChunkedArray::decode(const StoredChunk& chunk,
                                                std::int64_t index) const {
  const auto n_bytes = as_size(checked_multiply(
      chunk_size_, static_cast<std::int64_t>(dataset_.value_bytes()), dataset_.where().c_str()));
  std::vector<unsigned char> bytes;
  if (!undo_filters(dataset_.description().filters, chunk.skipped_filters, dataset_.value_bytes(),
                    n_bytes, chunk.bytes, bytes)) {
    fail_damaged(index);
  }
  return bytes;
}

namespace {

template <bool kSwapped, typename Stored, typename Value>
void convert_values(const unsigned char* source, const std::string& where, std::span<Value> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    Stored stored;
    if constexpr (kSwapped) {
      std::array<unsigned char, sizeof(Stored)> bytes{};
      std::reverse_copy(source + i * sizeof(Stored), source + (i + 1) * sizeof(Stored),
                        bytes.begin());
      stored = std::bit_cast<Stored>(bytes);
    } else {
      std::memcpy(&stored, source + i * sizeof(Stored), sizeof(Stored));
    }
    if constexpr (std::is_floating_point_v<Value>) {
      out[i] = static_cast<Value>(stored);
    } else if constexpr (std::is_floating_point_v<Stored>) {
      fail(ErrorKind::BadFormat, "{}: expected whole numbers, found floating-point numbers", where);
    } else {
      if (!std::in_range<Value>(stored)) {
        fail(ErrorKind::BadFormat, "{}: has the value {}, which is outside the range {} to {}",
             where, stored, std::numeric_limits<Value>::min(), std::numeric_limits<Value>::max());
      }
      out[i] = static_cast<Value>(stored);
    }
  }
}

template <bool kSwapped, typename Value>
void convert_layout(const NumberLayout& layout, const unsigned char* source,
                    const std::string& where, std::span<Value> out) {
  const auto as = [&]<typename Stored>(Stored) {
    convert_values<kSwapped, Stored>(source, where, out);
  };
  if (layout.is_float) return layout.value_bytes == 4 ? as(float{}) : as(double{});
  switch (layout.value_bytes) {
    case 1:
      return layout.is_signed ? as(std::int8_t{}) : as(std::uint8_t{});
    case 2:
      return layout.is_signed ? as(std::int16_t{}) : as(std::uint16_t{});
    case 4:
      return layout.is_signed ? as(std::int32_t{}) : as(std::uint32_t{});
    default:
      return layout.is_signed ? as(std::int64_t{}) : as(std::uint64_t{});
  }
}

}  // namespace

template <typename Value>
void ChunkedArray::convert(const std::vector<unsigned char>& bytes, std::int64_t first,
                           std::span<Value> out) const {
  const unsigned char* source = bytes.data() + as_size(first) * dataset_.value_bytes();
  const NumberLayout& layout = dataset_.description().layout;
  if (layout.is_swapped) return convert_layout<true>(layout, source, dataset_.where(), out);
  convert_layout<false>(layout, source, dataset_.where(), out);
}

template <typename Value>
void ChunkedArray::fill(std::span<Value> out) const {
  std::array<Value, 1> value{};
  convert(dataset_.description().fill_value, 0, std::span<Value>(value));
  std::fill(out.begin(), out.end(), value.front());
}

template <typename Value>
void ChunkedArray::read_through_hdf5(std::int64_t begin, std::span<Value> values) const {
  const std::array<std::int64_t, 1> start = {begin};
  const std::array<std::int64_t, 1> count = {std::ssize(values)};
  if constexpr (std::is_floating_point_v<Value>) {
    dataset_.read_block(start, count, values);
  } else {
    // HDF5 clips what does not fit; 64 bits show it.
    if (dataset_.kind() == StoredKind::Float) {
      fail(ErrorKind::BadFormat, "{}: expected whole numbers, found floating-point numbers",
           dataset_.where());
    }
    std::vector<std::int64_t> wide(values.size());
    dataset_.read_block(start, count, std::span<std::int64_t>(wide));
    convert_values<false, std::int64_t>(reinterpret_cast<const unsigned char*>(wide.data()),
                                        dataset_.where(), values);
  }
}

template <typename Value>
void ChunkedArray::read_large_chunks(std::int64_t begin, std::span<Value> values) const {
  const auto end = begin + static_cast<std::int64_t>(values.size());
  for (std::int64_t from = begin; from < end;) {
    const std::int64_t chunk = from / chunk_size_;
    const std::int64_t to = std::min(end, (chunk + 1) * chunk_size_);
    const auto out = values.subspan(as_size(from - begin), as_size(to - from));
    if (held_.index != chunk) {
      require_memory(dataset_.where(), chunk_size_,
                     static_cast<std::int64_t>(dataset_.value_bytes()));
      held_ = {};
      const StoredChunks fetched = dataset_.fetch_chunks(chunk, 1);
      if (fetched.chunks.front().is_stored) {
        held_ = {chunk, decode(fetched.chunks.front(), chunk)};
      }
    }
    if (held_.index == chunk) {
      convert(held_.bytes, from - chunk * chunk_size_, out);
    } else {
      fill(out);
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

  const std::int64_t chunk_bytes = checked_multiply(
      chunk_size_, static_cast<std::int64_t>(dataset_.value_bytes()), dataset_.where().c_str());
  if (chunk_bytes >= kLargeChunkBytes) return read_large_chunks(begin, values);
  const std::int64_t n_at_once =
      std::clamp<std::int64_t>(kBytesAtOnce / chunk_bytes, 1, kChunksAtOnce);
  const std::int64_t first_chunk = begin / chunk_size_;
  const std::int64_t last_chunk = (end - 1) / chunk_size_;
  for (std::int64_t chunk = first_chunk; chunk <= last_chunk; chunk += n_at_once) {
    const std::int64_t n_chunks = std::min(n_at_once, last_chunk + 1 - chunk);
    const StoredChunks fetched = dataset_.fetch_chunks(chunk, n_chunks);
    parallel_for(context, n_chunks, 1, [&](std::int64_t i, std::int64_t) {
      const StoredChunk& source = fetched.chunks[as_size(i)];
      const std::int64_t chunk_begin = (chunk + i) * chunk_size_;
      const std::int64_t from = std::max(begin, chunk_begin);
      const std::int64_t to = std::min(end, chunk_begin + chunk_size_);
      const auto out = values.subspan(as_size(from - begin), as_size(to - from));
      if (!source.is_stored) return fill(out);
      convert(decode(source, chunk + i), from - chunk_begin, out);
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
