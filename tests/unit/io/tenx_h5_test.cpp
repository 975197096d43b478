// 10x HDF5 files of both generations, made here as Cell Ranger lays them out.

#include <gtest/gtest.h>

#include "saithe/io/hdf5_writer.h"
#include "saithe/io/open.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using io::Hdf5Target;
using testing::FolderForTest;

const Context kContext(2);
constexpr auto kInteger = NumberColumn::Kind::Integer;

/// Two cells x four features: cell 0 has 5 of feature 1 and 1 of feature 3, cell 1 has 2 of
/// feature 0.
void write_arrays(const Hdf5Target& group, double n_features) {
  group.write_texts("barcodes", {"AAA-1", "CCC-1"});
  group.write_array("data", std::vector<double>{5, 1, 2}, kInteger);
  group.write_array("indices", std::vector<double>{1, 3, 0}, kInteger);
  group.write_array("indptr", std::vector<double>{0, 2, 3}, kInteger);
  group.write_array("shape", std::vector<double>{n_features, 2}, kInteger);
}

struct Features {
  std::vector<std::string> ids = {"E1", "E2", "E3", "E4"};
  std::vector<std::string> names = {"A", "B", "A", "C"};
  std::vector<std::string> types = std::vector<std::string>(4, "Gene Expression");
  std::vector<std::string> genomes = std::vector<std::string>(4, "GRCh38");
  double n_features = 4;
};

/// A context of one thread that keeps its warnings.
struct Listening {
  Listening() : context(1) {
    context.on_warning = [this](const std::string& text) { warnings.push_back(text); };
  }
  Context context;
  std::vector<std::string> warnings;
};

void write_v3(const std::filesystem::path& path, const Features& features,
              const std::function<void(const Hdf5Target&)>& add_features = {}) {
  Hdf5Target root = Hdf5Target::create_file(path, path.string());
  const Hdf5Target matrix = root.create_group("matrix", "");
  write_arrays(matrix, features.n_features);
  const Hdf5Target group = matrix.create_group("features", "");
  group.write_texts("id", features.ids);
  group.write_texts("name", features.names);
  group.write_texts("feature_type", features.types);
  group.write_texts("genome", features.genomes);
  if (add_features) add_features(group);
  root.flush();
  root.close();
}

void write_v2(const std::filesystem::path& path, const std::vector<std::string>& genomes) {
  Hdf5Target root = Hdf5Target::create_file(path, path.string());
  for (const std::string& genome : genomes) {
    const Hdf5Target matrix = root.create_group(genome, "");
    write_arrays(matrix, 4);
    std::vector<std::string> ids;
    for (const char* id : {"1", "2", "3", "4"}) ids.push_back(genome + id);
    matrix.write_texts("genes", ids);
    matrix.write_texts("gene_names", {"A", "B", "A", "C"});
  }
  root.flush();
  root.close();
}

TEST(TenxH5, VersionThree) {
  const FolderForTest folder;
  write_v3(folder / "a.h5", {});
  const Dataset cells = read_dataset(folder / "a.h5", {}, kContext);
  EXPECT_EQ(cells.obs().index(), (std::vector<std::string>{"AAA-1", "CCC-1"}));
  EXPECT_EQ(cells.var().index(), (std::vector<std::string>{"A", "B", "A-1", "C"}));
  EXPECT_EQ(cells.var().as_text("gene_ids"), (std::vector<std::string>{"E1", "E2", "E3", "E4"}));
  EXPECT_EQ(cells.var().as_text("gene_symbols"), (std::vector<std::string>{"A", "B", "A", "C"}));
  EXPECT_EQ(cells.counts.row_start, (std::vector<RowPointer>{0, 2, 3}));
  EXPECT_EQ(cells.counts.columns, (std::vector<GeneIndex>{1, 3, 0}));
  EXPECT_EQ(cells.counts.values, (std::vector<float>{5, 1, 2}));
  EXPECT_EQ(inspect_file(folder / "a.h5", {}, kContext).format, "10x HDF5 v3");
  EXPECT_FALSE(is_h5ad(folder / "a.h5"));
}

