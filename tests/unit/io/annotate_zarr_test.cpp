#include "saithe/io/annotate_zarr.h"

#include <gtest/gtest.h>

#include <map>

#include "saithe/io/open.h"
#include "support/zarr_folder.h"

namespace saithe {
namespace {

using testing::FolderForTest;
using Texts = std::vector<std::string>;
const Context kContext(1);

Annotations labels(const Texts& names) {
  Annotations annotations;
  annotations.obs.emplace_back("label", make_category_column(names));
  annotations.obsm.emplace_back("X_umap", DenseMatrix(std::ssize(names), 2));
  annotations.uns.emplace_back("saithe/parameters/seed", std::int64_t{4});
  annotations.uns.emplace_back("label_colors", Texts{"#000000"});
  return annotations;
}

class AnnotateZarr : public ::testing::Test {
 protected:
  void SetUp() override { testing::write_small_store(folder_ / "in.zarr"); }
  [[nodiscard]] std::size_t n_files() const {
    std::size_t n = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      n += static_cast<std::size_t>(!entry.path().empty());
    }
    return n;
  }
  FolderForTest folder_;
};

TEST_F(AnnotateZarr, ACopyHasTheColumns) {
  ZarrAnnotator(folder_ / "in.zarr", folder_ / "out.zarr", false).write(labels({"T", "", "B"}));
  const Dataset cells = read_dataset(folder_ / "out.zarr", {}, kContext);
  EXPECT_EQ(cells.obs().as_text("label"), (Texts{"T", "", "B"}));
  EXPECT_EQ(cells.counts.values, (std::vector<float>{5, 1, 2}));
  EXPECT_EQ(list_contents(folder_ / "out.zarr", kContext).obsm, Texts{"X_umap"});
  EXPECT_TRUE(read_dataset(folder_ / "in.zarr", {}, kContext).obs().columns().empty());
  EXPECT_EQ(n_files(), 2U);
}

TEST_F(AnnotateZarr, WhatIsThereIsReplacedOnlyOnRequest) {
  ZarrAnnotator(folder_ / "in.zarr", folder_ / "out.zarr", false).write(labels({"T", "", "B"}));
  EXPECT_SAITHE_ERROR(ZarrAnnotator(folder_ / "in.zarr", folder_ / "out.zarr", false),
                      ErrorKind::Output, "exists already");
  EXPECT_SAITHE_ERROR(
      ZarrAnnotator(folder_ / "out.zarr", folder_ / "b.zarr", false).require_free(labels({})),
      ErrorKind::Output, "has obs/label already");
  ZarrAnnotator(folder_ / "out.zarr", folder_ / "b.zarr", true).write(labels({"A", "A", "A"}));
  EXPECT_EQ(read_dataset(folder_ / "b.zarr", {}, kContext).obs().as_text("label"),
            (Texts{"A", "A", "A"}));
  ZarrAnnotator(folder_ / "b.zarr", folder_ / "out.zarr", true).write(labels({"C", "C", "C"}));
  EXPECT_EQ(read_dataset(folder_ / "out.zarr", {}, kContext).obs().as_text("label"),
            (Texts{"C", "C", "C"}));
  EXPECT_EQ(n_files(), 3U);
}

TEST_F(AnnotateZarr, WhatMustNotBeReplacedIsNot) {
  std::filesystem::create_directory(folder_ / "mine");
  EXPECT_SAITHE_ERROR(ZarrAnnotator(folder_ / "in.zarr", folder_ / "mine", true), ErrorKind::Output,
                      "is no Zarr store");
  for (const char* inside : {"in.zarr", "in.zarr/obs", "in.zarr/out.zarr", "mine/../in.zarr/x"}) {
    EXPECT_SAITHE_ERROR(ZarrAnnotator(folder_ / "in.zarr", folder_ / inside, true),
                        ErrorKind::Output, "lies in the input");
  }
  EXPECT_SAITHE_ERROR(ZarrAnnotator(folder_ / "mine", folder_ / "out.zarr", true),
                      ErrorKind::BadFormat, "copy of one of AnnData 0.7");
  Annotations index;
  index.obs.emplace_back("_index", make_category_column(Texts{}));
  EXPECT_SAITHE_ERROR(
      ZarrAnnotator(folder_ / "in.zarr", folder_ / "out.zarr", true).require_free(index),
      ErrorKind::Output, "is the index");
  EXPECT_EQ(n_files(), 2U);
}

// AnnData reads no store in which an array has members.
TEST_F(AnnotateZarr, AnArrayInThePlaceOfOurDictIsATakenKey) {
  const std::filesystem::path v2 = folder_ / "in.zarr";
  const std::filesystem::path v3 = folder_ / "v3.zarr";
  ZarrAnnotator(std::string(SAITHE_TEST_FILES) + "/zarr/v3.zarr.zip", v3, false).write({});
  const std::map<std::filesystem::path, std::string> array_of = {{v2, ".zarray"},
                                                                 {v3, "zarr.json"}};
  for (const auto& [store, file] : array_of) {
    if (store == v2) testing::write_group(store, "uns");
    if (store == v2) testing::write_texts(store, "uns/saithe", {"mine"});
    if (store == v3) {
      testing::write_key(store, "uns/saithe/zarr.json",
                         R"({"zarr_format":3,"node_type":"array","shape":[],"data_type":"bool",
                             "chunk_grid":{"name":"regular","configuration":{"chunk_shape":[]}},
                             "codecs":[{"name":"bytes"}],"fill_value":false,
                             "attributes":{"encoding-type":"null"}})");
    }
    const std::string before = testing::read_bytes(store / "uns/saithe" / file);
    const auto out = folder_ / (store.stem().string() + "-out.zarr");
    const Texts names(as_size(open_source(store, {}, kContext)->n_cells()), "T");
    EXPECT_SAITHE_ERROR(ZarrAnnotator::in_place(store, false).require_free(labels({})),
                        ErrorKind::Output, "has uns/saithe already; add --overwrite");
    EXPECT_SAITHE_ERROR(ZarrAnnotator(store, out, false).write(labels(names)), ErrorKind::Output,
                        "has uns/saithe already");
    EXPECT_EQ(testing::read_bytes(store / "uns/saithe" / file), before);
    ZarrAnnotator(store, out, true).write(labels(names));
    ZarrAnnotator::in_place(store, true).write(labels(names));
    for (const auto& written : {store, out}) {
      EXPECT_NE(testing::read_bytes(written / "uns/saithe" / file), before);
      EXPECT_TRUE(std::filesystem::exists(written / "uns/saithe/parameters/seed" / file));
      EXPECT_FALSE(std::filesystem::exists(written / "uns/saithe/0"));
    }
  }
  EXPECT_EQ(n_files(), 4U);
}

