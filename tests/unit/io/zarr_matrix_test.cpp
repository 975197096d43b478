// Matrices that are damaged; values are compared in tests/golden/zarr_parity_test.cpp.

#include "saithe/io/zarr_matrix.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "support/zarr_folder.h"

namespace saithe {
namespace {

const Context kContext(2);

class ZarrMatrixFolder : public ::testing::Test {
 protected:
  void SetUp() override { testing::write_small_store(folder_.path()); }
  CsrMatrix read() const {
    const auto root = io::ZarrNode::find(io::open_zarr_store(folder_.path(), true, ""), "");
    return io::ZarrMatrix(root->get("X"), 3, 2, kContext).read(0, 3, kContext);
  }
  template <typename Value>
  void write(const std::string& name, const std::string& type, const std::vector<Value>& values) {
    testing::write_numbers(folder_.path(), "X/" + name, type, values);
  }
  testing::FolderForTest folder_;
};

TEST_F(ZarrMatrixFolder, RowsAndColumnsInAnyOrder) {
  EXPECT_EQ(read().values, (std::vector<float>{5, 1, 2}));
  write<std::int32_t>("indices", "<i4", {0, 1, 0});
  EXPECT_EQ(read().columns, (std::vector<GeneIndex>{0, 0, 1}));
  EXPECT_EQ(read().values, (std::vector<float>{5, 2, 1}));
}

TEST_F(ZarrMatrixFolder, DamagedArraysAreErrors) {
  write<std::int32_t>("indices", "<i4", {0, 0, 2});
  EXPECT_SAITHE_ERROR(read(), ErrorKind::BadFormat, "entry 2 is 2; expected 0 to 1");
  write<std::int32_t>("indices", "<i4", {0, 0});
  EXPECT_SAITHE_ERROR(read(), ErrorKind::BadFormat, "2 entries but data has 3");
  write<std::int32_t>("indices", "<i4", {0, 0, 1});
  for (const std::vector<std::int32_t>& indptr :
       {std::vector<std::int32_t>{0, 1, 1, 4}, {1, 1, 1, 3}, {0, 2, 1, 3}, {0, 1, 3}}) {
    write("indptr", "<i4", indptr);
    EXPECT_SAITHE_ERROR(read(), ErrorKind::BadFormat, "/X");
  }
}

TEST_F(ZarrMatrixFolder, EntriesOfOneColumnAreAddedUpHoweverMany) {
  write<std::int32_t>("indices", "<i4", {0, 0, 1});
  write<std::int32_t>("indptr", "<i4", {0, 0, 0, 3});  // three entries of two columns
  EXPECT_EQ(read().row_start, (std::vector<RowPointer>{0, 0, 0, 2}));
  EXPECT_EQ(read().columns, (std::vector<GeneIndex>{0, 1}));
  EXPECT_EQ(read().values, (std::vector<float>{6, 2}));
}

TEST_F(ZarrMatrixFolder, ChunksThatWereNotCopiedAreErrors) {
  std::filesystem::remove(folder_.path() / "X/data/0");
  EXPECT_SAITHE_ERROR(read(), ErrorKind::BadFormat, "/X/data: chunk 0: is not there");
  write<float>("data", "<f4", {5, 1, 2});
  std::filesystem::remove(folder_.path() / "X/indices/0");
  EXPECT_SAITHE_ERROR(read(), ErrorKind::BadFormat, "/X/indices: chunk 0: is not there");
  // Zarr leaves out chunks of zeros: of the first gene in each cell.
  write<std::int32_t>("indptr", "<i4", {0, 1, 2, 3});
  EXPECT_EQ(read().columns, (std::vector<GeneIndex>{0, 0, 0}));
}

// Chunks that are not there take no room on disk, however many entries they claim.
TEST_F(ZarrMatrixFolder, RowsPastTheColumnsAreReadWithinTheMemory) {
  for (const char* name : {"X/indices", "X/data"}) {
    testing::write_key(folder_.path(), std::string(name) + "/.zarray",
                       R"({"zarr_format":2,"shape":[1099511627776],"chunks":[1024],"dtype":"<i4",)"
                       R"("compressor":null,"filters":null,"fill_value":0,"order":"C"})");
    std::filesystem::remove(folder_.path() / name / "0");
  }
  constexpr std::int64_t kOfRow = std::int64_t{1} << 26;
  ASSERT_GT(kContext.max_memory, kOfRow * 8);
  ASSERT_LT(kContext.max_memory, kOfRow * 64);
  write<std::int64_t>("indptr", "<i8", {0, kOfRow, 2 * kOfRow, 8 * kOfRow});
  EXPECT_SAITHE_ERROR(read(), ErrorKind::BadFormat, "entries 0 to 3 of indptr claim 536870912");
  write<std::int64_t>("indptr", "<i8", {0, 0, 0, std::int64_t{1} << 40});
  EXPECT_SAITHE_ERROR(read(), ErrorKind::BadFormat,
                      "1099511627776 values would have to be in memory at once");
}

TEST_F(ZarrMatrixFolder, OtherShapesAndEncodingsAreErrors) {
  testing::write_group(folder_.path(), "X", R"({"encoding-type":"csr_matrix","shape":[2,3]})");
  EXPECT_SAITHE_ERROR(
      read(), ErrorKind::BadFormat,
      "has the shape 2 x 3, but obs has 3 cells and var 2 genes. It lies the other way");
  testing::write_group(folder_.path(), "X", R"({"encoding-type":"awkward-array"})");
  EXPECT_SAITHE_ERROR(read(), ErrorKind::BadFormat, "'awkward-array'");
}

}  // namespace
}  // namespace saithe
