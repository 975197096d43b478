// Matrices that are damaged; values are compared in tests/golden/zarr_parity_test.cpp.

#include "saithe/io/zarr_matrix.h"

#include <gtest/gtest.h>

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
  for (const std::vector<std::int32_t>& indptr : {std::vector<std::int32_t>{0, 1, 1, 4},
                                                  {1, 1, 1, 3},
                                                  {0, 2, 1, 3},
                                                  {0, 0, 0, 3},
                                                  {0, 1, 3}}) {
    write("indptr", "<i4", indptr);
    EXPECT_SAITHE_ERROR(read(), ErrorKind::BadFormat, "/X");
  }
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