// Of a frame AnnData reads only the columns of its list.
TEST_F(AnnotateZarr, AFrameInThePlaceOfOurDictIsATakenKey) {
  testing::write_group(folder_ / "in.zarr", "uns");
  testing::write_frame(folder_ / "in.zarr", "uns/saithe", {"a"});
  EXPECT_SAITHE_ERROR(ZarrAnnotator::in_place(folder_ / "in.zarr", false).require_free(labels({})),
                      ErrorKind::Output, "has uns/saithe already");
  ZarrAnnotator::in_place(folder_ / "in.zarr", true).write(labels({"T", "", "B"}));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "in.zarr/uns/saithe/_index"));
  const std::string attributes = testing::read_bytes(folder_ / "in.zarr/uns/saithe/.zattrs");
  EXPECT_NE(attributes.find("\"dict\""), std::string::npos) << attributes;
}

TEST_F(AnnotateZarr, NothingIsAddedToAnArray) {
  for (const char* name : {"obsm", "uns"}) {
    testing::write_numbers<std::int32_t>(folder_ / "in.zarr", name, "<i4", {1});
    for (const bool overwrite : {false, true}) {
      EXPECT_SAITHE_ERROR(
          ZarrAnnotator::in_place(folder_ / "in.zarr", overwrite).require_free(labels({})),
          ErrorKind::BadFormat, std::string(name) + " is an array");
    }
    std::filesystem::remove_all(folder_ / "in.zarr" / name);
  }
}

// Of such a store zarr-python reads version 3, as the reader does.
TEST_F(AnnotateZarr, AStoreInBothVersionsIsWrittenAsItIsRead) {
  const std::filesystem::path store = folder_ / "v3.zarr";
  ZarrAnnotator(std::string(SAITHE_TEST_FILES) + "/zarr/v3.zarr.zip", store, false).write({});
  const CellIndex n_cells = open_source(store, {}, kContext)->n_cells();
  for (const char* group : {"", "obs", "var", "X"}) testing::write_group(store, group);
  const Texts names(as_size(n_cells), "T");
  ZarrAnnotator(store, folder_ / "out.zarr", false).write(labels(names));
  ZarrAnnotator::in_place(store, false).write(labels(names));
  for (const auto& written : {store, folder_ / "out.zarr"}) {
    EXPECT_EQ(read_dataset(written, {}, kContext).obs().as_text("label"), names);
    EXPECT_TRUE(std::filesystem::exists(written / "obs/label/zarr.json"));
  }
  // A root of version 3 above nodes of version 2 could be written only in part.
  testing::write_key(folder_ / "in.zarr", "zarr.json", R"({"zarr_format":3,"node_type":"group"})");
  EXPECT_SAITHE_ERROR(ZarrAnnotator::in_place(folder_ / "in.zarr", false), ErrorKind::BadFormat,
                      "is of Zarr version 3 and its obs of version 2");
}

