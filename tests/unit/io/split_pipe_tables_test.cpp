#include "saithe/io/split_pipe_tables.h"

#include <gtest/gtest.h>

#include "support/folder_for_test.h"

namespace saithe::io {
namespace {

using saithe::testing::FolderForTest;
using saithe::testing::write_bytes;
using Texts = std::vector<std::string>;

TEST(SplitPipeTables, GenesByTheNamesOfTheColumns) {
  const FolderForTest folder;
  const auto path = folder / "all_genes.csv";
  write_bytes(path, "gene_name,gene_id\nA,E1\n,E2\n");
  const SplitPipeGenes genes = read_split_pipe_genes(path, 1 << 20);
  EXPECT_EQ(genes.ids, (Texts{"E1", "E2"}));
  EXPECT_EQ(genes.names, (Texts{"A", "E2"}));
  EXPECT_TRUE(genes.genomes.empty());
  write_bytes(path, "E1\tA\nE2\tB\n");
  EXPECT_SAITHE_ERROR(read_split_pipe_genes(path, 1 << 20), ErrorKind::BadFormat,
                      "has no columns gene_id and gene_name");
  write_bytes(path, "gene_id,gene_name\nE1,A\nE2\n");
  EXPECT_SAITHE_ERROR(read_split_pipe_genes(path, 1 << 20), ErrorKind::BadFormat,
                      "all_genes.csv:3: has 1 field; expected 2");
  write_bytes(path, "");
  EXPECT_SAITHE_ERROR(read_split_pipe_genes(path, 1 << 20), ErrorKind::BadFormat,
                      "the file is empty");
}

TEST(SplitPipeTables, CellsWithTheirColumns) {
  const FolderForTest folder;
  const auto path = folder / "cell_metadata.csv";
  write_bytes(path, ",bc_wells,sample,share,n\n0,01_01,s1,0.5,3\n1,01_02,2,1,4\n");
  const Table cells = read_split_pipe_cells(path, 1 << 20);
  EXPECT_EQ(cells.index(), (Texts{"01_01", "01_02"}));
  EXPECT_EQ(cells.index_name, "bc_wells");
  EXPECT_EQ(cells.column_names(), "sample, share, n");
  EXPECT_EQ(cells.as_text("sample"), (Texts{"s1", "2"}));
  EXPECT_EQ(std::get<NumberColumn>(*cells.find("share")).kind, NumberColumn::Kind::Float64);
  EXPECT_EQ(std::get<NumberColumn>(*cells.find("n")).kind, NumberColumn::Kind::Integer);
  write_bytes(path, "cell,sample\na,s1\n");
  EXPECT_EQ(read_split_pipe_cells(path, 1 << 20).index(), Texts{"a"});
}

}  // namespace
}  // namespace saithe::io
