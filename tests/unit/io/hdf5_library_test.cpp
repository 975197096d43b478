#include "saithe/io/hdf5_library.h"

#include <gtest/gtest.h>

#include "saithe/io/hdf5_writer.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using io::Hdf5Target;
using testing::FolderForTest;

TEST(Hdf5Library, AttributesOfEachKindAndNothingOfAnother) {
  const FolderForTest folder;
  Hdf5Target root = Hdf5Target::create_file(folder / "a.h5", "a");
  root.set_attribute("list", std::vector<std::string>{"b", "", "a"});
  root.set_attribute("shape", std::vector<std::int64_t>{4, -5});
  const hid_t id = root.id();
  EXPECT_EQ(io::read_text_attribute(id, "list", "a"), (std::vector<std::string>{"b", "", "a"}));
  EXPECT_EQ(io::read_integer_attribute(id, "shape", "a"), (std::vector<std::int64_t>{4, -5}));
  EXPECT_TRUE(io::read_text_attribute(id, "shape", "a").empty());
  EXPECT_TRUE(io::read_integer_attribute(id, "list", "a").empty());
  EXPECT_TRUE(io::read_text_attribute(id, "none", "a").empty());
  EXPECT_FALSE(io::read_flag_attribute(id, "none", "a"));
  EXPECT_FALSE(io::read_flag_attribute(id, "shape", "a"));  // more than one
  root.set_attribute("one", std::vector<std::int64_t>{1});
  EXPECT_TRUE(io::read_flag_attribute(id, "one", "a"));
  EXPECT_EQ(
      io::read_attribute_names(id),
      (std::vector<std::string>{"encoding-type", "encoding-version", "list", "one", "shape"}));
  root.flush();
}

TEST(Hdf5Library, FiltersInTheOrderOfWriting) {
  const io::Hdf5Id creation(H5Pcreate(H5P_DATASET_CREATE));
  EXPECT_TRUE(io::read_filters(creation.get()).empty());
  const hsize_t chunk = 4;
  H5Pset_chunk(creation.get(), 1, &chunk);
  H5Pset_shuffle(creation.get());
  H5Pset_deflate(creation.get(), 4);
  EXPECT_EQ(io::read_filters(creation.get()),
            (std::vector<int>{H5Z_FILTER_SHUFFLE, H5Z_FILTER_DEFLATE}));
}

TEST(Hdf5Library, AReadThatFailsGivesNoTexts) {
  const io::Hdf5Id type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type.get(), 4);
  const hsize_t n = 3;
  const io::Hdf5Id space(H5Screate_simple(1, &n, nullptr));
  int n_texts = 0;
  const auto count = [&](std::string_view) { ++n_texts; };
  EXPECT_FALSE(io::read_texts_with(
      type.get(), space.get(), 3, [](hid_t, void*) -> herr_t { return -1; }, count));
  EXPECT_EQ(n_texts, 0);
  EXPECT_TRUE(io::read_texts_with(
      type.get(), space.get(), 3, [](hid_t, void*) -> herr_t { return 0; }, count));
  EXPECT_EQ(n_texts, 3);
}

}  // namespace
}  // namespace saithe
