#pragma once

// h5py's compression "lzf" (HDF5 filter 32000), which libhdf5 does not bring. Private to io/.

#include <cstddef>
#include <span>

namespace saithe::io {

inline constexpr int kLzfFilter = 32000;

/// Inflates LZF data; false unless they give exactly `bytes.size()` bytes.
bool inflate_lzf(std::span<const unsigned char> packed, std::span<unsigned char> bytes);

/// How many bytes LZF data inflate to, told from their lengths alone; 0 where they are cut off.
std::size_t lzf_size(std::span<const unsigned char> packed);

/// Lets HDF5 itself read lzf, for the small arrays that do not pass ChunkedArray.
void register_lzf_filter();

}  // namespace saithe::io
