#include "saithe/io/choose_values.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/folder_for_test.h"

namespace saithe {
namespace {

using io::CellMatrix;
using io::ChosenValues;
using io::ValuePlace;

constexpr CellIndex kCells = 3000;

/// Cells of three genes, each a function of the cell.
class MadeUp final : public CellMatrix {
 public:
  explicit MadeUp(std::function<float(CellIndex)> value) : value_(std::move(value)) {}
  CsrMatrix read(CellIndex begin, CellIndex end, const Context&) override {
    CsrMatrix matrix{end - begin, 3, {0}, {}, {}};
    for (CellIndex cell = begin; cell < end; ++cell) {
      ++n_cells_read;
      if (value_(cell) != 0) {
        matrix.columns.push_back(1);
        matrix.values.push_back(value_(cell));
      }
      matrix.row_start.push_back(static_cast<RowPointer>(matrix.values.size()));
    }
    return matrix;
  }
  std::int64_t most_stored(CellIndex begin, CellIndex end) const override { return end - begin; }

  CellIndex n_cells_read = 0;

 private:
  std::function<float(CellIndex)> value_;
};

struct Chosen {
  std::string place;
  std::vector<std::string> warnings;
};

class ChooseValues : public ::testing::Test {
 protected:
  ChooseValues() {
    std::vector<std::string> barcodes;
    for (CellIndex cell = 0; cell < kCells; ++cell) {
      barcodes.push_back("c" + std::to_string(cell));
    }
    obs_ = Table(std::move(barcodes));
  }

  void add(const char* name, std::function<float(CellIndex)> value) { add(name, value, var_); }
  void add(const char* name, std::function<float(CellIndex)> value, const Table& var) {
    places_.push_back({name, &var, [value] { return std::make_unique<MadeUp>(value); }});
  }

  Chosen choose(bool accept_any = false) {
    Context context(1);
    Chosen chosen;
    context.on_warning = [&](const std::string& text) { chosen.warnings.push_back(text); };
    const ChosenValues values =
        choose_values("f.h5ad", obs_, places_, accept_any, other_layers_, context);
    EXPECT_NE(values.matrix, nullptr);
    chosen.place = places_[values.place].name;
    return chosen;
  }

  static float count(CellIndex cell) { return static_cast<float>(1 + cell % 7); }
  static float log(CellIndex cell) {
    return std::log1p(0.7F + 31.7F * static_cast<float>(cell % 5));
  }
  static float score(CellIndex cell) { return cell % 2 == 0 ? 1.3F : -1.3F; }
  static float zero(CellIndex) { return 0; }

