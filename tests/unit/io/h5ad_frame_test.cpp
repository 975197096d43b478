#include "saithe/io/h5ad_frame.h"

#include <gtest/gtest.h>

#include "saithe/io/hdf5_writer.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using io::Hdf5Group;
using io::Hdf5Id;
using io::Hdf5Target;
using testing::FolderForTest;

const Context kContext(1);
constexpr auto kInteger = NumberColumn::Kind::Integer;

/// obs of AnnData 0.7: codes and their names in __categories.
void write_frame_07(const Hdf5Target& root) {
  const Hdf5Target obs = root.create_group("obs", "dataframe");
  obs.write_texts("_index", {"a", "b", "c"});
  obs.write_array("type", std::vector<double>{1, -1, 0}, kInteger);
  obs.write_array("plain", std::vector<double>{1, 0, 1}, kInteger);
  const Hdf5Target all = obs.create_group("__categories", "");
  all.write_texts("type", {"B", "T"});
  obs.set_attribute("_index", std::string("_index"));
  obs.set_attribute("column-order", std::vector<std::string>{"type", "plain"});
}

/// The attribute that refers to another object of the file, or to the address `nowhere`.
void set_reference(const Hdf5Target& root, const char* from, const char* to,
                   hobj_ref_t nowhere = 0) {
  const Hdf5Id column(H5Dopen2(root.id(), from, H5P_DEFAULT));
  hobj_ref_t reference = nowhere;
  if (to != nullptr) H5Rcreate(&reference, root.id(), to, H5R_OBJECT, -1);
  const Hdf5Id scalar(H5Screate(H5S_SCALAR));
  const Hdf5Id attribute(H5Acreate2(column.get(), "categories", H5T_STD_REF_OBJ, scalar.get(),
                                    H5P_DEFAULT, H5P_DEFAULT));
  H5Awrite(attribute.get(), H5T_STD_REF_OBJ, &reference);
}

template <typename Change>
Table read_obs(const std::filesystem::path& path, Change change,
               const Context& context = kContext) {
  {
    Hdf5Target root = Hdf5Target::create_file(path, "a");
    change(root);
    root.flush();
    root.close();
  }
  const Hdf5Group root = Hdf5Group::open_file(path);
  return io::read_frame(root, root, "obs", context);
}

TEST(H5adFrame, CodesReferToTheirNames) {
  const FolderForTest folder;
  const std::vector<std::string> types = {"T", "", "B"};
  const Table referred = read_obs(folder / "a.h5ad", [](const Hdf5Target& root) {
    write_frame_07(root);
    set_reference(root, "obs/type", "obs/__categories/type");
  });
  EXPECT_EQ(referred.as_text("type"), types);
  EXPECT_TRUE(std::holds_alternative<NumberColumn>(*referred.find("plain")));
  EXPECT_EQ(referred.columns().size(), 2U);
  // Without the reference, the names that stand where AnnData puts them.
  EXPECT_EQ(read_obs(folder / "b.h5ad", write_frame_07).as_text("type"), types);
}

TEST(H5adFrame, AnOrderOfCategoriesIsKept) {
  const FolderForTest folder;
  for (const bool is_ordered : {true, false}) {
    const Table obs =
        read_obs(folder / fmt::format("{}.h5ad", is_ordered), [&](const Hdf5Target& root) {
          write_frame_07(root);
          const Hdf5Target group = root.group("obs");
          group.write_column("stage", CategoryColumn{{1, 0, -1}, {"early", "late"}, is_ordered});
          group.set_attribute("column-order", std::vector<std::string>{"type", "plain", "stage"});
        });
    EXPECT_EQ(std::get<CategoryColumn>(*obs.find("stage")).is_ordered, is_ordered);
    EXPECT_FALSE(std::get<CategoryColumn>(*obs.find("type")).is_ordered);
  }
}

TEST(H5adFrame, ReferencesThatLeadElsewhereAreErrors) {
  const FolderForTest folder;
  EXPECT_SAITHE_ERROR(read_obs(folder / "a.h5ad",
                               [](const Hdf5Target& root) {
                                 write_frame_07(root);
                                 set_reference(root, "obs/type", nullptr, 123456);
                               }),
                      ErrorKind::BadFormat, "not in the file");
  EXPECT_SAITHE_ERROR(read_obs(folder / "b.h5ad",
                               [](const Hdf5Target& root) {
                                 write_frame_07(root);
                                 set_reference(root, "obs/type", "obs");
                               }),
                      ErrorKind::BadFormat, "obs/type, attribute categories");
  EXPECT_SAITHE_ERROR(read_obs(folder / "c.h5ad",
                               [](const Hdf5Target& root) {
                                 write_frame_07(root);
                                 root.create_group("uns", "").write_texts("one", {"B"});
                                 set_reference(root, "obs/type", "uns/one");
                               })
                          .find("type"),
                      ErrorKind::BadFormat, "code 1 for 1 categories");
}

TEST(H5adFrame, AnIndexThatIsMissingIsNamed) {
  const FolderForTest folder;
  EXPECT_SAITHE_ERROR(
      read_obs(folder / "a.h5ad",
               [](const Hdf5Target& root) {
                 root.create_group("obs", "dataframe").set_attribute("_index", std::string("x"));
               }),
      ErrorKind::BadFormat, "its index 'x' is not there");
}

/// A record of a compound table.
struct Record {
  char index[4];
  std::int32_t type;
  double pair[2];
};

TEST(H5adFrame, CompoundTables) {
  const FolderForTest folder;
  std::vector<std::string> warnings;
  Context listening(1);
  listening.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  const Table obs = read_obs(
      folder / "a.h5ad",
      [](const Hdf5Target& root) {
        root.create_group("uns", "").write_texts("type_categories", {"B", "T"});
        const Hdf5Id text(H5Tcopy(H5T_C_S1));
        H5Tset_size(text.get(), 4);
        H5Tset_strpad(text.get(), H5T_STR_NULLPAD);
        const hsize_t two = 2;
        const Hdf5Id pair(H5Tarray_create2(H5T_NATIVE_DOUBLE, 1, &two));
        const Hdf5Id record(H5Tcreate(H5T_COMPOUND, sizeof(Record)));
        H5Tinsert(record.get(), "index", HOFFSET(Record, index), text.get());
        H5Tinsert(record.get(), "type", HOFFSET(Record, type), H5T_NATIVE_INT32);
        H5Tinsert(record.get(), "pair", HOFFSET(Record, pair), pair.get());
        const Record records[] = {{{'a', 'b', 'c', 'd'}, 1, {1, 2}}, {{'e'}, 0, {3, 4}}};
        const Hdf5Id space(H5Screate_simple(1, &two, nullptr));
        const Hdf5Id data(H5Dcreate2(root.id(), "obs", record.get(), space.get(), H5P_DEFAULT,
                                     H5P_DEFAULT, H5P_DEFAULT));
        H5Dwrite(data.get(), record.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, records);
      },
      listening);
  EXPECT_EQ(obs.index(), (std::vector<std::string>{"abcd", "e"}));
  EXPECT_EQ(obs.index_name, "index");
  EXPECT_EQ(obs.as_text("type"), (std::vector<std::string>{"T", "B"}));
  EXPECT_EQ(obs.find("pair"), nullptr);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(testing::contains(warnings[0], "/obs/pair"));
}

}  // namespace
}  // namespace saithe
