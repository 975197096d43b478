#include "saithe/io/hdf5_file.h"

#include <gtest/gtest.h>

#include <array>

#include "saithe/io/hdf5_writer.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using io::Hdf5Group;
using io::Hdf5Id;
using io::Hdf5Target;
using io::StoredKind;
using testing::FolderForTest;

/// A file with one dataset or attribute of each kind.
Hdf5Group file_of_kinds(const std::filesystem::path& path) {
  Hdf5Target root = Hdf5Target::create_file(path, "a");
  const std::vector<double> numbers = {0, 1, -3};
  root.write_array("integers", numbers, NumberColumn::Kind::Integer);
  root.write_array("floats", std::vector<double>{0.5, 2}, NumberColumn::Kind::Float64);
  root.write_array("booleans", std::vector<double>{1, 0}, NumberColumn::Kind::Boolean);
  root.write_texts("texts", {"\xCE\xB3\xCE\xB4 T", ""});
  root.set_attribute("list", std::vector<std::string>{"b", "a"});
  root.set_attribute("shape", std::vector<std::int64_t>{4, 5});
  static_cast<void>(root.create_group("group", "dict"));
  // Texts of fixed length, padded with nulls, as h5py and 10x write them.
  const Hdf5Id type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type.get(), 4);
  H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  const hsize_t n = 2;
  const Hdf5Id space(H5Screate_simple(1, &n, nullptr));
  {
    const Hdf5Id fixed(H5Dcreate2(root.id(), "fixed", type.get(), space.get(), H5P_DEFAULT,
                                  H5P_DEFAULT, H5P_DEFAULT));
    const std::array<char, 8> texts = {'a', 'b', 'c', 'd', 'e', 0, 0, 0};
    EXPECT_GE(H5Dwrite(fixed.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, texts.data()), 0);
  }
  root.flush();
  root.close();
  return Hdf5Group::open_file(path);
}

TEST(Hdf5File, KindsAndValues) {
  const FolderForTest folder;
  const Hdf5Group root = file_of_kinds(folder / "a.h5");
  EXPECT_EQ(root.dataset("integers").kind(), StoredKind::Integer);
  EXPECT_EQ(root.dataset("floats").kind(), StoredKind::Float);
  EXPECT_EQ(root.dataset("booleans").kind(), StoredKind::Boolean);
  EXPECT_EQ(root.dataset("texts").kind(), StoredKind::Text);
  EXPECT_EQ(root.dataset("integers").read_integers(), (std::vector<std::int64_t>{0, 1, -3}));
  EXPECT_EQ(root.dataset("floats").read_numbers(), (std::vector<double>{0.5, 2}));
  EXPECT_EQ(root.dataset("booleans").read_numbers(), (std::vector<double>{1, 0}));
  EXPECT_EQ(root.dataset("texts").read_texts(),
            (std::vector<std::string>{"\xCE\xB3\xCE\xB4 T", ""}));
  EXPECT_EQ(root.dataset("fixed").read_texts(), (std::vector<std::string>{"abcd", "e"}));
  EXPECT_EQ(root.dataset("fixed").read_texts(1, 1), (std::vector<std::string>{"e"}));
  EXPECT_EQ(root.dataset("texts").read_texts(1, 1), (std::vector<std::string>{""}));
  EXPECT_EQ(root.dataset("texts").read_texts(0, 2), root.dataset("texts").read_texts());
  EXPECT_TRUE(root.dataset("texts").read_texts(2, 0).empty());
  EXPECT_SAITHE_ERROR(root.dataset("texts").read_texts(1, 2), ErrorKind::BadFormat, "/texts");
  EXPECT_EQ(root.text_list_attribute("list"), (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(root.integer_attribute("shape"), (std::vector<std::int64_t>{4, 5}));
  EXPECT_EQ(root.text_attribute("encoding-type"), "anndata");
  EXPECT_EQ(root.text_attribute("none"), std::nullopt);
}

TEST(Hdf5File, NamesAndWhatTheyAre) {
  const FolderForTest folder;
  const Hdf5Group root = file_of_kinds(folder / "a.h5");
  EXPECT_EQ(root.names(), (std::vector<std::string>{"booleans", "fixed", "floats", "group",
                                                    "integers", "texts"}));
  EXPECT_TRUE(root.has_group("group"));
  EXPECT_FALSE(root.has_dataset("group"));
  EXPECT_TRUE(root.has_dataset("texts"));
  EXPECT_FALSE(root.has("nothing"));
}

TEST(Hdf5File, WhatIsNotThereOrOfAnotherKindIsNamed) {
  const FolderForTest folder;
  const Hdf5Group root = file_of_kinds(folder / "a.h5");
  EXPECT_SAITHE_ERROR(root.group("texts"), ErrorKind::BadFormat, "a.h5: /texts");
  EXPECT_SAITHE_ERROR(root.dataset("group"), ErrorKind::BadFormat, "/group");
  EXPECT_SAITHE_ERROR(root.dataset("nothing"), ErrorKind::BadFormat, "/nothing");
  EXPECT_SAITHE_ERROR(root.dataset("texts").read_numbers(), ErrorKind::BadFormat, "/texts");
  EXPECT_SAITHE_ERROR(root.dataset("floats").read_integers(), ErrorKind::BadFormat, "/floats");
  EXPECT_SAITHE_ERROR(root.dataset("integers").read_texts(), ErrorKind::BadFormat, "/integers");
  EXPECT_SAITHE_ERROR(Hdf5Group::open_file(folder / "none.h5"), ErrorKind::NotFound, "none.h5");
}

// A file that claims more values than its bytes can hold must not make us ask for that memory.
TEST(Hdf5File, ALieAboutTheNumberOfValuesIsFound) {
  const FolderForTest folder;
  const Hdf5Group root = file_of_kinds(folder / "a.h5");
  root.dataset("integers").require_plausible(3);
  EXPECT_SAITHE_ERROR(root.dataset("integers").require_plausible(std::int64_t{1} << 40),
                      ErrorKind::BadFormat, "/integers");
}

}  // namespace
}  // namespace saithe