  Table obs_;
  std::string other_layers_;
  Table var_{std::vector<std::string>{"g0", "g1", "g2"}};
  Table longer_var_{std::vector<std::string>{"g0", "g1", "g2", "g3"}};
  std::vector<ValuePlace> places_;
};

TEST_F(ChooseValues, CountsInXAreTakenWithoutAWord) {
  add("X", count);
  EXPECT_EQ(choose().place, "X");
  EXPECT_TRUE(choose().warnings.empty());
}

TEST_F(ChooseValues, TheFirstPlaceOfCountsIsTakenAndSaid) {
  add("layers/counts", log);
  add("raw/X", count);
  add("X", count);
  const Chosen chosen = choose();
  EXPECT_EQ(chosen.place, "raw/X");
  ASSERT_EQ(chosen.warnings.size(), 1U);
  EXPECT_EQ(chosen.warnings[0],
            "f.h5ad: counts are read from raw/X; layers/counts holds log1p(CP10k)");
}

TEST_F(ChooseValues, APlaceOfMoreGenesIsNamed) {
  add("layers/counts", count);
  add("raw/X", log, longer_var_);
  add("X", log);
  const Chosen chosen = choose();
  EXPECT_EQ(chosen.place, "layers/counts");
  ASSERT_EQ(chosen.warnings.size(), 1U);
  EXPECT_EQ(chosen.warnings[0],
            "f.h5ad: counts are read from layers/counts; layers/counts has 3 genes, raw/X holds "
            "log1p(CP10k) of 4 (--use-raw reads it)");
  places_[1].open = [] { return std::make_unique<MadeUp>(score); };  // it cannot be used
  EXPECT_EQ(choose().warnings, (std::vector<std::string>{"f.h5ad: counts are read from "
                                                         "layers/counts"}));
}

TEST_F(ChooseValues, APlaceOfMoreGenesThanTheLogarithmsThatAreUsedIsNamed) {
  add("layers/raw", log);
  add("raw/X", log, longer_var_);
  const Chosen chosen = choose();
  EXPECT_EQ(chosen.place, "layers/raw");
  EXPECT_TRUE(testing::contains(
      chosen.warnings[0], "layers/raw has 3 genes, raw/X holds log1p(CP10k) of 4 (--use-raw"));
}

TEST_F(ChooseValues, LayersThatWereNotLookedAtAreNamed) {
  other_layers_ = "Counts, soupX";
  add("X", log);
  EXPECT_TRUE(testing::contains(choose().warnings[0],
                                "X is used as it is; not looked at: Counts, soupX (--layer NAME"));
  places_.clear();
  add("X", score);
  Context context(1);
  EXPECT_SAITHE_ERROR(choose_values("f", obs_, places_, false, other_layers_, context),
                      ErrorKind::BadFormat, "--layer NAME (not looked at: Counts, soupX)");
}

TEST_F(ChooseValues, CountsInXAreSaidIfThePlacesBeforeHoldOthers) {
  add("raw/X", log);
  add("X", count);
  const Chosen chosen = choose();
  EXPECT_EQ(chosen.place, "X");
  ASSERT_EQ(chosen.warnings.size(), 1U);
  EXPECT_TRUE(testing::contains(chosen.warnings[0], "raw/X holds log1p(CP10k)"));
}

TEST_F(ChooseValues, LogarithmsAreTakenWhereThereAreNoCounts) {
  add("layers/counts", score);
  add("raw/X", log);
  add("X", log);
  const Chosen chosen = choose();
  EXPECT_EQ(chosen.place, "raw/X");
  ASSERT_EQ(chosen.warnings.size(), 1U);
  EXPECT_TRUE(testing::contains(chosen.warnings[0], "no counts were found: layers/counts holds"));
  EXPECT_TRUE(testing::contains(chosen.warnings[0], "raw/X is used as it is"));
}

TEST_F(ChooseValues, NeitherIsRefusedWithWhatEachPlaceHolds) {
  add("raw/X", [](CellIndex cell) { return cell == 2990 ? 1.5F : 100.0F; });
  add("X", score);
  const auto error = testing::error_of([&] { choose(); });
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(std::string(error->what()),
            "f.h5ad: neither counts nor log1p(CP10k) were found: raw/X holds values of no known "
            "kind (cell 'c2990' (row 2990) has the value 1.5 for gene 'g1'; counts are whole "
            "numbers), X holds z-scored values (cell 'c0' (row 0) has the value 1.3 for gene 'g1'; "
            "counts are whole numbers). Give a file that holds counts.");
  const Chosen chosen = choose(true);
  EXPECT_EQ(chosen.place, "X");
  EXPECT_EQ(chosen.warnings.size(), 1U);
}

TEST_F(ChooseValues, ANegativeWholeNumberAmongCountsIsNamed) {
  add("X", [](CellIndex cell) { return cell % 9 == 1 ? -1.0F : static_cast<float>(cell % 3); });
  const auto error = testing::error_of([&] { choose(); });
  ASSERT_TRUE(error.has_value());
  EXPECT_TRUE(
      testing::contains(error->what(),
                        "X holds values of no known kind, a negative whole number among them (cell "
                        "'c1' (row 1) has the value -1 for gene 'g1'; counts are finite and not"));
}

TEST_F(ChooseValues, ZerosAreNoReasonToTakeAPlace) {
  add("layers/counts", zero);
  add("X", log);
  EXPECT_EQ(choose().place, "X");
  places_.clear();
  add("layers/counts", zero);
  add("X", zero);
  EXPECT_EQ(choose().place, "X");
}

// A place that nobody uses may be damaged: whoever uses it meets the error.
TEST_F(ChooseValues, APlaceThatCannotBeReadIsNamedAmongTheOthers) {
  const auto place_that_fails = [&](const char* name, ErrorKind kind) {
    places_.push_back({name, &var_, [kind]() -> std::unique_ptr<CellMatrix> {
                         throw Error(kind, "f.h5ad/X: why");
                       }});
  };
  add("layers/counts", count);
  place_that_fails("X", ErrorKind::BadFormat);
  const auto summaries = io::survey_values(obs_, places_, Context(1));
  ASSERT_EQ(summaries.size(), 2U);
  EXPECT_EQ(summaries[0].finding, "layers/counts holds counts");
  EXPECT_EQ(summaries[1].name, "X");
  EXPECT_EQ(summaries[1].kind, ValueKind::Unknown);
  EXPECT_EQ(summaries[1].finding, "X cannot be read: f.h5ad/X: why");
  EXPECT_EQ(choose().place, "layers/counts");
  place_that_fails("layers/raw", ErrorKind::Cancelled);
  EXPECT_SAITHE_ERROR(io::survey_values(obs_, places_, Context(1)), ErrorKind::Cancelled, "why");
}

TEST_F(ChooseValues, ASampleIsSpreadOverTheFile) {
  MadeUp* matrix = nullptr;
  places_.push_back({"X", &var_, [&] {
                       auto made = std::make_unique<MadeUp>(count);
                       matrix = made.get();
                       return made;
                     }});
  const Context context(1);
  const ChosenValues values = choose_values("f", obs_, places_, false, "", context);
  const CellIndex n_in_last_block = (kCells - 1) % 32 + 1;
  EXPECT_EQ(matrix->n_cells_read, 7 * 32 + n_in_last_block);
  // Odd values at the beginning, in the middle and at the end are seen.
  for (const CellIndex odd : {CellIndex{0}, (kCells - 1) / 32 * 3 / 7 * 32, kCells - 1}) {
    places_.clear();
    add("X", [odd](CellIndex cell) { return cell / 30 == odd / 30 ? -1.5F : 7.0F; });
    EXPECT_SAITHE_ERROR(choose_values("f", obs_, places_, false, "", context), ErrorKind::BadFormat,
                        "-1.5");
  }
}

}  // namespace
}  // namespace saithe
