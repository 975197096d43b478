// Genes of files one after the other; what concatenate() makes of them is tested there.

#include "saithe/data/gene_merger.h"

#include <gtest/gtest.h>

#include "saithe/data/packed_cells.h"

namespace saithe {
namespace {

using Texts = std::vector<std::string>;
using Places = std::vector<GeneIndex>;

/// A file without cells.
PackedCells genes_of(const std::string& file, Table var) {
  auto none = std::make_shared<PackedRows>(static_cast<GeneIndex>(var.n_rows()), kDefaultMemory);
  return {file, std::move(none), Table(), std::move(var), MeasuredGenes()};
}

Table with_column(Texts names, const std::string& column, Texts values) {
  Table var(std::move(names));
  var.set(column, TextColumn{std::move(values), {}});
  return var;
}

TEST(GeneMerger, AddsWhatIsNewBehindWhatIsThere) {
  GeneMerger merger(genes_of("a", Table({"x", "y"})), {});
  EXPECT_EQ(merger.add(genes_of("b", Table({"z", "x"}))), (Places{2, 0}));
  EXPECT_EQ(merger.add(genes_of("c", Table({"y", "z"}))), (Places{1, 2}));
  EXPECT_EQ(merger.names(), (Texts{"x", "y", "z"}));
  EXPECT_TRUE(merger.notes().empty());
}

TEST(GeneMerger, MeetsByAnyColumnOfTheFirstFile) {
  const Texts ids = {"ENSG00000000011", "ENSG00000000012", "ENSG00000000013"};
  GeneMerger merger(genes_of("c", with_column(ids, "feature_name", {"z", "x", "w"})), {});
  EXPECT_EQ(merger.add(genes_of("a", Table({"x", "v"}))), (Places{1, 3}));
  EXPECT_EQ(merger.names()[3], "v");
  EXPECT_EQ(merger.notes(), (Texts{"a is matched by feature_name of c, gene names of a"}));
  // A new gene is known by the same column.
  EXPECT_EQ(merger.add(genes_of("b", Table({"v", "w", "z"}))), (Places{3, 2, 0}));
}

TEST(GeneMerger, ARepeatedNameOfAnotherColumnIsOneGene) {
  const Texts ids = {"ENSG00000000011", "ENSG00000000012", "ENSG00000000013"};
  GeneMerger merger(genes_of("c", with_column(ids, "feature_name", {"x", "x", "w"})), {});
  EXPECT_EQ(merger.destination(), (Places{0, 1, 2}));
  EXPECT_EQ(merger.add(genes_of("a", Table({"w", "x", "v"}))), (Places{2, 0, 3}));
  EXPECT_EQ(merger.destination(), (Places{0, 0, 2, 3}));
  EXPECT_EQ(merger.notes().front(),
            "1 gene of c had the name of another one and was added to it (the first: 'x')");
}

// The first file has no ids; two later ones meet by theirs, and all three by names.
TEST(GeneMerger, GenesOfAFileWithoutIdsAreFoundByNameWhereOthersMeetByIds) {
  GeneMerger merger(genes_of("a", Table({"x", "y", "z", "u", "v"})), {});
  EXPECT_EQ(merger.add(genes_of(
                "b", with_column({"x", "y", "old", "new"}, "gene_ids", {"E1", "E2", "E3", "E4"}))),
            (Places{0, 1, 5, 6}));
  // By ids four are found, by names three.
  EXPECT_EQ(merger.add(genes_of("c", with_column({"x", "y", "w", "q", "u"}, "gene_ids",
                                                 {"E1", "E2", "E3", "E4", "E5"}))),
            (Places{0, 1, 5, 6, 3}));
  EXPECT_EQ(merger.names(), (Texts{"x", "y", "z", "u", "v", "old", "new"}));
  EXPECT_EQ(merger.ids(), (Texts{"E1", "E2", "", "E5", "", "E3", "E4"}));
}

TEST(GeneMerger, RunningNumbersMeanNothing) {
  GeneMerger merger(genes_of("a", with_column({"x", "y", "z"}, "rank", {"0", "1", "2"})), {});
  EXPECT_EQ(merger.add(genes_of("b", with_column({"z", "y", "x"}, "rank", {"0", "1", "2"}))),
            (Places{2, 1, 0}));
  EXPECT_EQ(merger.add(genes_of("c", with_column({"u", "v", "x"}, "rank", {"0", "1", "2"}))),
            (Places{3, 4, 0}));
}

}  // namespace
}  // namespace saithe
