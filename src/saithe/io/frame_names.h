#pragma once

// Names of columns as an h5ad can hold them. Private to io/.

#include <optional>
#include <string>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/data/table.h"

namespace saithe::io {

/// The table with other names for its columns and its index where AnnData or HDF5 could not hold
/// them: '/' would make a group, "" and "." are no names, "_index" and "__categories" are AnnData's
/// own. New names are told in one warning, which begins with `where`; they meet no other name, and
/// none of `taken`, which others will write there. A column that is called like one of `taken`
/// stays: it is to be replaced. Nothing if all names can stay.
std::optional<Table> with_names_for_h5ad(const Table& table, const std::vector<std::string>& taken,
                                         const std::string& where, const Context& context);

}  // namespace saithe::io
