#include "output_plan.h"

#include <gtest/gtest.h>

#include <fstream>
#include <optional>

#include "saithe/core/error.h"
#include "support/folder_for_test.h"

namespace saithe::cli {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

/// The kind and message of what add() throws; nothing if it takes the output.
std::optional<std::pair<ErrorKind, std::string>> refusal(OutputPlan& plan, const fs::path& output,
                                                         OutputContent content) {
  try {
    plan.add(output, content);
  } catch (const Error& error) {
    return std::pair(error.kind(), std::string(error.what()));
  }
  return std::nullopt;
}

void expect_refused(OutputPlan& plan, const fs::path& output, OutputContent content, ErrorKind kind,
                    const std::string& words) {
  const auto found = refusal(plan, output, content);
  ASSERT_TRUE(found) << output;
  EXPECT_EQ(found->first, kind) << found->second;
  EXPECT_NE(found->second.find(words), std::string::npos) << found->second;
  EXPECT_TRUE(found->second.starts_with(output.string() + ": ")) << found->second;
}

TEST(OutputPlan, AnOptionIsNoName) {
  OutputPlan plan({});
  for (const char* name : {"-q", "--overwrite"}) {
    for (const OutputContent content : {OutputContent::Table, OutputContent::CellsOrTable}) {
      expect_refused(plan, name, content, ErrorKind::InvalidArgument, "write ./ before it");
    }
  }
  EXPECT_FALSE(refusal(plan, "./-q", OutputContent::CellsOrTable));
}

class OutputPlanTest : public ::testing::Test {
 protected:
  [[nodiscard]] const fs::path& folder() const { return folder_.path(); }
  /// An MTX set of GEO, with a prefix, beside a file of others.
  fs::path write_mtx() const {
    write(folder() / "mtx/GSM1_matrix.mtx",
          "%%MatrixMarket matrix coordinate integer general\n1 1 1\n1 1 1\n");
    write(folder() / "mtx/GSM1_genes.tsv", "G\tg\n");
    write(folder() / "mtx/GSM1_barcodes.tsv", "A\n");
    write(folder() / "mtx/mine.tsv", "mine\n");
    return folder() / "mtx/GSM1_matrix.mtx";
  }
  fs::path write_store() const {
    write(folder() / "cells.zarr/.zgroup", R"({"zarr_format": 2})");
    write(folder() / "cells.zarr/obs/.zattrs", "{}");
    return folder() / "cells.zarr";
  }

