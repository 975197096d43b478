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

namespace saithe::io {
namespace {

// What is fetched before it is inflated together.
constexpr std::int64_t kBytesAtOnce = std::int64_t{1} << 26;
constexpr std::int64_t kChunksAtOnce = 256;
// A chunk from this size on is kept unpacked until another is asked for.
constexpr std::int64_t kLargeChunkBytes = std::int64_t{1} << 23;

/// The number types whose bytes saithe converts itself; of others value_bytes is 0.
NumberLayout layout_of(hid_t type) {
  struct Known {
    hid_t type;
    NumberLayout layout;
  };
  const Known known[] = {
      {H5T_STD_I8LE, {1, false, true, false}},  {H5T_STD_U8LE, {1, false, false, false}},
      {H5T_STD_I16LE, {2, false, true, false}}, {H5T_STD_U16LE, {2, false, false, false}},
      {H5T_STD_I32LE, {4, false, true, false}}, {H5T_STD_U32LE, {4, false, false, false}},
      {H5T_STD_I64LE, {8, false, true, false}}, {H5T_STD_U64LE, {8, false, false, false}},
      {H5T_IEEE_F32LE, {4, true, true, false}}, {H5T_IEEE_F64LE, {8, true, true, false}},
      {H5T_STD_I8BE, {1, false, true, false}},  {H5T_STD_U8BE, {1, false, false, false}},
      {H5T_STD_I16BE, {2, false, true, true}},  {H5T_STD_U16BE, {2, false, false, true}},
      {H5T_STD_I32BE, {4, false, true, true}},  {H5T_STD_U32BE, {4, false, false, true}},
      {H5T_STD_I64BE, {8, false, true, true}},  {H5T_STD_U64BE, {8, false, false, true}},
      {H5T_IEEE_F32BE, {4, true, true, true}},  {H5T_IEEE_F64BE, {8, true, true, true}},
  };
  static_assert(std::endian::native == std::endian::little);
  for (const Known& one : known) {
    if (H5Tequal(type, one.type) > 0) return one.layout;
  }
  return {};
}

}  // namespace

/// A chunk as it lies in the file.
struct ChunkedArray::RawChunk {
  std::int64_t index = 0;
  bool is_stored = false;  // a chunk that was never written holds the fill value
  std::uint32_t skipped_filters = 0;
  std::vector<unsigned char> bytes;
};

ChunkedArray::ChunkedArray(Hdf5Dataset dataset) : dataset_(std::move(dataset)) {
  if (dataset_.shape().size() != 1) {
    fail(ErrorKind::BadFormat, "{}: has {} axes; expected one", dataset_.where(),
         dataset_.shape().size());
  }
  if (dataset_.kind() != StoredKind::Integer && dataset_.kind() != StoredKind::Float) {
    fail(ErrorKind::BadFormat, "{}: expected numbers, found another kind of values",
         dataset_.where());
  }
  const Hdf5Id type(H5Dget_type(dataset_.id()));
  layout_ = layout_of(type.get());
  const Hdf5Id creation(H5Dget_create_plist(dataset_.id()));
  if (H5Pget_layout(creation.get()) != H5D_CHUNKED) return;

  hsize_t chunk = 0;
  H5Pget_chunk(creation.get(), 1, &chunk);
  filters_ = filters_of(creation.get());
  const bool are_own = std::all_of(filters_.begin(), filters_.end(), is_own_filter);
  if (are_own && layout_.value_bytes > 0 && chunk > 0) {
    chunk_size_ = checked_cast<std::int64_t>(chunk, dataset_.where().c_str());
    fill_value_.resize(dataset_.value_bytes());
    if (H5Pget_fill_value(creation.get(), type.get(), fill_value_.data()) < 0) fail_damaged(0);
  }
}

void ChunkedArray::fail_damaged(std::int64_t chunk) const {
  fail(ErrorKind::BadFormat,
       "{}: chunk {} cannot be read: the file is damaged or cut off. Copy it again.",
       dataset_.where(), chunk);
}

ChunkedArray::RawChunk ChunkedArray::fetch(std::int64_t chunk) const {
  RawChunk raw;
  raw.index = chunk;
  const auto offset = static_cast<hsize_t>(chunk * chunk_size_);
  hsize_t n_bytes = 0;
  if (H5Dget_chunk_storage_size(dataset_.id(), &offset, &n_bytes) < 0) {
    // Damaged, or never written? chunk_info says it, but walks over all chunks.
    unsigned mask = 0;
    haddr_t address = HADDR_UNDEF;
    const bool is_known =
        H5Dget_chunk_info_by_coord(dataset_.id(), &offset, &mask, &address, &n_bytes) >= 0;
    if (!is_known || address != HADDR_UNDEF) fail_damaged(chunk);
    return raw;
  }
  if (n_bytes == 0) return raw;
  if (n_bytes > static_cast<hsize_t>(dataset_.stored_bytes())) fail_damaged(chunk);
  raw.is_stored = true;
  raw.bytes.resize(n_bytes);
  std::uint32_t skipped = 0;
  if (H5Dread_chunk(dataset_.id(), H5P_DEFAULT, &offset, &skipped, raw.bytes.data()) < 0) {
    fail_damaged(chunk);
  }
  raw.skipped_filters = skipped;
  return raw;
}

void ChunkedArray::decode(RawChunk& raw) const {
  const auto n_bytes = as_size(checked_multiply(
      chunk_size_, static_cast<std::int64_t>(dataset_.value_bytes()), dataset_.where().c_str()));
  if (!undo_filters(filters_, raw.skipped_filters, dataset_.value_bytes(), n_bytes, raw.bytes)) {
    fail_damaged(raw.index);
  }
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
  if (layout_.is_swapped) return convert_layout<true>(layout_, source, dataset_.where(), out);
  convert_layout<false>(layout_, source, dataset_.where(), out);
}

template <typename Value>
void ChunkedArray::fill(std::span<Value> out) const {
  std::array<Value, 1> value{};
  convert(fill_value_, 0, std::span<Value>(value));
  std::fill(out.begin(), out.end(), value.front());
}

template <typename Value>
void ChunkedArray::read_through_hdf5(std::int64_t begin, std::span<Value> values,
                                     hid_t memory_type) const {
  const auto start = static_cast<hsize_t>(begin);
  const auto count = static_cast<hsize_t>(values.size());
  const auto read = [&](hid_t type, void* memory) {
    const Hdf5Id file_space(H5Dget_space(dataset_.id()));
    H5Sselect_hyperslab(file_space.get(), H5S_SELECT_SET, &start, nullptr, &count, nullptr);
    const Hdf5Id memory_space(H5Screate_simple(1, &count, nullptr));
    if (H5Dread(dataset_.id(), type, memory_space.get(), file_space.get(), H5P_DEFAULT, memory) <
        0) {
      fail(ErrorKind::BadFormat,
           "{}: cannot be read: the file is damaged or cut off. Copy it again.", dataset_.where());
    }
  };
  if constexpr (std::is_floating_point_v<Value>) {
    read(memory_type, values.data());
  } else {
    // HDF5 clips what does not fit; 64 bits show it.
    if (dataset_.kind() == StoredKind::Float) {
      fail(ErrorKind::BadFormat, "{}: expected whole numbers, found floating-point numbers",
           dataset_.where());
    }
    std::vector<std::int64_t> wide(values.size());
    read(H5T_NATIVE_INT64, wide.data());
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
      RawChunk raw = fetch(chunk);
      if (raw.is_stored) {
        decode(raw);
        held_ = {chunk, std::move(raw.bytes)};
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
void ChunkedArray::read_any(std::int64_t begin, std::span<Value> values, hid_t memory_type,
                            const Context& context) const {
  const auto end = begin + static_cast<std::int64_t>(values.size());
  SAITHE_ASSERT(0 <= begin && end <= size());
  if (values.empty()) return;
  if (chunk_size_ == 0) return read_through_hdf5(begin, values, memory_type);

  initialise_hdf5();  // this thread may not have opened the file
  const std::int64_t chunk_bytes = checked_multiply(
      chunk_size_, static_cast<std::int64_t>(dataset_.value_bytes()), dataset_.where().c_str());
  if (chunk_bytes >= kLargeChunkBytes) return read_large_chunks(begin, values);
  const std::int64_t n_at_once =
      std::clamp<std::int64_t>(kBytesAtOnce / chunk_bytes, 1, kChunksAtOnce);
  const std::int64_t first_chunk = begin / chunk_size_;
  const std::int64_t last_chunk = (end - 1) / chunk_size_;
  std::vector<RawChunk> raw;
  for (std::int64_t chunk = first_chunk; chunk <= last_chunk; chunk += n_at_once) {
    raw.clear();
    const std::int64_t chunks_end = std::min(chunk + n_at_once, last_chunk + 1);
    for (std::int64_t c = chunk; c < chunks_end; ++c) raw.push_back(fetch(c));
    parallel_for(context, static_cast<std::int64_t>(raw.size()), 1,
                 [&](std::int64_t i, std::int64_t) {
                   RawChunk& source = raw[as_size(i)];
                   const std::int64_t chunk_begin = source.index * chunk_size_;
                   const std::int64_t from = std::max(begin, chunk_begin);
                   const std::int64_t to = std::min(end, chunk_begin + chunk_size_);
                   const auto out = values.subspan(as_size(from - begin), as_size(to - from));
                   if (!source.is_stored) {
                     fill(out);
                     return;
                   }
                   decode(source);
                   convert(source.bytes, from - chunk_begin, out);
                   source.bytes = {};
                 });
  }
}

void ChunkedArray::read(std::int64_t begin, std::span<float> values, const Context& context) const {
  read_any(begin, values, H5T_NATIVE_FLOAT, context);
}
void ChunkedArray::read(std::int64_t begin, std::span<std::int32_t> values,
                        const Context& context) const {
  read_any(begin, values, H5T_NATIVE_INT32, context);
}
void ChunkedArray::read(std::int64_t begin, std::span<std::int64_t> values,
                        const Context& context) const {
  read_any(begin, values, H5T_NATIVE_INT64, context);
}

}  // namespace saithe::io
