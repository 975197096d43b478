#include "saithe/data/mapped_genes.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/folder_for_test.h"

namespace saithe {
namespace {

const Context kContext(1);

/// Two cells of four genes: 1 2 3 4 and 0 5 0 6.
Dataset two_cells(float scale = 1) {
  const CsrMatrix counts{2, 4, {0, 4, 6}, {0, 1, 2, 3, 1, 3}, {1, 2, 3, 4, 5, 6}};
  Dataset cells("cells", counts, Table({"c0", "c1"}), Table({"a", "b", "c", "d"}));
  for (float& value : cells.counts.values) value *= scale;
  return cells;
}

TEST(GeneMapping, LeavesOutAndAddsUpWhateverTheBlock) {
  Dataset cells = two_cells();
  GeneMapping mapping({1, 0, -1, 0}, 2);
  const CsrMatrix all = mapping.read_cells(cells, 0, 2, kContext);
  EXPECT_EQ(all.values, (std::vector<float>{6, 1, 11}));
  EXPECT_EQ(all.columns, (std::vector<GeneIndex>{0, 1, 0}));
  EXPECT_EQ(GeneMapping({1, 0, -1, 0}, 2).read_cells(cells, 1, 2, kContext).values,
            (std::vector<float>{11}));
}

TEST(GeneMapping, LogarithmsAreToldFromTheFirstCellsNotFromTheBlock) {
  Dataset cells = two_cells();
  cells.counts.values[0] = 0.5F;  // of the first cell; the second looks like counts
  const CsrMatrix second = GeneMapping({0, 1, 0, 1}, 2).read_cells(cells, 1, 2, kContext);
  ASSERT_EQ(second.values.size(), 1U);
  EXPECT_FLOAT_EQ(second.values[0], std::log(std::exp(5.0F) + std::exp(6.0F) - 1));
}

TEST(RenamedGenes, NamesIdsAndWhatIsMissing) {
  auto cells = std::make_unique<Dataset>(two_cells());
  const std::vector<std::string> ids = {"ENSG00000000001", "ENSG00000000002", "ENSG00000000003",
                                        "ENSG00000000004"};
  cells->var().rename_rows(ids);
  cells->var().set("symbol", TextColumn{{"x", "", "y", "x"}, {}});
  RenamedGenes renamed(std::move(cells), "symbol");
  EXPECT_EQ(renamed.var().index(), (std::vector<std::string>{"x", ids[1], "y"}));
  EXPECT_EQ(renamed.var().as_text("gene_ids"), (std::vector<std::string>{ids[0], ids[1], ids[2]}));
  EXPECT_EQ(renamed.added(), std::vector<std::string>{"x"});
  EXPECT_EQ(renamed.read_cells(0, 2, kContext).values, (std::vector<float>{5, 2, 3, 6, 5}));
  auto twice = std::make_unique<Dataset>(two_cells());
  twice->var().set("id", TextColumn{{ids[0], ids[1], ids[0], ids[2]}, {}});
  EXPECT_SAITHE_ERROR(RenamedGenes(std::move(twice), "id"), ErrorKind::BadFormat, ids[0]);
}

TEST(RenamedGenes, GenesOfOneKeyAreAddedUp) {
  const RenamedGenes merged(std::make_unique<Dataset>(two_cells()),
                            std::vector<std::string>{"1", "2", "1", "2"});
  EXPECT_EQ(merged.var().index(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(merged.added(), (std::vector<std::string>{"c", "d"}));
}

TEST(GeneKeys, AreIdsOrNamesWithoutVersions) {
  using Texts = std::vector<std::string>;
  const std::string id = "ENSG00000000001";
  Table var({"x", id + ".1", "x", id + ".2"});
  EXPECT_EQ(gene_keys(var, "f"), (Texts{"x", id, "x", id}));
  var.set("gene_ids", TextColumn{{"E1", id + ".7", "E3", ""}, {}});
  EXPECT_EQ(gene_keys(var, "f"), (Texts{"E1", id, "E3", id}));
  EXPECT_SAITHE_ERROR(gene_keys(Table({id, id}), "f"), ErrorKind::BadFormat, "stands twice");
}

}  // namespace
}  // namespace saithe
