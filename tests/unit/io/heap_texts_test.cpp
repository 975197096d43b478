#include "saithe/io/heap_texts.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "saithe/io/library_file.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using testing::FolderForTest;
using Texts = std::vector<std::string>;

/// How a file of one dataset, "names", is made.
struct Storage {
  hsize_t chunk = 0;   ///< texts of a chunk; 0: in one piece
  unsigned level = 0;  ///< of gzip, after a shuffle; 0: not packed
  hsize_t user_block = 0;
  bool is_edge_raw = false;
};

Texts many_texts(std::size_t n) {
  Texts texts;
  for (std::size_t i = 0; i < n; ++i) {
    texts.push_back("Gen\u00e9-" + std::string(i % 41, 'x') + std::to_string(i));
  }
  texts[1].clear();
  texts[n - 1].clear();
  return texts;
}

void write(const std::filesystem::path& path, const Texts& texts, const Storage& storage) {
  io::initialise_hdf5();
  const io::Hdf5Id of_file(H5Pcreate(H5P_FILE_CREATE));
  H5Pset_userblock(of_file.get(), storage.user_block);
  const io::Hdf5Id access(H5Pcreate(H5P_FILE_ACCESS));
  if (storage.is_edge_raw) H5Pset_libver_bounds(access.get(), H5F_LIBVER_V110, H5F_LIBVER_V110);
  const io::Hdf5Id creation(H5Pcreate(H5P_DATASET_CREATE));
  if (storage.chunk > 0) H5Pset_chunk(creation.get(), 1, &storage.chunk);
  if (storage.level > 0) {
    H5Pset_shuffle(creation.get());
    H5Pset_deflate(creation.get(), storage.level);
  }
  if (storage.is_edge_raw) {
    H5Pset_chunk_opts(creation.get(), H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS);
  }
  const io::Hdf5Id type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type.get(), H5T_VARIABLE);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  const hsize_t n = texts.size();
  const io::Hdf5Id space(H5Screate_simple(1, &n, nullptr));
  const io::Hdf5Id file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, of_file.get(), access.get()));
  const io::Hdf5Id names(H5Dcreate2(file.get(), "names", type.get(), space.get(), H5P_DEFAULT,
                                    creation.get(), H5P_DEFAULT));
  std::vector<const char*> pointers;
  for (const std::string& text : texts) pointers.push_back(text.c_str());
  ASSERT_GE(H5Dwrite(names.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()), 0);
  ASSERT_GE(H5Fflush(file.get(), H5F_SCOPE_GLOBAL), 0);
}

/// What is read without libhdf5.
Texts read_past_library(const io::LibraryDataset& names, std::int64_t begin, std::int64_t n) {
  Texts texts;
  const auto collect = [&](std::string_view text) { texts.emplace_back(text); };
  const auto n_read = io::read_heap_texts(names.id(), names.description(), begin, n, collect);
  EXPECT_EQ(n_read, std::ssize(texts));
  return texts;
}

Texts read(const io::LibraryDataset& names, std::int64_t begin, std::int64_t n) {
  Texts texts;
  names.read_texts(begin, n, [&](std::string_view text) { texts.emplace_back(text); });
  return texts;
}

TEST(HeapTexts, AreTheSameInEachStorage) {
  const FolderForTest folder;
  const Texts texts = many_texts(70000);  // more than are read at once, in many heaps
  for (const Storage& storage :
       {Storage{}, Storage{.chunk = 1000}, Storage{.chunk = 999, .level = 4},
        Storage{.chunk = 70000, .level = 1}}) {
    write(folder / "a.h5", texts, storage);
    const auto names = io::LibraryGroup::open_file(folder / "a.h5").dataset("names");
    EXPECT_EQ(read_past_library(names, 0, 70000), texts);
    EXPECT_EQ(read_past_library(names, 998, 1003),
              Texts(texts.begin() + 998, texts.begin() + 2001));
    EXPECT_EQ(read_past_library(names, 69999, 1), Texts{""});
    EXPECT_TRUE(read_past_library(names, 5, 0).empty());
  }
}

