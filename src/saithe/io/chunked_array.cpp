#include "saithe/io/chunked_array.h"

#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "saithe/core/parallel.h"
#include "saithe/io/lzf_filter.h"

namespace saithe::io {
namespace {

// What is fetched before it is inflated together.
constexpr std::int64_t kBytesAtOnce = std::int64_t{1} << 26;
constexpr std::int64_t kChunksAtOnce = 256;

bool is_native_number(hid_t type) {
  const auto order = H5Tget_order(type);
  const bool is_native_order =
      std::endian::native == std::endian::little ? order == H5T_ORDER_LE : order == H5T_ORDER_BE;
  return is_native_order || H5Tget_size(type) == 1;
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
  is_float_ = H5Tget_class(type.get()) == H5T_FLOAT;
  is_signed_ = !is_float_ && H5Tget_sign(type.get()) == H5T_SGN_2;
  const Hdf5Id creation(H5Dget_create_plist(dataset_.id()));
  if (H5Pget_layout(creation.get()) != H5D_CHUNKED) return;

  hsize_t chunk = 0;
  H5Pget_chunk(creation.get(), 1, &chunk);
  bool has_known_filters = true;
  const int n_filters = H5Pget_nfilters(creation.get());
  for (int i = 0; i < n_filters; ++i) {
    unsigned flags = 0;
    std::size_t n_values = 0;
    const int id = H5Pget_filter2(creation.get(), static_cast<unsigned>(i), &flags, &n_values,
                                  nullptr, 0, nullptr, nullptr);
    const bool is_ours = id == H5Z_FILTER_DEFLATE || id == H5Z_FILTER_SHUFFLE ||
                         id == H5Z_FILTER_FLETCHER32 || id == kLzfFilter;
    has_known_filters = has_known_filters && is_ours;
    filters_.push_back({id});
  }
  const bool is_plain_number =
      is_native_number(type.get()) &&
      (is_float_ ? dataset_.value_bytes() == 4 || dataset_.value_bytes() == 8
                 : std::has_single_bit(dataset_.value_bytes()) && dataset_.value_bytes() <= 8);
  if (has_known_filters && is_plain_number && chunk > 0) {
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

void ChunkedArray::decode(const RawChunk& raw, std::vector<unsigned char>& bytes) const {
  const std::size_t value_bytes = dataset_.value_bytes();
  const auto n_full = as_size(checked_multiply(chunk_size_, static_cast<std::int64_t>(value_bytes),
                                               dataset_.where().c_str()));
  bytes = raw.bytes;
  std::vector<unsigned char> other;
  for (std::size_t i = filters_.size(); i-- > 0;) {
    if ((raw.skipped_filters >> i & 1U) != 0) continue;  // this chunk was stored without it
    switch (filters_[i].id) {
      case H5Z_FILTER_FLETCHER32: {
        if (bytes.size() < 4) fail_damaged(raw.index);
        std::uint32_t stored = 0;
        std::memcpy(&stored, bytes.data() + bytes.size() - 4, 4);
        bytes.resize(bytes.size() - 4);
        if (stored != fletcher32(bytes)) fail_damaged(raw.index);
        break;
      }
      case H5Z_FILTER_DEFLATE: {
        // 1 032 to 1 is the most that deflate can pack: a larger claim is a trap.
        if (n_full / 1100 > bytes.size()) fail_damaged(raw.index);
        // A checksum below deflate is inflated with the values.
        const bool has_inner_checksum =
            std::any_of(filters_.begin(), filters_.begin() + static_cast<std::ptrdiff_t>(i),
                        [](const Filter& f) { return f.id == H5Z_FILTER_FLETCHER32; });
        other.resize(n_full + (has_inner_checksum ? 4 : 0));
        const std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> inflater(
            libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
        if (libdeflate_zlib_decompress(inflater.get(), bytes.data(), bytes.size(), other.data(),
                                       other.size(), nullptr) != LIBDEFLATE_SUCCESS) {
          fail_damaged(raw.index);
        }
        bytes.swap(other);
        break;
      }
      case kLzfFilter: {
        if (n_full / 1100 > bytes.size()) fail_damaged(raw.index);
        other.resize(n_full);
        if (!inflate_lzf(bytes, other)) fail_damaged(raw.index);
        bytes.swap(other);
        break;
      }
      case H5Z_FILTER_SHUFFLE:
        unshuffle(bytes, value_bytes, other);
        bytes.swap(other);
        break;
      default:
        SAITHE_ASSERT(false);
    }
  }
  if (bytes.size() != n_full) fail_damaged(raw.index);
}

namespace {

template <typename Stored, typename Value>
void convert_values(const unsigned char* source, const std::string& where, std::span<Value> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    Stored stored;
    std::memcpy(&stored, source + i * sizeof(Stored), sizeof(Stored));
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

}  // namespace

template <typename Value>
void ChunkedArray::convert(const std::vector<unsigned char>& bytes, std::int64_t first,
                           std::span<Value> out) const {
  const std::string& where = dataset_.where();
  const unsigned char* source = bytes.data() + as_size(first) * dataset_.value_bytes();
  if (is_float_) {
    if (dataset_.value_bytes() == 4) return convert_values<float>(source, where, out);
    return convert_values<double>(source, where, out);
  }
  switch (dataset_.value_bytes()) {
    case 1:
      return is_signed_ ? convert_values<std::int8_t>(source, where, out)
                        : convert_values<std::uint8_t>(source, where, out);
    case 2:
      return is_signed_ ? convert_values<std::int16_t>(source, where, out)
                        : convert_values<std::uint16_t>(source, where, out);
    case 4:
      return is_signed_ ? convert_values<std::int32_t>(source, where, out)
                        : convert_values<std::uint32_t>(source, where, out);
    default:
      return is_signed_ ? convert_values<std::int64_t>(source, where, out)
                        : convert_values<std::uint64_t>(source, where, out);
  }
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
    if (is_float_) {
      fail(ErrorKind::BadFormat, "{}: expected whole numbers, found floating-point numbers",
           dataset_.where());
    }
    std::vector<std::int64_t> wide(values.size());
    read(H5T_NATIVE_INT64, wide.data());
    convert_values<std::int64_t>(reinterpret_cast<const unsigned char*>(wide.data()),
                                 dataset_.where(), values);
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
                   const RawChunk& source = raw[as_size(i)];
                   const std::int64_t chunk_begin = source.index * chunk_size_;
                   const std::int64_t from = std::max(begin, chunk_begin);
                   const std::int64_t to = std::min(end, chunk_begin + chunk_size_);
                   const auto out = values.subspan(as_size(from - begin), as_size(to - from));
                   if (!source.is_stored) {
                     std::array<Value, 1> fill{};
                     convert(fill_value_, 0, std::span<Value>(fill));
                     std::fill(out.begin(), out.end(), fill.front());
                     return;
                   }
                   std::vector<unsigned char> bytes;
                   decode(source, bytes);
                   convert(bytes, from - chunk_begin, out);
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

// ---- filters --------------------------------------------------------------------------------

void unshuffle(std::span<const unsigned char> shuffled, std::size_t value_bytes,
               std::vector<unsigned char>& bytes) {
  bytes.resize(shuffled.size());
  const std::size_t n = shuffled.size() / value_bytes;
  for (std::size_t b = 0; b < value_bytes; ++b) {
    const unsigned char* source = shuffled.data() + b * n;
    for (std::size_t i = 0; i < n; ++i) bytes[i * value_bytes + b] = source[i];
  }
  // Bytes that fill no value stand at the end as they are.
  std::copy(shuffled.begin() + static_cast<std::ptrdiff_t>(n * value_bytes), shuffled.end(),
            bytes.begin() + static_cast<std::ptrdiff_t>(n * value_bytes));
}

void shuffle(std::span<const unsigned char> bytes, std::size_t value_bytes,
             std::vector<unsigned char>& shuffled) {
  shuffled.resize(bytes.size());
  const std::size_t n = bytes.size() / value_bytes;
  SAITHE_ASSERT(n * value_bytes == bytes.size());
  for (std::size_t b = 0; b < value_bytes; ++b) {
    unsigned char* target = shuffled.data() + b * n;
    for (std::size_t i = 0; i < n; ++i) target[i] = bytes[i * value_bytes + b];
  }
}

std::uint32_t fletcher32(std::span<const unsigned char> bytes) {
  std::uint32_t sum1 = 0;
  std::uint32_t sum2 = 0;
  const auto add = [&](std::uint32_t word) {
    sum1 += word;
    sum1 = (sum1 & 0xFFFFU) + (sum1 >> 16);
    sum2 += sum1;
    sum2 = (sum2 & 0xFFFFU) + (sum2 >> 16);
  };
  std::size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2) add((std::uint32_t{bytes[i]} << 8) | bytes[i + 1]);
  if (i < bytes.size()) add(std::uint32_t{bytes[i]} << 8);
  return (sum2 << 16) | sum1;
}

}  // namespace saithe::io
