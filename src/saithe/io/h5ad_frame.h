#pragma once

// obs and var of an h5ad file, as every generation of AnnData has written them. Private to io/.

#include <string>

#include "saithe/core/context.h"
#include "saithe/data/table.h"
#include "saithe/io/hdf5_file.h"

namespace saithe::io {

/// obs, var or raw.var: the table `name` of `parent`.
///
/// Generations: one compound dataset with the categories' names in `/uns/COLUMN_categories` of
/// `root` (AnnData 0.5 and 0.6), a group whose columns of codes refer to their categories (0.7), a
/// group of encoded columns (0.8 and later). They are told apart column by column. A column of
/// another kind is left out with a warning. Columns stay in the file until they are asked for, and
/// so do names that are an array of texts; a column that does not fit is Error(BadFormat) then.
Table read_frame(const Hdf5Group& root, const Hdf5Group& parent, const std::string& name,
                 const Context& context);

}  // namespace saithe::io
