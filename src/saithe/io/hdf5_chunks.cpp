#include "saithe/io/hdf5_chunks.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "saithe/core/usable_memory.h"

namespace saithe::io {
namespace {

constexpr double kMegabyte = 1e6;

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
  if (H5Tget_class(type) == H5T_ENUM) {  // of booleans
    const Hdf5Id base(H5Tget_super(type));
    return layout_of(base.get());
  }
  for (const Known& one : known) {
    if (H5Tequal(type, one.type) > 0) return one.layout;
  }
  return {};
}

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
         "{}: one of its chunks has {} values and takes {:.0f} MB to unpack, more than --memory "
         "({:.0f} MB). Give it more with --memory {:.0f}M, or write the file again with smaller "
         "chunks.",
         where, n_values, static_cast<double>(n_bytes) / kMegabyte,
         static_cast<double>(context.max_memory) / kMegabyte,
         std::ceil(static_cast<double>(n_bytes) / static_cast<double>(1 << 20)) + 1);
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
  const Hdf5Id type(H5Dget_type(dataset_.id()));
  layout_ = layout_of(type.get());
  const Hdf5Id creation(H5Dget_create_plist(dataset_.id()));
  if (H5Pget_layout(creation.get()) != H5D_CHUNKED) return;

  std::vector<hsize_t> chunk(shape_.size(), 0);
  H5Pget_chunk(creation.get(), static_cast<int>(chunk.size()), chunk.data());
  n_values_ = 1;
  for (std::size_t axis = 0; axis < chunk.size(); ++axis) {
    const auto n = checked_cast<std::int64_t>(chunk[axis], dataset_.where().c_str());
    shape_[axis] = std::max<std::int64_t>(1, n);
    n_values_ = checked_multiply(n_values_, n, dataset_.where().c_str());
  }
  n_bytes_ = checked_multiply(n_values_, static_cast<std::int64_t>(dataset_.value_bytes()),
                              dataset_.where().c_str());
  filters_ = filters_of(creation.get());
  are_own_ = std::all_of(filters_.begin(), filters_.end(), is_own_filter) &&
             layout_.value_bytes > 0 && n_values_ > 0;
  if (!are_own_) return;
  fill_value_.resize(dataset_.value_bytes());
  if (H5Pget_fill_value(creation.get(), type.get(), fill_value_.data()) < 0) fail_damaged(0);
}

void Hdf5Chunks::fail_damaged(std::int64_t number) const {
  fail(ErrorKind::BadFormat,
       "{}: chunk {} cannot be read: the file is damaged or cut off. Copy it again.",
       dataset_.where(), number);
}

std::int64_t Hdf5Chunks::unpacking_bytes() const {
  return n_bytes_ + std::min(n_bytes_, dataset_.stored_bytes());
}

RawChunk Hdf5Chunks::fetch(std::span<const std::int64_t> place) const {
  RawChunk raw;
  std::vector<hsize_t> offset(place.size());
  for (std::size_t axis = 0; axis < place.size(); ++axis) {
    offset[axis] = static_cast<hsize_t>(place[axis] * shape_[axis]);
    const std::int64_t n_chunks = (dataset_.shape()[axis] - 1) / shape_[axis] + 1;
    raw.number = raw.number * n_chunks + place[axis];
  }
  hsize_t n_bytes = 0;
  if (H5Dget_chunk_storage_size(dataset_.id(), offset.data(), &n_bytes) < 0) {
    // Damaged, or never written? chunk_info says it, but walks over all chunks.
    unsigned mask = 0;
    haddr_t address = HADDR_UNDEF;
    const bool is_known =
        H5Dget_chunk_info_by_coord(dataset_.id(), offset.data(), &mask, &address, &n_bytes) >= 0;
    if (!is_known || address != HADDR_UNDEF) fail_damaged(raw.number);
    return raw;
  }
  if (n_bytes == 0) return raw;
  if (n_bytes > static_cast<hsize_t>(dataset_.stored_bytes())) fail_damaged(raw.number);
  raw.is_stored = true;
  raw.bytes.resize(n_bytes);
  std::uint32_t skipped = 0;
  if (H5Dread_chunk(dataset_.id(), H5P_DEFAULT, offset.data(), &skipped, raw.bytes.data()) < 0) {
    fail_damaged(raw.number);
  }
  raw.skipped_filters = skipped;
  return raw;
}

void Hdf5Chunks::unpack(RawChunk& chunk) const {
  if (!undo_filters(filters_, chunk.skipped_filters, dataset_.value_bytes(), as_size(n_bytes_),
                    chunk.bytes)) {
    fail_damaged(chunk.number);
  }
}

template <typename Value>
void Hdf5Chunks::convert(const std::vector<unsigned char>& bytes, std::int64_t first,
                         std::span<Value> out) const {
  const unsigned char* source = bytes.data() + as_size(first) * dataset_.value_bytes();
  if (layout_.is_swapped) return convert_layout<true>(layout_, source, dataset_.where(), out);
  convert_layout<false>(layout_, source, dataset_.where(), out);
}

template <typename Value>
void Hdf5Chunks::fill(std::span<Value> out) const {
  std::array<Value, 1> value{};
  convert(fill_value_, 0, std::span<Value>(value));
  std::fill(out.begin(), out.end(), value.front());
}

template void Hdf5Chunks::convert(const std::vector<unsigned char>&, std::int64_t,
                                  std::span<float>) const;
template void Hdf5Chunks::convert(const std::vector<unsigned char>&, std::int64_t,
                                  std::span<std::int32_t>) const;
template void Hdf5Chunks::convert(const std::vector<unsigned char>&, std::int64_t,
                                  std::span<std::int64_t>) const;
template void Hdf5Chunks::fill(std::span<float>) const;
template void Hdf5Chunks::fill(std::span<std::int32_t>) const;
template void Hdf5Chunks::fill(std::span<std::int64_t>) const;

}  // namespace saithe::io
