#include "saithe/io/name_patterns.h"

#include <gtest/gtest.h>

#include "saithe/core/text_io.h"

namespace saithe::io {
namespace {

using Names = std::vector<std::string>;

TEST(NamePatterns, EnsemblIds) {
  for (const char* id : {"ENSG00000141510", "ENSG00000141510.18", "ENSMUSG00000000058",
                         "ENSG00000182378.14_PAR_Y", "ENST00000269305.9", "ENSDARG00000000001"}) {
    EXPECT_TRUE(is_ensembl_id(id)) << id;
  }
  for (const char* name :
       {"ENSG", "ENSG0000014151", "ENSX00000141510", "ENS", "", "TP53", "ENSG000001415100"}) {
    EXPECT_FALSE(is_ensembl_id(name)) << name;
  }
}

TEST(NamePatterns, Genes) {
  for (const char* name : {"MT-CO1", "mt-Nd1", "RPL13A", "rps6", "Rpl4", "HLA-DRA", "RP11-34P13.7",
                           "AC012345.1", "CD3D", "Cd79a", "ZNF90", "SLC25A6", "LINC00115", "ACTB",
                           "Gapdh", "FBgn0000003", "WBGene00000001", "ENSG00000141510.18"}) {
    EXPECT_TRUE(looks_like_gene(name)) << name;
  }
  for (const char* name : {"cell1", "AAACCTGAGATGTCGG-1", "p1_A10", "col1", "c1", "r1", "", "1",
                           "CD14_mono", "GSM123456", "T cell"}) {
    EXPECT_FALSE(looks_like_gene(name)) << name;
  }
}

TEST(NamePatterns, Cells) {
  for (const char* name :
       {"AAACCTGAGATGTCGG-1", "27522_1_AAACCTGAGATGTCGG", "cell1", "Cell_12", "CELL 3", "p1_A10",
        "plate2.H03", "SRR1234567", "GSM1234567_x", "ACGTACGTN"}) {
    EXPECT_TRUE(looks_like_cell(name)) << name;
  }
  for (const char* name :
       {"ACTB", "GATA3", "ENSG00000141510", "c1", "cells", "A1", "MT-CO1", "TP53"}) {
    EXPECT_FALSE(looks_like_cell(name)) << name;
  }
}

TEST(TellRows, ByNamesThenByTheCorner) {
  const Names genes = {"FOO1", "CD3D", "BAR"};
  const Names cells = {"x_AAACCTGAGATGTCGG", "x_AAACCTGAGATGTCGC"};
  const Names others = {"r1", "r2"};
  EXPECT_EQ(tell_rows(genes, cells, ""), RowsAre::Genes);
  EXPECT_EQ(tell_rows(cells, genes, ""), RowsAre::Cells);
  EXPECT_EQ(tell_rows(genes, others, ""), RowsAre::Genes);
  EXPECT_EQ(tell_rows(others, genes, ""), RowsAre::Cells);
  EXPECT_EQ(tell_rows(others, cells, ""), RowsAre::Genes);
  EXPECT_EQ(tell_rows(genes, cells, "cell"), RowsAre::Genes);  // names weigh more
  EXPECT_EQ(tell_rows(others, others, ""), RowsAre::Unknown);
  EXPECT_EQ(tell_rows(others, others, "Gene_ID"), RowsAre::Genes);
  EXPECT_EQ(tell_rows(others, others, "barcode"), RowsAre::Cells);
  EXPECT_EQ(tell_rows(genes, genes, ""), RowsAre::Unknown);
  EXPECT_EQ(tell_rows({}, {}, ""), RowsAre::Unknown);
}

TEST(NamesMeasure, AsScanpyAndSeuratCallThem) {
  for (const char* name :
       {"nCount_RNA", "nFeature_SCT", "percent.mt", "pct_counts_mt", "n_genes", "total_counts",
        "n_genes_by_counts", "log1p_total_counts", "UMAP_1", "PC_12", "seurat_clusters",
        "RNA_snn_res.0.5", "S.Score", "nUMI", "age", "donor_id"}) {
    EXPECT_TRUE(names_measure(name)) << name;
  }
  for (const char* name : {"PCNA", "PCK1", "CLU", "NCOA1", "UMAD1", "TSNE", "UMAP_", "PC_a", "ACTB",
                           "cell1", "count", "AGER", "NGEF", ""}) {
    EXPECT_FALSE(names_measure(name)) << name;
  }
}

TEST(NamesMeasure, WithoutRegardToCaseAndToWhatSeparatesWords) {
  for (const char* name : {"orig.ident",
                           "cell_type",
                           "celltype",
                           "CellType",
                           "Cell Type",
                           "label",
                           "labels",
                           "cluster_id",
                           "ClusterID",
                           "clusters",
                           "res.0.8",
                           "res.1",
                           "integrated_snn_res.0.8",
                           "predicted_doublet",
                           "scDblFinder.score",
                           "scDblFinder.class",
                           "nCounts",
                           "nFeatures",
                           "total_features",
                           "mitoRatio",
                           "log10GenesPerUMI",
                           "sizeFactor",
                           "size.factor",
                           "UMI",
                           "UMIs",
                           "reads",
                           "cell_id",
                           "Cell_Index",
                           "tSNE1",
                           "tSNE2",
                           "TSNE.1",
                           "UMAP1",
                           "UMAP-2",
                           "PC1",
                           "PC12",
                           "detected",
                           "subsets_Mito_percent",
                           "subsets_Mito_sum",
                           "altexps_ERCC_percent",
                           "DonorID",
                           "donor.id",
                           "sample-id",
                           "entrezgene",
                           "GeneID",
                           "gene_id",
                           "chr",
                           "Chromosome",
                           "start_position",
                           "end_position",
                           "transcript_length",
                           "highly_variable",
                           "index",
                           "strand",
                           "leiden_0.5",
                           "louvain_res_1"}) {
    EXPECT_TRUE(names_measure(name)) << name;
  }
  for (const char* name :
       {"PCA3", "GC", "REST", "RES", "res.a", "res.", "RESF1", "subsets_x", "PC", "UMAP", "id",
        "cell_1", "cells1", "chr1", "sample_1", "label2", "Leiden_2"}) {
    EXPECT_FALSE(names_measure(name)) << name;
  }
}

TEST(NamesMeasure, NoHumanGeneIsCalledSo) {
  LineReader reader(std::string(SAITHE_SOURCE_DIR) + "/data/ensembl_symbols.tsv.gz");
  std::int64_t n_genes = 0;
  for (std::string_view line; reader.next(line);) {
    if (line.starts_with('#')) continue;
    const std::string_view symbol = line.substr(line.find('\t') + 1);
    EXPECT_FALSE(names_measure(symbol)) << symbol;
    ++n_genes;
  }
  EXPECT_GT(n_genes, 10000);
}

TEST(MeasuresAmong, AsTheOtherColumnsAllow) {
  using Are = std::vector<bool>;
  EXPECT_EQ(measures_among({"PC1", "PC2", "PC_3", "ACTB"}, 0), (Are{true, true, true, false}));
  EXPECT_EQ(measures_among({"PC3", "PC9", "PC_3", "HeLa"}, 0), (Are{false, false, true, false}));
  EXPECT_EQ(measures_among({"chr", "reads"}, 1), (Are{true, false}));
  EXPECT_EQ(measures_among({"chr", "reads"}, 0), (Are{true, true}));
  EXPECT_EQ(measures_among({"UMIs"}, 0), Are{false});
  EXPECT_EQ(measures_among({"UMAP_1"}, 0), Are{true});
  EXPECT_TRUE(measures_among({}, 0).empty());
}

TEST(NamesCounter, OfHtseqAndStar) {
  for (const char* name :
       {"__no_feature", "__alignment_not_unique", "X__ambiguous", "N_unmapped", "N_noFeature"}) {
    EXPECT_TRUE(names_counter(name)) << name;
  }
  for (const char* name : {"no_feature", "ambiguous", "N_genes", "NUP98", "__", ""}) {
    EXPECT_FALSE(names_counter(name)) << name;
  }
}

TEST(MayNameNumbers, WordsThatAreNoGenes) {
  for (const char* word : {"", "index", "Unnamed: 0", "cell_id", "Barcode", "X", "id", "row_id",
                           "row.names", "level_0", "Gene ID", "...1"}) {
    EXPECT_TRUE(may_name_numbers(word)) << word;
  }
  for (const char* word : {"Xkr4", "BID", "ROS1", "Sox17", "0", "count", "NRID"}) {
    EXPECT_FALSE(may_name_numbers(word)) << word;
  }
}

}  // namespace
}  // namespace saithe::io
