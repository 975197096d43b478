// Files made up in memory; those of h5ad and Zarr are in h5ad_test.cpp and zarr_anndata_test.cpp.

#include "saithe/io/anndata_file.h"

#include <gtest/gtest.h>

#include <map>

#include "support/folder_for_test.h"

namespace saithe {
namespace {

using io::AnnDataFile;
using io::CellMatrix;

using Texts = std::vector<std::string>;
const Context kContext(1);

/// One cell with one value for its only gene.
class OneValue final : public CellMatrix {
 public:
  explicit OneValue(float value) : value_(value) {}
  CsrMatrix read(CellIndex, CellIndex, const Context&) override {
    return {1, 1, {0, 1}, {0}, {value_}};
  }
  std::int64_t most_stored(CellIndex begin, CellIndex end) const override { return end - begin; }

 private:
  float value_;
};

class MadeUp final : public AnnDataFile {
 public:
  MadeUp(std::map<std::string, float> values, Table var)
      : AnnDataFile("made up", Table({"c"}), kContext),
        values_(std::move(values)),
        var_(std::move(var)) {}
  [[nodiscard]] Texts layers() const override { return {"counts", "half"}; }

 private:
  [[nodiscard]] bool has_matrix(const std::string& place) const override {
    return values_.contains(place);
  }
  [[nodiscard]] std::unique_ptr<CellMatrix> open_matrix(const std::string& place,
                                                        GeneIndex n_genes) const override {
    EXPECT_EQ(n_genes, 1);
    return std::make_unique<OneValue>(values_.at(place));
  }
  [[nodiscard]] Table read_var(bool of_raw, std::string& where) const override {
    where = "made up/var";
    return of_raw ? Table({"R"}) : var_;
  }
  [[nodiscard]] std::string raw_place() const override { return "raw/X"; }

  std::map<std::string, float> values_;
  Table var_;
};

/// The value and the gene that are read.
std::pair<float, std::string> read(std::map<std::string, float> values,
                                   const ReadOptions& options = {}) {
  MadeUp file(std::move(values), Table({"G"}));
  const auto source = io::open_cells(file, options, kContext);
  return {source->read_cells(0, 1, kContext).values.at(0), source->var().index().at(0)};
}

TEST(AnnDataFile, CountsAreTakenFromTheFirstPlaceThatHasThem) {
  using Read = std::pair<float, std::string>;
  EXPECT_EQ(read({{"X", 5}, {"raw/X", 6}, {"layers/counts", 7}}), Read(7, "G"));
  EXPECT_EQ(read({{"X", 5}, {"raw/X", 6}, {"layers/counts", -7}}), Read(6, "R"));
  EXPECT_EQ(read({{"X", 5}, {"layers/half", 8}}), Read(5, "G"));
  EXPECT_EQ(read({{"X", 5}, {"layers/raw", 4}, {"layers/raw_counts", 3}}), Read(3, "G"));
}

TEST(AnnDataFile, OptionsNameAPlace) {
  ReadOptions options;
  options.layer = "half";
  EXPECT_EQ(read({{"X", 5}, {"layers/half", -0.5}}, options).first, -0.5F);
  EXPECT_SAITHE_ERROR(read({{"X", 5}}, options), ErrorKind::BadFormat,
                      "no such layer; the file has: counts, half");
  options.layer = "X";
  EXPECT_EQ(read({{"X", 5}, {"layers/counts", 3}}, options).first, 5);
  options.layer = "half";
  options.use_raw = true;
  EXPECT_SAITHE_ERROR(read({{"X", 5}}, options), ErrorKind::InvalidArgument, "exclude each other");
  options.layer.clear();
  EXPECT_EQ(read({{"X", 5}, {"raw/X", 6}}, options).second, "R");
  EXPECT_SAITHE_ERROR(read({{"X", 5}}, options), ErrorKind::BadFormat, "has no raw");
}

TEST(AnnDataFile, WithoutAMatrixOnlyThoseWhoLookAtItReadIt) {
  EXPECT_SAITHE_ERROR(read({}), ErrorKind::BadFormat, "has no X, no raw and no layer of counts");
  MadeUp file({}, Table({"G"}));
  ReadOptions any;
  any.any_values = true;  // a copy would hold zeros that nobody counted
  EXPECT_SAITHE_ERROR(io::open_cells(file, any, kContext), ErrorKind::BadFormat,
                      "has no X, no raw and no layer of counts");
  any.no_values = true;
  EXPECT_EQ(io::open_cells(file, any, kContext)->read_cells(0, 1, kContext).n_stored(), 0);
}

TEST(AnnDataFile, GenesThatStandTwice) {
  const auto names = [](Table var) {
    MadeUp file({}, std::move(var));
    ReadOptions any;
    any.no_values = true;
    return io::open_cells(file, any, kContext)->var().index();
  };
  EXPECT_EQ(names(Table({"A", "A"})), (Texts{"A", "A"}));  // one gene, as who uses them says
  EXPECT_SAITHE_ERROR(names(Table({"ENSG00000000003", "ENSG00000000003"})), ErrorKind::BadFormat,
                      "made up/var: the gene 'ENSG00000000003' stands twice");
  Table with_ids({"A", "A"});
  with_ids.set("gene_ids", TextColumn{{"E1", "E2"}, {}});
  EXPECT_EQ(names(with_ids), (Texts{"A", "A-1"}));  // as MakeIndexUnique
}

}  // namespace
}  // namespace saithe