TEST(TenxH5, OnlyGeneExpressionIsKeptAndTheRestIsCounted) {
  const FolderForTest folder;
  Features features;
  features.types[1] = "Antibody Capture";
  write_v3(folder / "a.h5", features);
  std::vector<std::string> warnings;
  Context listening(1);
  listening.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  const Dataset cells = read_dataset(folder / "a.h5", {}, listening);
  EXPECT_EQ(cells.var().as_text("gene_ids"), (std::vector<std::string>{"E1", "E3", "E4"}));
  EXPECT_EQ(cells.counts.columns, (std::vector<GeneIndex>{2, 0}));
  EXPECT_EQ(cells.counts.values, (std::vector<float>{1, 2}));
  ASSERT_EQ(warnings.size(), 2U);  // also of the symbol that stands twice
  EXPECT_TRUE(testing::contains(
      warnings[0],
      "1 feature is not of the type 'Gene Expression' and left out: 1 Antibody Capture"));
  features.types.assign(4, "Antibody Capture");
  write_v3(folder / "none.h5", features);
  EXPECT_SAITHE_ERROR(open_source(folder / "none.h5", {}, kContext), ErrorKind::BadFormat,
                      "none of its 4 features");
}

TEST(TenxH5, AGenomeOfAnyVersion) {
  const FolderForTest folder;
  Features features;
  features.genomes = {"GRCh38", "mm10", "mm10", "mm10"};
  write_v3(folder / "v3.h5", features);
  const Dataset mouse = read_dataset(folder / "v3.h5", {"", false, "mm10"}, kContext);
  EXPECT_EQ(mouse.var().as_text("gene_ids"), (std::vector<std::string>{"E2", "E3", "E4"}));
  EXPECT_SAITHE_ERROR(open_source(folder / "v3.h5", {"", false, "hg19"}, kContext),
                      ErrorKind::BadFormat,
                      "--genome hg19: no feature is of that genome; there is GRCh38, mm10");

  write_v2(folder / "one.h5", {"hg19"});
  EXPECT_EQ(read_dataset(folder / "one.h5", {}, kContext).var().as_text("gene_ids")[0], "hg191");
  EXPECT_EQ(inspect_file(folder / "one.h5", {}, kContext).format, "10x HDF5 v2");
  write_v2(folder / "two.h5", {"hg19", "mm10"});
  EXPECT_SAITHE_ERROR(open_source(folder / "two.h5", {}, kContext), ErrorKind::BadFormat,
                      "hg19, mm10; choose one with --genome");
  EXPECT_EQ(
      read_dataset(folder / "two.h5", {"", false, "mm10"}, kContext).var().as_text("gene_ids")[0],
      "mm101");
}

TEST(TenxH5, TheGenomeIsTakenOffTheNamesOfSeveralSpecies) {
  const FolderForTest folder;
  Features features;
  features.ids = {"GRCh38_E1", "mm10___E2", "mm10___E3", "CD3"};
  features.names = {"GRCh38_A", "mm10___B", "mm10___C", "CD3"};
  features.genomes = {"GRCh38", "mm10", "mm10", ""};
  features.types[3] = "Antibody Capture";
  write_v3(folder / "v3.h5", features);
  Listening all;
  const Dataset both = read_dataset(folder / "v3.h5", {}, all.context);
  EXPECT_EQ(both.var().index(), (std::vector<std::string>{"GRCh38_A", "mm10___B", "mm10___C"}));
  ASSERT_EQ(all.warnings.size(), 2U);
  EXPECT_TRUE(testing::contains(all.warnings[1], "genomes GRCh38, mm10; all are read"));
  Listening one;
  const Dataset mouse = read_dataset(folder / "v3.h5", {"", false, "mm10"}, one.context);
  EXPECT_EQ(mouse.var().index(), (std::vector<std::string>{"B", "C"}));
  EXPECT_EQ(mouse.var().as_text("gene_ids"), (std::vector<std::string>{"E2", "E3"}));
  EXPECT_EQ(mouse.counts.values, (std::vector<float>{5}));
  ASSERT_EQ(one.warnings.size(), 2U);
  EXPECT_TRUE(testing::contains(one.warnings[1], "1 gene of other genomes than mm10 is left out"));
}

