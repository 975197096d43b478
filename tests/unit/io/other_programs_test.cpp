// What is known but not read is refused with the command that makes a file that is.

#include <gtest/gtest.h>

#include "saithe/core/text_io.h"
#include "saithe/io/hdf5_writer.h"
#include "saithe/io/open.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using namespace std::string_literals;
using io::Hdf5Target;
using testing::FolderForTest;
using testing::write_bytes;

const Context kContext(1);

TEST(OtherPrograms, AreToldByTheirFirstBytes) {
  struct Case {
    const char* name;
    std::string bytes;
    const char* part;
  };
  const std::vector<Case> cases = {
      {"a.rds", "X\n\0\0\0\3\0\4"s, "anndataR::write_h5ad(readRDS("},
      {"b.rds", "\xFD\x37zXZ\0..."s, "readRDS("},
      {"a.bin", "RDX3\nX\n"s, "load("},
      {"a.cloupe", "{\"version\""s, "filtered_feature_bc_matrix.h5"},
      {"b.cloupe", "{\"version\""s, "anndataR::write_h5ad(readRDS("},
      {"a.xlsx", "PK\3\4..[Content_Types].xml"s, "pandas.read_excel("},
      {"a.xls", "\xD0\xCF\x11\xE0\xA1"s, "pandas.read_excel("},
      {"a.parquet", "PAR1\x15"s, "pandas.read_parquet("},
      {"a.feather", "ARROW1\0\0"s, "pandas.read_feather("},
      {"a.tar", std::string(257, 'x') + "ustar\0"s + "00", "tar xf"},
      {"a.csv.bz2", "BZh91AY"s, "bunzip2"},
      {"a.h5ad", "<!DOCTYPE html>\n<html>"s, "download has failed"},
      {"b.h5ad", "version https://git-lfs.github.com/spec/v1\noid sha256:1\n"s, "git lfs pull"},
      {"a.csv", "\xFF\xFEg\0,\0"s, "iconv"},
      {"a.bam", "BAM\1...."s, "Count it first"},
  };
  const FolderForTest folder;
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    write_bytes(folder / c.name, c.bytes);
    EXPECT_SAITHE_ERROR(open_source(folder / c.name, {}, kContext), ErrorKind::BadFormat, c.part);
    EXPECT_SAITHE_ERROR(inspect_file(folder / c.name, {}, kContext), ErrorKind::BadFormat,
                        "which is not read here");
  }
  // R compresses by gzip.
  write_file(folder / "c.gz", "X\n\0\0\0\3\0\4"s, false);
  EXPECT_SAITHE_ERROR(open_source(folder / "c.gz", {}, kContext), ErrorKind::BadFormat, "readRDS(");
}

TEST(OtherPrograms, Hdf5FilesOfOtherThings) {
  const FolderForTest folder;
  const auto make = [&](const char* name, const std::vector<const char*>& groups) {
    Hdf5Target root = Hdf5Target::create_file(folder / name, name);
    for (const char* group : groups) static_cast<void>(root.create_group(group, ""));
    root.flush();
    root.close();
    return folder / name;
  };
  EXPECT_SAITHE_ERROR(open_source(make("a.h5mu", {"mod", "obs", "var"}), {}, kContext),
                      ErrorKind::BadFormat, "mudata.read_h5mu(");
  EXPECT_SAITHE_ERROR(open_source(make("m.h5", {"umi", "barcode_idx"}), {}, kContext),
                      ErrorKind::BadFormat, "read10xMolInfo(");
  EXPECT_SAITHE_ERROR(open_source(make("f.h5", {"feature_slices"}), {}, kContext),
                      ErrorKind::BadFormat, "binned_outputs");
  EXPECT_SAITHE_ERROR(open_source(make("x.h5", {"anything"}), {}, kContext), ErrorKind::BadFormat,
                      "is of no format");
}

TEST(OtherPrograms, AZarrStoreInAZipIsNoArchive) {
  const FolderForTest folder;
  write_bytes(folder / "a.zip", "PK\3\4..........zarr.json");
  const auto error =
      testing::error_of([&] { static_cast<void>(open_source(folder / "a.zip", {}, kContext)); });
  ASSERT_TRUE(error.has_value());
  EXPECT_FALSE(testing::contains(error->what(), "unzip"));
}

}  // namespace
}  // namespace saithe