 private:
  saithe::testing::FolderForTest folder_;
};

TEST_F(OutputPlanTest, RefusesEveryFileOfAnMtxSetHoweverItIsNamed) {
  const fs::path matrix = write_mtx();
  for (const fs::path& input : {matrix, matrix.parent_path(), matrix.parent_path() / ""}) {
    OutputPlan plan({input});
    for (const char* name : {"GSM1_matrix.mtx", "GSM1_genes.tsv", "GSM1_barcodes.tsv"}) {
      expect_refused(plan, folder() / "mtx" / name, OutputContent::Table, ErrorKind::Output,
                     "is an input of this command");
    }
    // It would be read instead of the genes that are there.
    expect_refused(plan, folder() / "mtx/GSM1_features.tsv.gz", OutputContent::Table,
                   ErrorKind::Output, "is an input");
    EXPECT_FALSE(refusal(plan, folder() / "mtx/mine.tsv", OutputContent::Table));
    EXPECT_FALSE(refusal(plan, folder() / "mtx/new.tsv", OutputContent::Table));
  }
}

TEST_F(OutputPlanTest, RefusesAllThatLiesInAnInputStore) {
  const fs::path store = write_store();
  fs::create_directory_symlink(store, folder() / "link");
  for (const fs::path& input : {store, store / "", folder() / "link"}) {
    OutputPlan plan({input});
    for (const char* name : {"obs/.zattrs", "labels.tsv", "obs/new/labels.tsv"}) {
      expect_refused(plan, store / name, OutputContent::Table, ErrorKind::Output,
                     "lies in the input");
      expect_refused(plan, folder() / "link" / name, OutputContent::Table, ErrorKind::Output,
                     "lies in the input");
    }
    expect_refused(plan, store, OutputContent::Cells, ErrorKind::Output, "is an input");
    EXPECT_FALSE(refusal(plan, folder() / "cells.zarr.tsv", OutputContent::Table));
  }
}

TEST_F(OutputPlanTest, RefusesAStoreThatHoldsAnInput) {
  const fs::path model = write_store() / "model.saithe";
  write(model, "a model");
  OutputPlan plan({model});
  expect_refused(plan, folder() / "cells.zarr", OutputContent::Cells, ErrorKind::Output,
                 "holds an input");
}

TEST_F(OutputPlanTest, RefusesAHardLinkAndAnInputThatIsNotThere) {
  write(folder() / "a.tsv", "text");
  fs::create_hard_link(folder() / "a.tsv", folder() / "b.tsv");
  OutputPlan plan({folder() / "a.tsv", folder() / "absent.tsv", ""});
  expect_refused(plan, folder() / "b.tsv", OutputContent::Table, ErrorKind::Output, "is an input");
  expect_refused(plan, folder() / "." / "absent.tsv", OutputContent::Table, ErrorKind::Output,
                 "is an input");
}

TEST_F(OutputPlanTest, RefusesOneNameForTwoOutputsAndOneInAnother) {
  OutputPlan plan({});
  fs::create_directory(folder() / "sub");
  plan.add(folder() / "t.tsv", OutputContent::Table);
  plan.add(folder() / "out.zarr", OutputContent::Cells);
  expect_refused(plan, folder() / "sub/../t.tsv", OutputContent::Table, ErrorKind::InvalidArgument,
                 "is named for two outputs");
  expect_refused(plan, folder() / "out.zarr/p.tsv", OutputContent::Table,
                 ErrorKind::InvalidArgument, "lies in the other");
  expect_refused(plan, folder() / "t.tsv/metrics.json", OutputContent::Other,
                 ErrorKind::InvalidArgument, "lies in the other");
  EXPECT_FALSE(refusal(plan, folder() / "t2.tsv", OutputContent::Table));
}

TEST_F(OutputPlanTest, HoldsNamesToWhatIsWritten) {
  OutputPlan plan({});
  using enum OutputContent;
  const ErrorKind bad = ErrorKind::InvalidArgument;
  for (const char* name : {"a.h5", "a.LOOM", "a.rds", "a.h5seurat", "a.mtx.gz", "a.h5ad.gz",
                           "a.csv", "a.zip", "a.parquet"}) {
    expect_refused(plan, name, CellsOrTable, bad, ".tsv");
    expect_refused(plan, name, Table, bad, ".tsv");
    expect_refused(plan, name, H5ad, bad, ".h5ad");
    expect_refused(plan, name, Cells, bad, ".h5ad or .zarr");
  }
  for (const char* name : {"b.h5ad", "b.H5AD", "b.zarr", "b.Zarr/"}) {
    EXPECT_TRUE(names_cells(name)) << name;
    expect_refused(plan, name, Table, bad, ".tsv");
    expect_refused(plan, name, Other, bad, "not written here");
  }
  EXPECT_FALSE(refusal(plan, "c.H5AD", CellsOrTable));
  EXPECT_FALSE(refusal(plan, "d.H5ad", H5ad));
  EXPECT_FALSE(refusal(plan, "e.ZARR/", Cells));
  EXPECT_FALSE(refusal(plan, "-", CellsOrTable));
  EXPECT_FALSE(refusal(plan, "", H5ad));
  expect_refused(plan, "-", Table, bad, "stdout");
  for (const char* name : {"f.tsv", "f.tsv.gz", "f.txt", "f"}) {
    EXPECT_FALSE(refusal(plan, name, CellsOrTable)) << name;
  }
  EXPECT_FALSE(refusal(plan, "f.saithe", Other));
}

}  // namespace
}  // namespace saithe::cli
