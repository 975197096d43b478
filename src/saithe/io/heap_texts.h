#pragma once

// Texts of any length, read past libhdf5, which does much for each of them. Private to io/.

#include <cstdint>

#include "saithe/io/dataset_description.h"
#include "saithe/io/hdf5_library.h"

namespace saithe::io {

/// Calls `sink` with texts from `begin` on, n of them or fewer: as long as all is as HDF5's format
/// (version 3, "Global Heap") says and as files usually are. Returns how many that were. What
/// follows, which may be damaged or only rare, is left to libhdf5.
std::int64_t read_heap_texts(hid_t dataset, const DatasetDescription& description,
                             std::int64_t begin, std::int64_t n, const TextSink& sink);

}  // namespace saithe::io
