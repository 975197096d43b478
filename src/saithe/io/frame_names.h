#pragma once

// Names of columns as an h5ad can hold them. Private to io/.

#include <string>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/data/table.h"

namespace saithe::io {

/// What a file calls a table's index, and its columns in their order.
struct FrameNames {
  std::string index;
  std::vector<std::string> columns;
};
/// As the table calls them.
FrameNames names_of(const Table& table);

/// Names for a table's columns and its index, others where AnnData or HDF5 could not hold them: '/'
/// would make a group, "" and "." are no names, "_index" and "__categories" are AnnData's own. New
/// names are told in one warning, which begins with `where`; they meet no other name, and none of
/// `taken`, which others will write there. A column that is called like one of `taken` stays: it is
/// to be replaced. Of the table nothing is read.
FrameNames names_for_h5ad(const Table& table, const std::vector<std::string>& taken,
                          const std::string& where, const Context& context);

}  // namespace saithe::io
