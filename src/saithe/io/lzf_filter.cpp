#include "saithe/io/lzf_filter.h"

#include <cstring>

#include "saithe/io/hdf5_library.h"

namespace saithe::io {

bool inflate_lzf(std::span<const unsigned char> packed, std::span<unsigned char> bytes) {
  std::size_t in = 0;
  std::size_t out = 0;
  while (in < packed.size()) {
    const std::size_t control = packed[in++];
    if (control < 32) {  // a run of control + 1 literal bytes
      const std::size_t n = control + 1;
      if (n > packed.size() - in || n > bytes.size() - out) return false;
      std::memcpy(bytes.data() + out, packed.data() + in, n);
      in += n;
      out += n;
      continue;
    }
    std::size_t n = control >> 5;  // a copy of bytes already written
    if (n == 7) {
      if (in == packed.size()) return false;
      n += packed[in++];
    }
    n += 2;
    if (in == packed.size()) return false;
    const std::size_t distance = ((control & 31U) << 8) + packed[in++] + 1;
    if (distance > out || n > bytes.size() - out) return false;
    for (std::size_t i = 0; i < n; ++i, ++out) bytes[out] = bytes[out - distance];
  }
  return out == bytes.size();
}

std::size_t lzf_size(std::span<const unsigned char> packed) {
  std::size_t in = 0;
  std::size_t n_bytes = 0;
  while (in < packed.size()) {
    const std::size_t control = packed[in++];
    if (control < 32) {
      in += control + 1;
      n_bytes += control + 1;
      continue;
    }
    std::size_t n = control >> 5;
    if (n == 7) {
      if (in == packed.size()) return 0;
      n += packed[in++];
    }
    ++in;  // the rest of the distance
    n_bytes += n + 2;
  }
  return in == packed.size() ? n_bytes : 0;
}

namespace {

/// The filter as HDF5 calls it: gives the number of bytes, 0 on failure.
std::size_t inflate_chunk(unsigned flags, std::size_t n_parameters, const unsigned* parameters,
                          std::size_t n_bytes, std::size_t* buffer_bytes, void** buffer) {
  const bool is_reading = (flags & H5Z_FLAG_REVERSE) != 0;
  if (!is_reading) return 0;
  // h5py gives filter version, LZF version, bytes of a chunk; on texts of any length nothing.
  const bool is_said = n_parameters >= 3 && parameters[2] != 0;
  const std::size_t n_full =
      is_said ? parameters[2] : lzf_size({static_cast<const unsigned char*>(*buffer), n_bytes});
  // 264 bytes from 3 are the most that LZF can pack: a larger claim is a trap.
  if (n_full == 0 || n_full / 100 > n_bytes) return 0;
  void* inflated = H5allocate_memory(n_full, false);
  if (inflated == nullptr) return 0;
  if (!inflate_lzf({static_cast<const unsigned char*>(*buffer), n_bytes},
                   {static_cast<unsigned char*>(inflated), n_full})) {
    H5free_memory(inflated);
    return 0;
  }
  H5free_memory(*buffer);
  *buffer = inflated;
  *buffer_bytes = n_full;
  return n_full;
}

}  // namespace

void register_lzf_filter() {
  if (H5Zfilter_avail(kLzfFilter) > 0) return;
  H5Z_class2_t filter{};
  filter.version = H5Z_CLASS_T_VERS;
  filter.id = kLzfFilter;
  filter.encoder_present = 0;
  filter.decoder_present = 1;
  filter.name = "lzf";
  filter.filter = inflate_chunk;
  H5Zregister(&filter);
}

}  // namespace saithe::io
