#pragma once

// The two CSV tables beside a matrix of Parse Biosciences' split-pipe: all_genes.csv and
// cell_metadata.csv. Private to io/.

#include <filesystem>
#include <string>
#include <vector>

#include "saithe/data/table.h"

namespace saithe::io {

/// The genes of all_genes.csv, in its order.
struct SplitPipeGenes {
  std::vector<std::string> ids;
  std::vector<std::string> names;
  std::vector<std::string> genomes;  ///< empty where the table does not say
};

/// Reads the columns gene_id, gene_name and genome. Throws Error(BadFormat) where one of the first
/// two is missing or a line is no line of the table, Error(InvalidArgument) where the table does
/// not fit `max_memory`.
SplitPipeGenes read_split_pipe_genes(const std::filesystem::path& path, std::int64_t max_memory);

/// obs of cell_metadata.csv: bc_wells, or else the first column, is the index; columns of numbers
/// are numbers. Throws as read_split_pipe_genes().
Table read_split_pipe_cells(const std::filesystem::path& path, std::int64_t max_memory);

}  // namespace saithe::io
