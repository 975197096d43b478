#pragma once

// --gene-column and the other options by which genes of files and models are found in each other.

#include "command.h"
#include "saithe/data/gene_names.h"

namespace saithe::cli {

/// Adds the flags of GeneMatchOptions; the bundled table of symbols is their default.
void add_gene_flags(CLI::App& app, OptionFlags& flags);

/// What the command line gave; "bundled" becomes the path of the bundled table.
GeneMatchOptions gene_match_options(const OptionFlags& flags);

}  // namespace saithe::cli
