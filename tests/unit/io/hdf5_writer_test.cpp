#include "saithe/io/hdf5_writer.h"

#include <sys/resource.h>

#include <cmath>
#include <csignal>

#include <gtest/gtest.h>

#include <limits>

#include "saithe/io/h5ad_frame.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using io::Hdf5Group;
using io::Hdf5Target;
using testing::FolderForTest;

TEST(Hdf5Writer, EveryColumnSaysItsEncoding) {
  const FolderForTest folder;
  Table table({"a", "b"});
  table.set("type", make_category_column(std::vector<std::string>{"T", "B"}));
  table.set("score", NumberColumn{{0.5, std::numeric_limits<double>::quiet_NaN()},
                                  NumberColumn::Kind::Float32});
  table.set("n", NumberColumn{{1, 2}, NumberColumn::Kind::Integer});
  table.set("note", TextColumn{{"x", ""}, {}});
  Hdf5Target root = Hdf5Target::create_file(folder / "a.h5", "a");
  root.write_frame("obs", table, io::names_of(table));
  root.flush();
  root.close();
  const Hdf5Group obs = Hdf5Group::open_file(folder / "a.h5").group("obs");
  EXPECT_EQ(obs.text_attribute("encoding-type"), "dataframe");
  EXPECT_EQ(obs.text_list_attribute("column-order"),
            (std::vector<std::string>{"type", "score", "n", "note"}));
  EXPECT_EQ(obs.text_attribute("_index"), table.index_name);
  EXPECT_EQ(obs.group("type").text_attribute("encoding-type"), "categorical");
  EXPECT_EQ(obs.group("type").dataset("categories").read_texts(),
            (std::vector<std::string>{"B", "T"}));
  EXPECT_EQ(obs.group("type").dataset("codes").read_integers(), (std::vector<std::int64_t>{1, 0}));
  EXPECT_EQ(obs.dataset("score").text_attribute("encoding-type"), "array");
  EXPECT_EQ(obs.dataset("score").value_bytes(), 4U);
  EXPECT_EQ(obs.dataset("note").text_attribute("encoding-type"), "string-array");
  EXPECT_EQ(obs.dataset("n").kind(), io::StoredKind::Integer);
}

TEST(Hdf5Writer, UnsIsNestedAndReplacedOnlyWhenAsked) {
  const FolderForTest folder;
  {  // closed whole before it is read: the process that reads would share what is open here
    Hdf5Target root = Hdf5Target::create_file(folder / "a.h5", "a");
    const Hdf5Target uns = root.create_group("uns", "dict");
    uns.write_uns("saithe/version", std::string("1"), false);
    uns.write_uns("saithe/seed", std::int64_t{7}, false);
    EXPECT_SAITHE_ERROR(uns.write_uns("saithe/seed", std::int64_t{8}, false), ErrorKind::Output,
                        "saithe/seed");
    uns.write_uns("saithe/seed", std::int64_t{9}, true);
    root.flush();
    root.close();
  }
  const Hdf5Group saithe = Hdf5Group::open_file(folder / "a.h5").group("uns").group("saithe");
  EXPECT_EQ(saithe.dataset("seed").read_integers(), (std::vector<std::int64_t>{9}));
  EXPECT_EQ(saithe.dataset("version").read_texts(), (std::vector<std::string>{"1"}));
}

TEST(AsKey, SlashesWouldMakeGroups) {
  EXPECT_EQ(io::as_key("B/plasma/x"), "B_plasma_x");
  EXPECT_EQ(io::as_key("CD4+ T"), "CD4+ T");
}

TEST(Hdf5Writer, SaysWhyAFileCannotBeMade) {
  const FolderForTest folder;
  EXPECT_SAITHE_ERROR(Hdf5Target::create_file(folder / "absent" / "a.h5", "shown"),
                      ErrorKind::Output, "shown: cannot be written: No such file or directory");
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limits = {};
  getrlimit(RLIMIT_FSIZE, &limits);
  const rlimit none = {0, limits.rlim_max};
  setrlimit(RLIMIT_FSIZE, &none);
  const auto error =
      testing::error_of([&] { Hdf5Target::create_file(folder / "a.h5", "shown").flush(); });
  setrlimit(RLIMIT_FSIZE, &limits);
  std::signal(SIGXFSZ, before);
  ASSERT_TRUE(error.has_value());
  EXPECT_STREQ(error->what(), "shown: cannot be written: File too large");
}

