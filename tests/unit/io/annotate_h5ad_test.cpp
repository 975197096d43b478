// Columns into a copy of an h5ad, of each generation of the format; what AnnData reads of them is
// tested in tests/e2e/test_write_back.py.

#include "saithe/io/annotate_h5ad.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <thread>

#include "saithe/io/hdf5_file.h"
#include "saithe/io/hdf5_writer.h"
#include "saithe/io/library_file.h"
#include "saithe/io/open.h"
#include "support/folder_for_test.h"
#include "support/marker_cells.h"

namespace saithe {
namespace {

namespace fs = std::filesystem;
using io::Hdf5Group;
using io::Hdf5Id;
using io::Hdf5Target;
using testing::FolderForTest;
using testing::marker_cells;
using testing::read_bytes;

const Context kContext(2);
constexpr CellIndex kCells = 60;

Annotations annotations_named(const std::string& key) {
  Annotations annotations;
  std::vector<std::string> types(as_size(kCells), "B/plasma");
  types.at(0) = "T";
  annotations.obs.emplace_back(key, make_category_column(types));
  annotations.obs.emplace_back(
      key + "_confidence",
      NumberColumn{std::vector<double>(as_size(kCells), 0.5), NumberColumn::Kind::Float32});
  annotations.obsm.emplace_back(key + "_probabilities", DenseMatrix(kCells, 2));
  annotations.uns.emplace_back(key + "_colors", std::vector<std::string>{"#000000", "#ffffff"});
  annotations.uns.emplace_back("saithe/version", std::string("1"));
  return annotations;
}

/// A file of the newest generation.
fs::path write_cells(const FolderForTest& folder, const std::string& name = "in.h5ad") {
  write_h5ad(folder / name, marker_cells(kCells, 40, 3), {}, false, kContext);
  return folder / name;
}

/// Makes obs of the newest generation that of AnnData 0.7: no encoding at the root, version 0.1.0.
void make_old(const fs::path& path) {
  const Hdf5Target root = Hdf5Target::open_file(path, path.string());
  H5Adelete(root.id(), "encoding-type");
  H5Adelete(root.id(), "encoding-version");
  root.group("obs").set_attribute("encoding-version", "0.1.0");
  root.flush();
}

TEST(AnnotateH5ad, AddsToACopyAndKeepsTheRest) {
  const FolderForTest folder;
  const fs::path input = write_cells(folder);
  const std::string before = read_bytes(input);
  H5adAnnotator(input, folder / "out.h5ad", false).write(annotations_named("type"));
  EXPECT_EQ(read_bytes(input), before);
  const Dataset was = read_dataset(input, {}, kContext);
  const Dataset read = read_dataset(folder / "out.h5ad", {}, kContext);
  EXPECT_EQ(read.counts.values, was.counts.values);
  EXPECT_EQ(read.obs().columns().size(), was.obs().columns().size() + 2);
  EXPECT_EQ(read.obs().as_text("type")[0], "T");
  EXPECT_SAITHE_ERROR(H5adAnnotator(input, input, true), ErrorKind::Output, "is the input itself");
}

TEST(AnnotateH5ad, ReplacesTheInputWhenAskedTo) {
  const FolderForTest folder;
  const fs::path input = write_cells(folder);
  chmod(input.c_str(), 0640);
  H5adAnnotator(input, folder / "out.h5ad", false).write(annotations_named("type"));
  fs::create_symlink(input, folder / "link.h5ad");
  H5adAnnotator::in_place(folder / "link.h5ad", false).write(annotations_named("type"));
  EXPECT_EQ(read_bytes(input), read_bytes(folder / "out.h5ad"));
  EXPECT_TRUE(fs::is_symlink(folder / "link.h5ad"));
  EXPECT_EQ(fs::status(input).permissions(), fs::perms(0640));
  std::size_t n_files = 0;
  for ([[maybe_unused]] const auto& file : fs::directory_iterator(folder.path())) ++n_files;
  EXPECT_EQ(n_files, 3U);  // nothing is left beside them
}

TEST(AnnotateH5ad, ATakenKeyIsFoundBeforeAnythingIsCopied) {
  const FolderForTest folder;
  const fs::path input = write_cells(folder);
  H5adAnnotator::in_place(input, false).write(annotations_named("type"));
  const std::string before = read_bytes(input);
  const auto names_of = [](Annotations annotations) {
    for (auto& [name, column] : annotations.obs) column = NumberColumn{};
    for (auto& [name, matrix] : annotations.obsm) matrix = DenseMatrix();
    return annotations;
  };
  const auto refuses = [&](Annotations annotations, const std::string& what) {
    EXPECT_SAITHE_ERROR(H5adAnnotator::in_place(input, false).require_free(annotations),
                        ErrorKind::Output, what);
  };
  const Annotations taken = names_of(annotations_named("type"));
  refuses({{taken.obs[0]}, {}, {}, {}}, "has obs/type already; add --overwrite");
  refuses({{}, {{"type_probabilities", DenseMatrix()}}, {}, {}},
          "has obsm/type_probabilities already");
  refuses({{}, {}, {taken.uns[0]}, {}}, "has uns/type_colors already");
  refuses({{}, {}, {{"saithe/version", true}}, {}}, "has uns/saithe/version already");
  H5adAnnotator::in_place(input, false).require_free({{}, {}, {{"saithe/other", true}}, {}});
  refuses({{{"_index", taken.obs[0].second}}, {}, {}, {}}, "obs/_index is the index");
  H5adAnnotator::in_place(input, true).require_free(taken);
  Annotations other = names_of(annotations_named("a/b"));
  other.uns.pop_back();
  H5adAnnotator::in_place(input, false).require_free(other);
  EXPECT_EQ(read_bytes(input), before);
}

TEST(AnnotateH5ad, WhatIsNoDictInThePlaceOfOursIsATakenKey) {
  const FolderForTest folder;
  for (const char* kind : {"text", "null", "frame"}) {
    const fs::path input = write_cells(folder, std::string(kind) + ".h5ad");
    {
      const Hdf5Target root = Hdf5Target::open_file(input, input.string());
      const Hdf5Target uns = root.group("uns");
      if (kind == std::string("text")) uns.write_text("saithe", "mine");
      if (kind == std::string("frame")) {
        static_cast<void>(uns.create_group("saithe", "dataframe").create_group("mine", "dict"));
      }
      if (kind == std::string("null")) {
        const Hdf5Id space(H5Screate(H5S_NULL));
        const Hdf5Id null(H5Dcreate2(uns.id(), "saithe", H5T_IEEE_F32LE, space.get(), H5P_DEFAULT,
                                     H5P_DEFAULT, H5P_DEFAULT));
        uns.set_encoding(null.get(), "null", "0.1.0");
      }
      root.flush();
    }
    const std::string before = read_bytes(input);
    EXPECT_SAITHE_ERROR(
        H5adAnnotator::in_place(input, false).require_free(annotations_named("type")),
        ErrorKind::Output, "has uns/saithe already; add --overwrite");
    EXPECT_EQ(read_bytes(input), before);
    H5adAnnotator::in_place(input, true).write(annotations_named("type"));
    const Hdf5Group dict = Hdf5Group::open_file(input).group("uns").group("saithe");
    EXPECT_EQ(dict.names(), std::vector<std::string>{"version"}) << kind;
    EXPECT_EQ(dict.text_attribute("encoding-type"), "dict");
  }
}

TEST(AnnotateH5ad, OverwritingDropsWhatBelongedToTheOldColumn) {
  const FolderForTest folder;
  const fs::path input = write_cells(folder);
  Annotations first = annotations_named("type");
  first.obs.emplace_back("type_terms", first.obs[0].second);
  first.uns.emplace_back("saithe/ontology/release", std::string("old"));
  first.uns.emplace_back("saithe/embedding/version", std::string("other command's"));
  Annotations second = annotations_named("type");
  second.uns.erase(second.uns.begin());  // no new colours
  second.of_earlier_run = {"saithe/added", "saithe/version", {{"type_terms"}}, {"saithe/ontology"}};
  // Nothing is replaced: what has such a name is somebody's own.
  Annotations terms;
  terms.obs.push_back(first.obs.back());
  H5adAnnotator(input, folder / "own.h5ad", false).write(terms);
  H5adAnnotator::in_place(folder / "own.h5ad", true).write(second);
  EXPECT_NE(read_dataset(folder / "own.h5ad", {}, kContext).obs().find("type_terms"), nullptr);

  // Nor is it ours beside a column of that name which no run of saithe wrote.
  Annotations foreign;
  foreign.obs = first.obs;
  H5adAnnotator(input, folder / "foreign.h5ad", false).write(foreign);
  H5adAnnotator::in_place(folder / "foreign.h5ad", true).write(second);
  EXPECT_NE(read_dataset(folder / "foreign.h5ad", {}, kContext).obs().find("type_terms"), nullptr);

  H5adAnnotator::in_place(input, false).write(first);
  H5adAnnotator::in_place(input, true).write(second);
  const Hdf5Group root = Hdf5Group::open_file(input);
  const Hdf5Group uns = root.group("uns");
  EXPECT_EQ(uns.names(), std::vector<std::string>{"saithe"});
  EXPECT_EQ(uns.group("saithe").names(), (std::vector<std::string>{"embedding", "version"}));
  const auto order = root.group("obs").text_list_attribute("column-order");
  EXPECT_EQ(std::count(order.begin(), order.end(), "type"), 1);
  EXPECT_EQ(std::count(order.begin(), order.end(), "type_terms"), 0);
  EXPECT_FALSE(root.group("obs").has("type_terms"));
}

TEST(AnnotateH5ad, OfAnEarlierRunOnlyWhatItListsIsDropped) {
  const FolderForTest folder;
  const fs::path input = write_cells(folder);
  Annotations own;
  own.obs.emplace_back("type_terms", NumberColumn{std::vector<double>(as_size(kCells), 7)});
  H5adAnnotator::in_place(input, false).write(own);
  Annotations first = annotations_named("type");
  first.obs.emplace_back("type_vote", first.obs[0].second);
  first.obsm.emplace_back("type_votes", DenseMatrix(kCells, 2));
  first.uns.emplace_back("saithe/terms", std::string("old"));
  first.uns.emplace_back("saithe/added",
                         std::vector<std::string>{"obs/type", "obs/type_vote", "obsm/type_votes",
                                                  "uns/saithe/terms", "obs/_index"});
  H5adAnnotator::in_place(input, false).write(first);
  Annotations second = annotations_named("type");
  second.of_earlier_run = {"saithe/added", "saithe/version", {{"type_terms"}}, {}};
  H5adAnnotator::in_place(input, true).write(second);
  const Dataset read = read_dataset(input, {}, kContext);
  EXPECT_EQ(read.obs().as_text("type_terms")[0], "7");
  EXPECT_EQ(read.obs().find("type_vote"), nullptr);
  const Hdf5Group root = Hdf5Group::open_file(input);
  EXPECT_EQ(root.group("obsm").names(), std::vector<std::string>{"type_probabilities"});
  EXPECT_EQ(root.group("uns").group("saithe").names(),
            (std::vector<std::string>{"added", "version"}));
}

TEST(AnnotateH5ad, AnOldFrameGetsCodesThatReferToTheirLevels) {
  const FolderForTest folder;
  const fs::path input = write_cells(folder);
  make_old(input);
  H5adAnnotator::in_place(input, false).write(annotations_named("type"));
  H5adAnnotator::in_place(input, true).write(annotations_named("type"));
  const Hdf5Group root = Hdf5Group::open_file(input);
  const Hdf5Group obs = root.group("obs");
  EXPECT_EQ(obs.group("__categories").dataset("type").read_texts(),
            (std::vector<std::string>{"B/plasma", "T"}));
  const auto codes = obs.dataset("type");
  EXPECT_EQ(codes.read_integers().front(), 1);
  EXPECT_EQ(codes.value_bytes(), 1U);
  const io::LibraryGroup file = io::LibraryGroup::open_file(input);
  const io::LibraryDataset referring = file.group("obs").dataset("type");
  const Hdf5Id attribute(H5Aopen(referring.id(), "categories", H5P_DEFAULT));
  hobj_ref_t reference = 0;
  ASSERT_GE(H5Aread(attribute.get(), H5T_STD_REF_OBJ, &reference), 0);
  char name[64] = {};
  H5Rget_name(referring.id(), H5R_OBJECT, &reference, name, sizeof name);
  EXPECT_STREQ(name, "/obs/__categories/type");
  for (const char* group : {"obsm", "uns"}) {
    for (const std::string& key : root.group(group).names()) {
      if (!root.group(group).has_dataset(key)) continue;
      EXPECT_TRUE(file.group(group).dataset(key).attribute_names().empty()) << key;
    }
  }
}

TEST(AnnotateH5ad, TheOrderOfColumnsMayBeNumbersOrMissing) {
  const FolderForTest folder;
  Dataset cells = marker_cells(kCells, 40, 3);
  Table bare(std::vector<std::string>(cells.obs().index()));
  write_h5ad(folder / "bare.h5ad", Dataset("bare", cells.counts, bare, cells.var()), {}, false,
             kContext);
  H5adAnnotator::in_place(folder / "bare.h5ad", false).write(annotations_named("type"));
  EXPECT_EQ(read_dataset(folder / "bare.h5ad", {}, kContext).obs().column_names(),
            "type, type_confidence");
  const fs::path input = write_cells(folder);
  {
    const Hdf5Target root = Hdf5Target::open_file(input, "in");
    H5Adelete(root.group("obs").id(), "column-order");
    root.flush();
  }
  H5adAnnotator::in_place(input, false).write(annotations_named("type"));
  EXPECT_EQ(read_dataset(input, {}, kContext).obs().column_names(),
            cells.obs().column_names() + ", type, type_confidence");
}

TEST(AnnotateH5ad, ThousandsOfColumnsFitTheHeaderOfObs) {
  const FolderForTest folder;
  // Under the limit before, above it with ours; and above it from the start.
  for (const std::size_t n_columns : {std::size_t{3999}, std::size_t{4200}}) {
    Dataset cells = marker_cells(kCells, 40, 3);
    Table wide(std::vector<std::string>(cells.obs().index()));
    const NumberColumn column{std::vector<double>(as_size(kCells), 1), NumberColumn::Kind::Float32};
    for (std::size_t i = 0; i < n_columns; ++i) wide.set("c" + std::to_string(i), column);
    const fs::path path = folder / (std::to_string(n_columns) + ".h5ad");
    write_h5ad(path, Dataset("wide", cells.counts, wide, cells.var()), {}, false, kContext);
    for (const char* key : {"first", "second"}) {
      Annotations annotations = annotations_named(key);
      annotations.uns.clear();
      H5adAnnotator::in_place(path, false).write(annotations);
    }
    const Dataset read = read_dataset(path, {}, kContext);
    EXPECT_EQ(read.obs().columns().size(), n_columns + 4);
    EXPECT_EQ(read.obs().as_text("second")[0], "T");
    EXPECT_EQ(read.obs().as_text("c7")[0], "1");
    EXPECT_EQ(Hdf5Group::open_file(path).names(),
              Hdf5Group::open_file(write_cells(folder, path.stem().string() + "-as.h5ad")).names());
  }
}

TEST(AnnotateH5ad, AnInputThatChangedMeanwhileIsNotReplaced) {
  const FolderForTest folder;
  const fs::path input = write_cells(folder);
  const auto annotator = H5adAnnotator::in_place(input, false);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the clock of files is coarse
  write_h5ad(input, marker_cells(kCells, 40, 2), {}, true, kContext);
  const std::string changed = read_bytes(input);
  EXPECT_SAITHE_ERROR(annotator.write(annotations_named("type")), ErrorKind::Output,
                      "changed by another program");
  EXPECT_EQ(read_bytes(input), changed);
}

TEST(AnnotateH5ad, OtherFilesAreRefused) {
  const FolderForTest folder;
  testing::write_bytes(folder / "a.h5ad", "no HDF5");
  EXPECT_FALSE(takes_annotations(folder / "a.h5ad"));
  EXPECT_SAITHE_ERROR(H5adAnnotator::in_place(folder / "a.h5ad", false), ErrorKind::BadFormat,
                      "AnnData 0.7 or later");
  EXPECT_SAITHE_ERROR(H5adAnnotator::in_place(folder / "none.h5ad", false), ErrorKind::NotFound,
                      "none.h5ad");
  EXPECT_SAITHE_ERROR(H5adAnnotator(write_cells(folder), folder / "no" / "out.h5ad", false),
                      ErrorKind::Output, "out.h5ad");
}

}  // namespace
}  // namespace saithe
