#include "saithe/io/hdf5_chunks.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>

#include "saithe/core/parallel.h"
#include "saithe/core/usable_memory.h"

namespace saithe::io {
namespace {

// What a thread reads at once of a dataset in one piece.
constexpr std::int64_t kSliceValues = std::int64_t{1} << 17;

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

void require_room_for_chunk(const std::string& where, std::int64_t n_values, std::int64_t n_bytes,
                            const Context& context) {
  if (n_bytes > context.max_memory) {
    fail(ErrorKind::BadFormat,
         "{}: one of its chunks has {} values, and unpacking it takes {}, more than --memory ({}). "
         "Give it more with --memory {}, or write the file again with smaller chunks.",
         where, n_values, memory_text(n_bytes), memory_text(context.max_memory),
         memory_text(n_bytes));
  }
  require_memory(where, n_bytes, 1);
}

void convert_integers(std::span<const std::int64_t> stored, const std::string& where,
                      std::span<std::int32_t> out) {
  convert_values<false, std::int64_t>(reinterpret_cast<const unsigned char*>(stored.data()), where,
                                      out);
}
void convert_integers(std::span<const std::int64_t> stored, const std::string& where,
                      std::span<std::int64_t> out) {
  convert_values<false, std::int64_t>(reinterpret_cast<const unsigned char*>(stored.data()), where,
                                      out);
}

Hdf5Chunks::Hdf5Chunks(Hdf5Dataset dataset)
    : dataset_(std::move(dataset)), shape_(dataset_.shape()) {
  const StoredKind kind = dataset_.kind();
  if (kind != StoredKind::Integer && kind != StoredKind::Float && kind != StoredKind::Boolean) {
    fail(ErrorKind::BadFormat, "{}: expected numbers, found another kind of values",
         dataset_.where());
  }
  const DatasetDescription& description = dataset_.description();
  const std::vector<std::int64_t>& chunk = description.chunk_shape;
  const auto is_empty = [](std::int64_t n) { return n == 0; };
  if (chunk.size() != shape_.size() || std::any_of(chunk.begin(), chunk.end(), is_empty)) return;
  shape_ = chunk;
  n_values_ = 1;
  for (const std::int64_t n : chunk) {
    n_values_ = checked_multiply(n_values_, n, dataset_.where().c_str());
  }
  n_bytes_ = checked_multiply(n_values_, static_cast<std::int64_t>(dataset_.value_bytes()),
                              dataset_.where().c_str());
  const std::vector<int>& filters = description.filters;
  are_own_ = are_own_filters(filters) && description.layout.value_bytes > 0;
  if (are_own_ && description.fill_value.empty()) fail_damaged(0);
}

void Hdf5Chunks::fail_damaged(std::int64_t number) const {
  fail(ErrorKind::BadFormat,
       "{}: chunk {} cannot be read: the file is damaged or cut off. Copy it again.",
       dataset_.where(), number);
}

std::int64_t Hdf5Chunks::unpacking_bytes() const {
  // What a second filter makes, as shuffle is one, lies beside what the first made.
  const std::int64_t n_copies = dataset_.description().filters.size() > 1 ? 2 : 1;
  return n_copies * n_bytes_ + std::min(n_bytes_, dataset_.description().stored_bytes);
}

void Hdf5Chunks::unpack(const StoredChunk& chunk, std::int64_t number,
                        UnpackedChunk& unpacked) const {
  if (!undo_filters(dataset_.description().filters, chunk.skipped_filters, dataset_.value_bytes(),
                    as_size(n_bytes_), chunk.bytes, unpacked)) {
    fail_damaged(number);
  }
}

/// Whether a value lies in the file as this machine holds it.
template <typename Value>
bool Hdf5Chunks::are_stored_as() const {
  const NumberLayout& layout = dataset_.description().layout;
  return layout.value_bytes == sizeof(Value) && !layout.is_swapped &&
         layout.is_float == std::is_floating_point_v<Value> &&
         (layout.is_float || layout.is_signed);
}

template <typename Value>
void Hdf5Chunks::unpack_all(const StoredChunk& chunk, std::int64_t number, std::span<Value> out,
                            UnpackedChunk& unpacked) const {
  SAITHE_ASSERT(std::ssize(out) == n_values_);
  if (!are_stored_as<Value>()) {
    unpack(chunk, number, unpacked);
    return convert(unpacked.bytes, 0, out);
  }
  if (!undo_filters(dataset_.description().filters, chunk.skipped_filters, dataset_.value_bytes(),
                    chunk.bytes, {reinterpret_cast<unsigned char*>(out.data()), out.size_bytes()},
                    unpacked.between)) {
    fail_damaged(number);
  }
}

template <typename Value>
void Hdf5Chunks::convert(std::span<const unsigned char> bytes, std::int64_t first,
                         std::span<Value> out) const {
  const unsigned char* source = bytes.data() + as_size(first) * dataset_.value_bytes();
  const NumberLayout& layout = dataset_.description().layout;
  if (layout.is_swapped) return convert_layout<true>(layout, source, dataset_.where(), out);
  convert_layout<false>(layout, source, dataset_.where(), out);
}

template <typename Value>
void Hdf5Chunks::fill(std::span<Value> out) const {
  std::array<Value, 1> value{};
  convert(dataset_.description().fill_value, 0, std::span<Value>(value));
  std::fill(out.begin(), out.end(), value.front());
}

std::span<const float> Hdf5Chunks::values(std::span<const unsigned char> bytes, std::int64_t first,
                                          std::size_t n, std::vector<float>& converted) const {
  const unsigned char* source = bytes.data() + as_size(first) * dataset_.value_bytes();
  const bool is_aligned = reinterpret_cast<std::uintptr_t>(source) % alignof(float) == 0;
  if (are_stored_as<float>() && is_aligned) return {reinterpret_cast<const float*>(source), n};
  converted.resize(n);
  convert(bytes, first, std::span<float>(converted));
  return converted;
}

template <typename Value>
void Hdf5Chunks::read(std::int64_t first, std::span<Value> out, const Context& context) const {
  SAITHE_ASSERT(is_one_piece());
  parallel_for(context, std::ssize(out), kSliceValues, [&](std::int64_t begin, std::int64_t end) {
    const auto slice = out.subspan(as_size(begin), as_size(end - begin));
    if (are_stored_as<Value>()) {
      dataset_.read_bytes(first + begin,
                          {reinterpret_cast<unsigned char*>(slice.data()), slice.size_bytes()});
      return;
    }
    std::vector<unsigned char> bytes(slice.size() * dataset_.value_bytes());
    dataset_.read_bytes(first + begin, bytes);
    convert(bytes, 0, slice);
  });
}

template void Hdf5Chunks::read(std::int64_t, std::span<float>, const Context&) const;
template void Hdf5Chunks::read(std::int64_t, std::span<std::int32_t>, const Context&) const;
template void Hdf5Chunks::read(std::int64_t, std::span<std::int64_t>, const Context&) const;
template void Hdf5Chunks::unpack_all(const StoredChunk&, std::int64_t, std::span<float>,
                                     UnpackedChunk&) const;
template void Hdf5Chunks::unpack_all(const StoredChunk&, std::int64_t, std::span<std::int32_t>,
                                     UnpackedChunk&) const;
template void Hdf5Chunks::unpack_all(const StoredChunk&, std::int64_t, std::span<std::int64_t>,
                                     UnpackedChunk&) const;
template void Hdf5Chunks::convert(std::span<const unsigned char>, std::int64_t,
                                  std::span<float>) const;
template void Hdf5Chunks::convert(std::span<const unsigned char>, std::int64_t,
                                  std::span<std::int32_t>) const;
template void Hdf5Chunks::convert(std::span<const unsigned char>, std::int64_t,
                                  std::span<std::int64_t>) const;
template void Hdf5Chunks::fill(std::span<float>) const;
template void Hdf5Chunks::fill(std::span<std::int32_t>) const;
template void Hdf5Chunks::fill(std::span<std::int64_t>) const;

}  // namespace saithe::io