TEST_F(AnnotateZarr, InPlaceIsWhatACopyIs) {
  const auto files_of = [&](const char* store) {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_ / store)) {
      if (!entry.is_regular_file()) continue;
      files[entry.path().lexically_relative(folder_ / store).string()] =
          testing::read_bytes(entry.path());
    }
    return files;
  };
  testing::write_key(folder_ / "in.zarr", ".zmetadata",
                     R"({"zarr_consolidated_format":1,"metadata":{".zgroup":{}}})");
  ZarrAnnotator(folder_ / "in.zarr", folder_ / "out.zarr", false).write(labels({"T", "", "B"}));
  std::filesystem::create_directory_symlink(folder_ / "in.zarr", folder_ / "link.zarr");
  ZarrAnnotator::in_place(folder_ / "link.zarr", false).write(labels({"T", "", "B"}));
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "link.zarr"));
  EXPECT_EQ(files_of("in.zarr"), files_of("out.zarr"));
  EXPECT_SAITHE_ERROR(ZarrAnnotator::in_place(folder_ / "in.zarr", false).require_free(labels({})),
                      ErrorKind::Output, "has obs/label already");
  // Replaced, with columns of the earlier run that this one does not write.
  Annotations second = labels({"A", "B", "C"});
  second.obsm.clear();
  second.uns.clear();
  second.of_earlier_run = {"saithe/added", "saithe/parameters", {}, {"saithe/parameters"}};
  ZarrAnnotator(folder_ / "in.zarr", folder_ / "out.zarr", true).write(second);
  ZarrAnnotator::in_place(folder_ / "in.zarr", true).write(second);
  EXPECT_EQ(files_of("in.zarr"), files_of("out.zarr"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "in.zarr/uns/saithe/parameters"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "in.zarr/uns/label_colors"));
  EXPECT_EQ(n_files(), 3U);
}

TEST_F(AnnotateZarr, OfAnEarlierRunOnlyWhatItListsIsDropped) {
  Annotations own;
  own.obs.emplace_back("label_terms", make_category_column(Texts{"x", "y", "z"}));
  ZarrAnnotator::in_place(folder_ / "in.zarr", false).write(own);
  Annotations first = labels({"T", "", "B"});
  first.obs.emplace_back("label_vote", make_category_column(Texts{"T", "T", "B"}));
  first.obsm.emplace_back("votes", DenseMatrix(3, 2));
  first.uns.emplace_back("saithe/terms", std::string("old"));
  first.uns.emplace_back("saithe/added", Texts{"obs/label", "obs/label_vote", "obsm/votes",
                                               "uns/saithe/terms", "obs/..", "obs/_index"});
  ZarrAnnotator::in_place(folder_ / "in.zarr", false).write(first);
  Annotations second = labels({"A", "B", "C"});
  second.of_earlier_run = {"saithe/added", "saithe/parameters", {{"label_terms"}}, {}};
  ZarrAnnotator(folder_ / "in.zarr", folder_ / "out.zarr", true).write(second);
  ZarrAnnotator::in_place(folder_ / "in.zarr", true).write(second);
  for (const char* store : {"in.zarr", "out.zarr"}) {
    const Dataset cells = read_dataset(folder_ / store, {}, kContext);
    EXPECT_EQ(cells.obs().as_text("label_terms"), (Texts{"x", "y", "z"}));
    EXPECT_EQ(cells.obs().find("label_vote"), nullptr);
    EXPECT_EQ(list_contents(folder_ / store, kContext).obsm, Texts{"X_umap"});
    EXPECT_FALSE(std::filesystem::exists(folder_ / store / "uns/saithe/terms"));
  }
}