// Cell 0 has 5 of probe 1 and 1 of probe 3, cell 1 has 2 of probe 0.
TEST(TenxH5, ProbesOfAGeneAreAddedUp) {
  const FolderForTest folder;
  Features features;
  features.ids = {"E1|a", "E2|b", "E1|c", "E2|d"};
  const auto write = [&](const std::vector<double>& is_included) {
    write_v3(folder / "a.h5", features, [&](const Hdf5Target& group) {
      group.write_texts("gene_id", {"E1", "E2", "E1", "E2"});
      group.write_texts("gene_name", {"A", "B", "A", "B"});
      group.write_texts("probe_region", {"spliced", "unspliced", "spliced", "spliced"});
      group.write_array("filtered_probes", is_included, NumberColumn::Kind::Boolean);
      static_cast<void>(group.create_group("target_sets", ""));
    });
    std::filesystem::remove(folder / "b.h5");
    std::filesystem::rename(folder / "a.h5", folder / "b.h5");
  };
  write({1, 1, 1, 1});
  const Dataset all = read_dataset(folder / "b.h5", {}, kContext);
  EXPECT_EQ(all.var().index(), (std::vector<std::string>{"A", "B"}));
  EXPECT_EQ(all.var().as_text("gene_ids"), (std::vector<std::string>{"E1", "E2"}));
  EXPECT_EQ(all.counts.columns, (std::vector<GeneIndex>{1, 0}));
  EXPECT_EQ(all.counts.values, (std::vector<float>{6, 2}));
  write({0, 1, 0, 1});
  Listening some;
  const Dataset kept = read_dataset(folder / "b.h5", {}, some.context);
  EXPECT_EQ(kept.var().index(), (std::vector<std::string>{"B"}));
  EXPECT_EQ(kept.counts.values, (std::vector<float>{6}));
  ASSERT_EQ(some.warnings.size(), 1U);
  EXPECT_TRUE(testing::contains(some.warnings[0], "2 probes that the file marks as excluded are"));
  EXPECT_EQ(inspect_file(folder / "b.h5", {}, kContext).format, "10x HDF5 v3 (probes)");
}

TEST(TenxH5, WhatDoesNotAgreeIsNamed) {
  const FolderForTest folder;
  Features features;
  features.n_features = 5;
  write_v3(folder / "shape.h5", features);
  EXPECT_SAITHE_ERROR(open_source(folder / "shape.h5", {}, kContext), ErrorKind::BadFormat,
                      "is not 4 features x 2 barcodes");
  features = {};
  features.names.pop_back();
  write_v3(folder / "names.h5", features);
  EXPECT_SAITHE_ERROR(open_source(folder / "names.h5", {}, kContext), ErrorKind::BadFormat,
                      "3 gene names for 4 gene ids");
  features = {};
  features.types.pop_back();
  write_v3(folder / "types.h5", features);
  EXPECT_SAITHE_ERROR(open_source(folder / "types.h5", {}, kContext), ErrorKind::BadFormat,
                      "3 feature types for 4 ids");
  features = {};
  features.ids[2] = "E1";
  write_v3(folder / "ids.h5", features);
  EXPECT_SAITHE_ERROR(open_source(folder / "ids.h5", {}, kContext), ErrorKind::BadFormat,
                      "'E1' stands twice");
  write_v3(folder / "layer.h5", {});
  EXPECT_SAITHE_ERROR(open_source(folder / "layer.h5", {"counts", false, ""}, kContext),
                      ErrorKind::InvalidArgument, "--layer is not for this format, 10x HDF5 v3");
}

}  // namespace
}  // namespace saithe
