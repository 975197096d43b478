#pragma once

// Datasets of HDF5 as columns of a table, for the formats that have no encoding of their own.
// Private to io/.

#include <optional>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/data/table.h"
#include "saithe/io/hdf5_file.h"

namespace saithe::io {

/// A dataset of numbers or booleans, of any whole number exactly that fits 64 bits with a sign;
/// what the mask hides is missing.
NumberColumn read_number_column(const Hdf5Dataset& dataset, const std::vector<bool>& mask = {});

/// A dataset with one axis (or a second one of length 1) of text, numbers or booleans; nothing if
/// it is of another kind.
std::optional<Column> read_array_column(const Hdf5Dataset& dataset);

/// Adds the datasets of a group that are columns of the table's length, but for those in `taken`;
/// what has more axes or another length is left out, with a warning.
void add_array_columns(Table& table, const Hdf5Group& group, const std::vector<std::string>& taken,
                       const Context& context);

}  // namespace saithe::io