TEST_F(AnnotateZarr, NothingIsWrittenThroughLinksWithinAStore) {
  namespace fs = std::filesystem;
  fs::rename(folder_ / "in.zarr/obs", folder_ / "others");
  fs::create_directory_symlink(folder_ / "others", folder_ / "in.zarr/obs");
  EXPECT_SAITHE_ERROR(ZarrAnnotator::in_place(folder_ / "in.zarr", true), ErrorKind::Output,
                      "in.zarr/obs: is a link; what it names would be changed, too");
  fs::remove(folder_ / "in.zarr/obs");
  fs::rename(folder_ / "others", folder_ / "in.zarr/obs");
  fs::create_directory(folder_ / "others");
  fs::create_directories(folder_ / "in.zarr/uns");
  fs::create_directory_symlink(folder_ / "others", folder_ / "in.zarr/uns/saithe");
  EXPECT_SAITHE_ERROR(ZarrAnnotator::in_place(folder_ / "in.zarr", true), ErrorKind::Output,
                      "in.zarr/uns/saithe: is a link");
}

TEST_F(AnnotateZarr, MessagesNameTheStoreAsItWasGiven) {
  const std::filesystem::path link = folder_ / "link.zarr";
  std::filesystem::create_directory_symlink(folder_ / "in.zarr", link);
  const ZarrAnnotator annotator = ZarrAnnotator::in_place(link, false);
  ZarrAnnotator::in_place(folder_ / "in.zarr", false).write(labels({"T", "", "B"}));
  EXPECT_SAITHE_ERROR(annotator.require_free(labels({})), ErrorKind::Output,
                      link.string() + ": has obs/label already");
  EXPECT_SAITHE_ERROR(annotator.write(labels({"", "", ""})), ErrorKind::Output,
                      link.string() + ": was changed by another program");
  const ZarrAnnotator again = ZarrAnnotator::in_place(link, true);
  Annotations failing = labels({"", "", ""});
  failing.obs.emplace_back(
      "late", ResultColumn(3, [&](CellIndex, CellIndex) -> Column {
        // Another program takes the place of what is written aside.
        for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
          if (entry.path().filename().string().starts_with(".saithe-")) {
            std::filesystem::remove_all(entry.path());
            testing::write_bytes(entry.path(), "");
          }
        }
        return NumberColumn{{0, 0, 0}, NumberColumn::Kind::Float32};
      }));
  EXPECT_SAITHE_ERROR(again.write(failing), ErrorKind::Output,
                      link.string() + ": cannot be written");
}

// SpatialData keeps tables in a larger store, whose copy of all metadata saithe does not know.
TEST_F(AnnotateZarr, ATableInAConsolidatedStoreIsNotChangedInPlace) {
  testing::write_small_store(folder_ / "sd.zarr/tables/t");
  static_cast<void>(ZarrAnnotator::in_place(folder_ / "sd.zarr/tables/t", false));
  const auto refused = [&](const char* file, const char* text) {
    testing::write_key(folder_ / "sd.zarr", file, text);
    EXPECT_SAITHE_ERROR(
        static_cast<void>(ZarrAnnotator::in_place(folder_ / "sd.zarr/tables/t", false)),
        ErrorKind::Output, "whose consolidated metadata would no longer fit");
    std::filesystem::remove(folder_ / "sd.zarr" / file);
  };
  refused(".zmetadata", R"({"zarr_consolidated_format":1,"metadata":{"tables/t/.zgroup":{}}})");
  refused("zarr.json", R"({"consolidated_metadata":{"metadata":{"tables/t":{}}}})");
  for (const char* text : {R"({"consolidated_metadata":null})", "[]", "{", R"({"metadata":3})"}) {
    testing::write_key(folder_ / "sd.zarr", "zarr.json", text);
    static_cast<void>(ZarrAnnotator::in_place(folder_ / "sd.zarr/tables/t", false));
  }
  ZarrAnnotator(folder_ / "sd.zarr/tables/t", folder_ / "out.zarr", false)
      .write(labels({"T", "", "B"}));
}

TEST_F(AnnotateZarr, WhatAnotherProgramChangedIsLeftAlone) {
  const ZarrAnnotator annotator = ZarrAnnotator::in_place(folder_ / "in.zarr", false);
  testing::write_key(folder_ / "in.zarr", "obs/.zattrs",
                     R"({"_index":"_index","column-order":[],"encoding-type":"dataframe","x":1})");
  const std::string changed = testing::read_bytes(folder_ / "in.zarr/obs/.zattrs");
  EXPECT_SAITHE_ERROR(annotator.write(labels({"", "", ""})), ErrorKind::Output,
                      "was changed by another program");
  EXPECT_EQ(testing::read_bytes(folder_ / "in.zarr/obs/.zattrs"), changed);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "in.zarr/obs/label"));
  EXPECT_EQ(n_files(), 1U);
}

