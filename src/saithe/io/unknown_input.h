#pragma once

// What is wrong with an input that is of no format, where a cause can be told. Private to io/.

#include <string>

#include "saithe/io/formats.h"

namespace saithe::io {

/// A sentence with what to do: that it is empty, that it is half an h5ad, ...; the list of formats
/// where none of the known causes holds.
std::string why_unknown(const InputFile& input);

/// Whether it begins as a table of the Gene Cluster Text format, whose header stands in line 3.
bool is_gct_table(const InputFile& input);

}  // namespace saithe::io
