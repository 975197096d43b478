#pragma once

// What the types of libhdf5 are to saithe. Private to io/.

#include "saithe/io/dataset_description.h"
#include "saithe/io/hdf5_library.h"

namespace saithe::io {

/// Which values a stored type has. Booleans are an enumeration of FALSE as 0 and TRUE as 1, as h5py
/// writes them; other enumerations are StoredKind::Other.
StoredKind kind_of_type(hid_t type);

/// The number types whose bytes saithe converts itself; of others value_bytes is 0.
NumberLayout layout_of(hid_t type);

}  // namespace saithe::io
