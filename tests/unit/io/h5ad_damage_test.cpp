// Files that lie, and packed arrays with flipped bits: an Error or a valid object, never a crash.

#include <gtest/gtest.h>

#include <array>
#include <functional>

#include "saithe/core/random.h"
#include "saithe/io/chunked_array.h"
#include "saithe/io/hdf5_writer.h"
#include "saithe/io/library_file.h"
#include "saithe/io/open.h"
#include "saithe/io/write_h5ad.h"
#include "support/folder_for_test.h"
#include "support/marker_cells.h"

namespace saithe {
namespace {

using io::Hdf5Target;
using testing::FolderForTest;
using testing::marker_cells;

const Context kContext(2);

/// The three arrays of X, to be made wrong.
struct Arrays {
  std::vector<double> data = {1, 2, 3, 4};
  std::vector<double> indices = {0, 2, 1, 0};
  std::vector<double> indptr = {0, 2, 3, 4};
  std::array<std::int64_t, 2> shape = {3, 3};
  std::string encoding = "csr_matrix";
  NumberColumn::Kind index_kind = NumberColumn::Kind::Integer;
};

void write_arrays(const std::filesystem::path& path, const Arrays& x) {
  const Hdf5Target root = Hdf5Target::create_file(path, path.string());
  const Hdf5Target group = root.create_group("X", x.encoding);
  group.write_array("data", x.data, NumberColumn::Kind::Float64);
  group.write_array("indices", x.indices, x.index_kind);
  group.write_array("indptr", x.indptr, x.index_kind);
  group.set_attribute("shape", x.shape);
  root.write_frame("obs", Table({"a", "b", "c"}), {"_index", {}});
  root.write_frame("var", Table({"x", "y", "z"}), {"_index", {}});
  root.flush();
}

TEST(H5adDamage, ArraysThatAgreeAreRead) {
  const FolderForTest folder;
  write_arrays(folder / "a.h5ad", {});
  const Dataset cells = read_dataset(folder / "a.h5ad", {}, kContext);
  EXPECT_EQ(cells.counts.row_start, (std::vector<RowPointer>{0, 2, 3, 4}));
  EXPECT_EQ(cells.counts.columns, (std::vector<GeneIndex>{0, 2, 1, 0}));
  EXPECT_EQ(cells.counts.values, (std::vector<float>{1, 2, 3, 4}));
}

TEST(H5adDamage, ColumnsOutOfOrderAndTwiceAreSortedAndSummed) {
  const FolderForTest folder;
  Arrays x;
  x.indices = {2, 0, 1, 0};
  write_arrays(folder / "order.h5ad", x);
  EXPECT_EQ(read_dataset(folder / "order.h5ad", {}, kContext).counts.values,
            (std::vector<float>{2, 1, 3, 4}));
  x.indices = {2, 2, 1, 0};
  write_arrays(folder / "twice.h5ad", x);
  EXPECT_EQ(read_dataset(folder / "twice.h5ad", {}, kContext).counts.values,
            (std::vector<float>{3, 3, 4}));
}

TEST(H5adDamage, ByGenesIsTurnedRound) {
  const FolderForTest folder;
  Arrays x;
  x.encoding = "csc_matrix";
  write_arrays(folder / "a.h5ad", x);
  const Dataset cells = read_dataset(folder / "a.h5ad", {}, kContext);
  EXPECT_EQ(cells.counts.row_start, (std::vector<RowPointer>{0, 2, 3, 4}));
  EXPECT_EQ(cells.counts.columns, (std::vector<GeneIndex>{0, 2, 1, 0}));
  EXPECT_EQ(cells.counts.values, (std::vector<float>{1, 4, 3, 2}));
}

TEST(H5adDamage, LiesOfTheArraysAreErrors) {
  const FolderForTest folder;
  struct Lie {
    std::function<void(Arrays&)> tell;
    const char* part;
  };
  const std::vector<Lie> lies = {
      {[](Arrays& x) { x.indptr[0] = 1; }, "begins with 1; expected 0"},
      {[](Arrays& x) {
         x.indptr = {0, 3, 2, 4};
       },
       "falls from 3 to 2"},
      {[](Arrays& x) { x.indptr.back() = 5; }, "ends at 5"},
      {[](Arrays& x) { x.indptr.pop_back(); }, "has 3 entries; expected 4"},
      {[](Arrays& x) { x.indices[1] = 3; }, "expected 0 to 2"},
      {[](Arrays& x) { x.indices[1] = -1; }, "expected 0 to 2"},
      {[](Arrays& x) { x.indices[1] = 5e9; }, "outside the range"},
      {[](Arrays& x) { x.indices.pop_back(); }, "indices has 3 entries but data has 4"},
      {[](Arrays& x) {
         x.shape = {3, 4};
       },
       "has the shape 3 x 4, but obs has 3 cells and var 3 genes. The file is not whole"},
      {[](Arrays& x) { x.encoding = "coo_matrix"; }, "'coo_matrix'"},
      {[](Arrays& x) { x.index_kind = NumberColumn::Kind::Float64; }, "expected whole numbers"},
  };
  for (const Lie& lie : lies) {
    Arrays x;
    lie.tell(x);
    write_arrays(folder / "a.h5ad", x);
    EXPECT_SAITHE_ERROR(read_dataset(folder / "a.h5ad", {}, kContext), ErrorKind::BadFormat,
                        lie.part);
  }
}

TEST(H5adDamage, OldTablesThatAreNone) {
  const FolderForTest folder;
  {
    const Hdf5Target root = Hdf5Target::create_file(folder / "a.h5ad", "a");
    root.write_texts("obs", {"a"});
    root.write_texts("var", {"x"});
    root.flush();
  }
  EXPECT_SAITHE_ERROR(open_source(folder / "a.h5ad", {}, kContext), ErrorKind::BadFormat,
                      "/obs: is no table of named columns");
}

hid_t never_followed(const char*, hid_t, const void*, std::size_t, hid_t, hid_t) {
  return -1;
}

/// saithe switches HDF5's external links off in its process; here they are written by hand.
void create_external_link(hid_t group, const char* name, const char* file, const char* object) {
  H5L_class_t link{};
  link.version = H5L_LINK_CLASS_T_VERS;
  link.id = H5L_TYPE_EXTERNAL;
  link.comment = "external";
  link.trav_func = never_followed;
  ASSERT_GE(H5Lregister(&link), 0);
  std::string value(1, '\0');  // version and flags
  value += file;
  value += '\0';
  value += object;
  value += '\0';
  ASSERT_GE(H5Lcreate_ud(group, name, H5L_TYPE_EXTERNAL, value.data(), value.size(), H5P_DEFAULT,
                         H5P_DEFAULT),
            0);
  ASSERT_GE(H5Lunregister(H5L_TYPE_EXTERNAL), 0);
}

TEST(H5adDamage, LinksToOtherFilesAreRefused) {
  const FolderForTest folder;
  write_arrays(folder / "other.h5ad", {});
  {
    const Hdf5Target root = Hdf5Target::create_file(folder / "a.h5ad", "a");
    root.write_frame("obs", Table({"a", "b", "c"}), {"_index", {}});
    root.write_frame("var", Table({"x", "y", "z"}), {"_index", {}});
    create_external_link(root.id(), "X", "other.h5ad", "/X");
    create_external_link(root.id(), "door", "other.h5ad", "/");
    H5Lcreate_soft("/door/X", root.id(), "Y", H5P_DEFAULT, H5P_DEFAULT);
    root.flush();
  }
  EXPECT_SAITHE_ERROR(open_source(folder / "a.h5ad", {}, kContext), ErrorKind::BadFormat,
                      "link to another file");
  const io::Hdf5Group root = io::Hdf5Group::open_file(folder / "a.h5ad");
  EXPECT_FALSE(root.has_group("Y"));
  EXPECT_TRUE(root.is_link("X") && root.leads_elsewhere("X"));
  EXPECT_TRUE(root.is_link("Y") && !root.leads_elsewhere("Y"));
  EXPECT_FALSE(root.is_link("obs") || root.is_link("none") || root.leads_elsewhere("none"));
}

TEST(H5adDamage, UnknownFiltersAreNamed) {
  const FolderForTest folder;
  write_arrays(folder / "a.h5ad", {});
  {
    const Hdf5Target root = Hdf5Target::open_file(folder / "a.h5ad", "a");
    const Hdf5Target x = root.group("X");
    x.remove("data");
    const hsize_t n = 4;
    const io::Hdf5Id space(H5Screate_simple(1, &n, nullptr));
    const io::Hdf5Id creation(H5Pcreate(H5P_DATASET_CREATE));
    H5Pset_chunk(creation.get(), 1, &n);
    H5Pset_filter(creation.get(), 32008, H5Z_FLAG_OPTIONAL, 0, nullptr);
    const io::Hdf5Id data(H5Dcreate2(x.id(), "data", H5T_IEEE_F32LE, space.get(), H5P_DEFAULT,
                                     creation.get(), H5P_DEFAULT));
    ASSERT_TRUE(data.is_valid());
    root.flush();
  }
  EXPECT_SAITHE_ERROR(open_source(folder / "a.h5ad", {}, kContext), ErrorKind::BadFormat,
                      "filter 32008");
}

/// Reads a file that may be damaged; true if it was read.
bool survives(const std::filesystem::path& path) {
  try {
    const Dataset cells = read_dataset(path, {}, kContext);
    validate(cells.counts.view(), "read");
    EXPECT_EQ(cells.counts.n_rows, cells.n_cells());
    EXPECT_EQ(cells.counts.n_cols, cells.n_genes());
    return true;
  } catch (const Error& error) {
    EXPECT_TRUE(error.kind() == ErrorKind::BadFormat) << error.what();
    EXPECT_FALSE(testing::contains(error.what(), "\n"));
    return false;
  }
}

/// The bytes of the file that hold a chunk of X: (first, number).
std::pair<std::uint64_t, std::uint64_t> chunk_of(const io::LibraryGroup& x, const char* name) {
  const io::LibraryDataset dataset = x.dataset(name);
  const hsize_t start = 0;
  unsigned mask = 0;
  haddr_t address = 0;
  hsize_t n_bytes = 0;
  H5Dget_chunk_info_by_coord(dataset.id(), &start, &mask, &address, &n_bytes);
  return {address, n_bytes};
}

// Only the packed arrays of X, which saithe decodes itself; open_damage_test.cpp has flips
// anywhere.
TEST(H5adDamage, FlippedBitsOfTheArraysNeverCrash) {
  const FolderForTest folder;
  write_h5ad(folder / "whole.h5ad", marker_cells(30, 20, 3), {}, false, kContext);
  const std::string bytes = testing::read_bytes(folder / "whole.h5ad");
  const Random random(8, 0);
  int n_errors = 0;
  for (const char* name : {"data", "indices", "indptr"}) {
    const auto [first, n_bytes] =
        chunk_of(io::LibraryGroup::open_file(folder / "whole.h5ad").group("X"), name);
    ASSERT_GT(n_bytes, 0U);
    for (std::uint64_t round = 0; round < 150; ++round) {
      std::string damaged = bytes;
      for (std::uint64_t flip = 0; flip < 1 + round % 8; ++flip) {
        const std::uint64_t bit = first * 8 + random.below(round * 8 + flip, n_bytes * 8);
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
      }
      testing::write_bytes(folder / "flipped.h5ad", damaged);
      SCOPED_TRACE(name);
      n_errors += survives(folder / "flipped.h5ad") ? 0 : 1;
    }
  }
  EXPECT_GT(n_errors, 400);  // zlib's checksum finds nearly all
}

}  // namespace
}  // namespace saithe