TEST(HeapTexts, WhatIsRareIsLeftToTheLibrary) {
  const FolderForTest folder;
  Texts texts = many_texts(3000);
  for (const Storage& storage :
       {Storage{.user_block = 512}, Storage{.chunk = 900, .level = 1, .is_edge_raw = true}}) {
    write(folder / "a.h5", texts, storage);
    const auto names = io::LibraryGroup::open_file(folder / "a.h5").dataset("names");
    EXPECT_TRUE(read_past_library(names, 0, 3000).empty());
    EXPECT_EQ(read(names, 0, 3000), texts);
  }
  // A long text has a heap of its own; those before it are read without the library.
  texts[2000] = std::string(3'000'000, 'l');
  write(folder / "a.h5", texts, {.chunk = 500, .level = 1});
  const auto names = io::LibraryGroup::open_file(folder / "a.h5").dataset("names");
  EXPECT_EQ(read_past_library(names, 0, 3000), Texts(texts.begin(), texts.begin() + 2000));
  EXPECT_EQ(read(names, 0, 3000), texts);
  EXPECT_EQ(read(names, 1990, 20), Texts(texts.begin() + 1990, texts.begin() + 2010));
}

TEST(HeapTexts, EndWhereLibhdf5EndsThem) {
  const FolderForTest folder;
  const Texts texts = many_texts(10);
  write(folder / "a.h5", texts, {});
  std::string bytes = testing::read_bytes(folder / "a.h5");
  const std::size_t at = bytes.find(texts[5]);
  ASSERT_NE(at, std::string::npos);
  bytes[at + 3] = '\0';
  testing::write_bytes(folder / "a.h5", bytes);
  const auto names = io::LibraryGroup::open_file(folder / "a.h5").dataset("names");
  EXPECT_EQ(read_past_library(names, 5, 1), Texts{"Gen"});
}

TEST(HeapTexts, ADamagedHeapIsNotBelieved) {
  const FolderForTest folder;
  const Texts texts = many_texts(500);
  write(folder / "whole.h5", texts, {.chunk = 100, .level = 1});
  const std::string bytes = testing::read_bytes(folder / "whole.h5");
  const std::size_t heap = bytes.find("GCOL");
  ASSERT_NE(heap, std::string::npos);
  // The signature, the version, the size, the first object's number and size.
  int n_stopped = 0;
  for (const std::size_t at : {0U, 4U, 13U, 15U, 16U, 24U, 28U, 31U}) {
    std::string damaged = bytes;
    damaged[heap + at] = static_cast<char>(damaged[heap + at] ^ 0x60);
    testing::write_bytes(folder / "a.h5", damaged);
    const auto names = io::LibraryGroup::open_file(folder / "a.h5").dataset("names");
    const Texts found = read_past_library(names, 0, 500);
    EXPECT_TRUE(std::ranges::equal(found, Texts(texts.begin(), texts.begin() + std::ssize(found))))
        << at;
    if (found.size() < texts.size()) ++n_stopped;
  }
  EXPECT_EQ(n_stopped, 8);
}

TEST(HeapTexts, TextsOfOneLengthAreNoneOfTheirs) {
  const FolderForTest folder;
  {
    const io::Hdf5Id type(H5Tcopy(H5T_C_S1));
    H5Tset_size(type.get(), 4);
    const hsize_t n = 3;
    const io::Hdf5Id space(H5Screate_simple(1, &n, nullptr));
    const io::Hdf5Id file(
        H5Fcreate((folder / "a.h5").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
    const io::Hdf5Id names(H5Dcreate2(file.get(), "names", type.get(), space.get(), H5P_DEFAULT,
                                      H5P_DEFAULT, H5P_DEFAULT));
    H5Dwrite(names.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, "aaa\0bb\0\0c\0\0");
    H5Fflush(file.get(), H5F_SCOPE_GLOBAL);
  }
  const auto names = io::LibraryGroup::open_file(folder / "a.h5").dataset("names");
  EXPECT_TRUE(read_past_library(names, 0, 3).empty());
  EXPECT_EQ(read(names, 0, 3), (Texts{"aaa", "bb", "c"}));
}

}  // namespace
}  // namespace saithe