TEST(Hdf5Writer, ValuesOfColumnsAndLevelsAreThoseThatWereRead) {
  using Kind = NumberColumn::Kind;
  constexpr std::int64_t kLarge = (std::int64_t{1} << 53) + 1;
  const double missing = std::numeric_limits<double>::quiet_NaN();
  const double rounded = static_cast<double>(kLarge);
  const FolderForTest folder;
  Table table({"a", "b"});
  table.set("id", NumberColumn{{rounded, -1}, Kind::Integer, {kLarge, -1}});
  table.set("maybe", NumberColumn{{rounded, missing}, Kind::Integer, {kLarge, 0}});
  table.set("batch", CategoryColumn{{1, 0}, {"3", "9007199254740993"}, false, Kind::Integer});
  table.set("hash",
            CategoryColumn{
                {1, 0}, {"3", "9223372036854775808", "9223372036854775809"}, false, Kind::Integer});
  table.set("is_poor", CategoryColumn{{1, 0}, {"False", "True"}, true, Kind::Boolean});
  table.set("dose", CategoryColumn{{0, -1}, {"0.5", "2"}, true, Kind::Float32});
  Hdf5Target root = Hdf5Target::create_file(folder / "a.h5", "a");
  root.write_frame("obs", table, io::names_of(table));
  root.flush();
  root.close();
  const Hdf5Group file = Hdf5Group::open_file(folder / "a.h5");
  const Hdf5Group obs = file.group("obs");
  EXPECT_EQ(obs.dataset("id").read_integers(), (std::vector<std::int64_t>{kLarge, -1}));
  EXPECT_EQ(obs.group("maybe").dataset("values").read_integers(),
            (std::vector<std::int64_t>{kLarge, 0}));
  EXPECT_EQ(obs.group("batch").dataset("categories").kind(), io::StoredKind::Integer);
  EXPECT_EQ(obs.group("hash").dataset("categories").read_unsigned(),
            (std::vector<std::uint64_t>{3, 0x8000000000000000, 0x8000000000000001}));
  EXPECT_EQ(obs.group("is_poor").dataset("categories").kind(), io::StoredKind::Boolean);
  EXPECT_EQ(obs.group("dose").dataset("categories").value_bytes(), 4U);
  const Table read = io::read_frame(file, file, "obs", Context(1));
  for (const auto& [name, column] : table.columns()) {
    EXPECT_EQ(read.as_text(name), table.as_text(name)) << name;
  }
  EXPECT_EQ(std::get<NumberColumn>(*read.find("maybe")).exact,
            (std::vector<std::int64_t>{kLarge, 0}));
  EXPECT_EQ(std::get<CategoryColumn>(*read.find("batch")).level_kind, Kind::Integer);
  EXPECT_EQ(std::get<CategoryColumn>(*read.find("is_poor")).level_kind, Kind::Boolean);
}

// AnnData takes whole numbers only below a mask, and fails on the whole file otherwise.
TEST(Hdf5Writer, NumbersPast64BitsWithGapsAreAPlainColumn) {
  using Kind = NumberColumn::Kind;
  const double missing = std::numeric_limits<double>::quiet_NaN();
  const FolderForTest folder;
  Table table({"a", "b"});
  table.set("huge", NumberColumn{{0x1p63, missing}, Kind::Integer});
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  table.set("most", NumberColumn{{0x1p63, missing}, Kind::Integer, {kMost, 0}});
  table.set("least", NumberColumn{{-0x1p63, missing}, Kind::Integer});
  Hdf5Target root = Hdf5Target::create_file(folder / "a.h5", "a");
  root.write_frame("obs", table, io::names_of(table));
  root.flush();
  root.close();
  const Hdf5Group obs = Hdf5Group::open_file(folder / "a.h5").group("obs");
  ASSERT_TRUE(obs.has_dataset("huge"));
  EXPECT_EQ(obs.dataset("huge").text_attribute("encoding-type"), "array");
  const std::vector<double> huge = obs.dataset("huge").read_numbers();
  EXPECT_EQ(huge[0], 0x1p63);
  EXPECT_TRUE(std::isnan(huge[1]));
  EXPECT_EQ(obs.group("most").dataset("values").read_integers(),
            (std::vector<std::int64_t>{kMost, 0}));
  EXPECT_EQ(obs.group("least").dataset("values").read_integers(),
            (std::vector<std::int64_t>{std::numeric_limits<std::int64_t>::min(), 0}));
}

}  // namespace
}  // namespace saithe
