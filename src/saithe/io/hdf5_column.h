#pragma once

// Datasets of HDF5 as columns of a table, for the formats that have no encoding of their own.
// Private to io/.

#include <string>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/data/table.h"
#include "saithe/io/hdf5_file.h"

namespace saithe::io {

/// A dataset of numbers or booleans, of any whole number exactly that fits 64 bits with a sign;
/// what the mask hides is missing.
NumberColumn read_number_column(const Hdf5Dataset& dataset, const std::vector<bool>& mask = {});

/// How a dataset with one axis (or a second one of length 1) of text, numbers or booleans is read
/// as a column; nothing if it is of another kind.
ReadColumn reader_of(const Hdf5Dataset& dataset);

/// How blocks of the names are read that a dataset of texts or whole numbers gives to rows; nothing
/// if it is of another kind.
ReadNames reader_of_names(const Hdf5Dataset& names);
/// A table whose names are read later, from the dataset or of what it holds. Throws
/// Error(BadFormat) where it cannot hold as many as it says. `where`: what messages call the table.
Table table_named_later(const Hdf5Dataset& names, ReadNames read, const std::string& where);
/// The same of texts. Throws Error(BadFormat) if the dataset holds others.
Table table_named_by_texts(const Hdf5Dataset& names);

/// Changes texts as they are read; nothing: they stay.
using TidyText = void (*)(std::string& text);
/// The same names and columns with their texts changed.
ReadNames tidied(ReadNames read, TidyText tidy);
ReadColumn tidied(ReadColumn read, TidyText tidy);

/// Adds the datasets of a group that are columns of the table's length, but for those in `taken`;
/// what has more axes or another length is left out, with a warning. They stay in the file until
/// they are asked for.
void add_array_columns(Table& table, const Hdf5Group& group, const std::vector<std::string>& taken,
                       TidyText tidy, const Context& context);

}  // namespace saithe::io