TEST_F(AnnotateZarr, WhatIsChangedAtTheLastMomentIsLeftAlone) {
  // Another program changes the store while the columns are written aside.
  const ZarrAnnotator annotator = ZarrAnnotator::in_place(folder_ / "in.zarr", false);
  Annotations annotations = labels({"", "", ""});
  const std::string theirs =
      R"({"_index":"_index","column-order":[],"encoding-type":"dataframe","x":1})";
  annotations.obs.emplace_back("late", ResultColumn(3, [&](CellIndex begin, CellIndex end) {
                                 testing::write_key(folder_ / "in.zarr", "obs/.zattrs", theirs);
                                 NumberColumn numbers;
                                 numbers.kind = NumberColumn::Kind::Float32;
                                 numbers.values.resize(as_size(end - begin));
                                 return Column(numbers);
                               }));
  EXPECT_SAITHE_ERROR(annotator.write(annotations), ErrorKind::Output,
                      "was changed by another program");
  EXPECT_EQ(testing::read_bytes(folder_ / "in.zarr/obs/.zattrs"), theirs);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "in.zarr/obs/label"));
  EXPECT_EQ(n_files(), 1U);
}

TEST_F(AnnotateZarr, ColumnsWithoutAListOfThemStay) {
  ZarrAnnotator::in_place(folder_ / "in.zarr", false).write(labels({"T", "", "B"}));
  testing::write_key(
      folder_ / "in.zarr", "obs/.zattrs",
      R"({"_index":"_index","encoding-type":"dataframe","encoding-version":"0.2.0"})");
  Annotations second = labels({"A", "B", "C"});
  second.obs.front().first = "other";
  second.obsm.clear();
  second.uns.clear();
  ZarrAnnotator::in_place(folder_ / "in.zarr", false).write(second);
  const std::string written = testing::read_bytes(folder_ / "in.zarr/obs/.zattrs");
  EXPECT_NE(written.find("\"label\""), std::string::npos) << written;
  EXPECT_NE(written.find("\"other\""), std::string::npos) << written;
}

TEST_F(AnnotateZarr, ALinkToWhatIsNotThereYetIsWrittenThrough) {
  namespace fs = std::filesystem;
  fs::create_directory_symlink("real.zarr", folder_ / "link.zarr");
  EXPECT_SAITHE_ERROR(ZarrAnnotator(folder_ / "in.zarr", folder_ / "link.zarr", false),
                      ErrorKind::Output, "exists already");
  ZarrAnnotator(folder_ / "in.zarr", folder_ / "link.zarr/", true).write(labels({"T", "", "B"}));
  EXPECT_TRUE(fs::is_symlink(folder_ / "link.zarr"));
  EXPECT_EQ(read_dataset(folder_ / "real.zarr", {}, kContext).obs().as_text("label"),
            (Texts{"T", "", "B"}));
  fs::create_directory_symlink("circle.zarr", folder_ / "circle.zarr");
  EXPECT_SAITHE_ERROR(ZarrAnnotator(folder_ / "in.zarr", folder_ / "circle.zarr", true),
                      ErrorKind::Output, "circle.zarr: cannot be written: Too many levels");
  fs::create_directory_symlink("in.zarr/inner.zarr", folder_ / "within.zarr");
  EXPECT_SAITHE_ERROR(ZarrAnnotator(folder_ / "in.zarr", folder_ / "within.zarr", true),
                      ErrorKind::Output, "lies in the input");
  EXPECT_EQ(n_files(), 5U);
}

TEST_F(AnnotateZarr, AZipArchiveIsUnpackedIntoTheCopy) {
  const std::filesystem::path archive = std::string(SAITHE_TEST_FILES) + "/zarr/v3.zarr.zip";
  const auto source = open_source(archive, {}, kContext);
  const Texts names(as_size(source->n_cells()), "T");
  ZarrAnnotator(archive, folder_ / "out.zarr", false).write(labels(names));
  const Dataset cells = read_dataset(folder_ / "out.zarr", {}, kContext);
  EXPECT_EQ(cells.obs().as_text("label"), names);
  EXPECT_EQ(cells.counts.values, source->read_cells(0, source->n_cells(), kContext).values);
  EXPECT_SAITHE_ERROR(ZarrAnnotator::in_place(archive, false), ErrorKind::BadFormat,
                      "a zip archive is not changed");
}

TEST_F(AnnotateZarr, ALinkToAFolderIsRefusedAndNothingIsLeft) {
  std::filesystem::create_directory_symlink(folder_.path(), folder_ / "in.zarr/loop");
  EXPECT_SAITHE_ERROR(
      ZarrAnnotator(folder_ / "in.zarr", folder_ / "out.zarr", false).write(labels({"", "", ""})),
      ErrorKind::BadFormat, "loop");
  EXPECT_EQ(n_files(), 1U);
}

}  // namespace
}  // namespace saithe
