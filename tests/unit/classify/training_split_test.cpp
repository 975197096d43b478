// Which cells train: all, a share, or whole donors.

#include "saithe/classify/training_split.h"

#include <gtest/gtest.h>

#include <set>

#include "support/marker_cells.h"

namespace saithe {
namespace {

struct Prepared {
  TrainOptions options;
  TrainingData data;
};

Prepared prepared(Validation validate, SplitKind split, const std::string& donor_key = {}) {
  Prepared result{TrainOptions::preset("fast"), {}};
  result.options.validate = validate;
  result.options.split = split;
  result.options.donor_key = donor_key;
  Dataset dataset = testing::marker_cells(200, 40, 4, 0, testing::kClear);
  const auto labels = dataset.obs().as_text("cell_type");
  result.data = prepare_training_data(std::move(dataset), labels, result.options, Context(1));
  return result;
}

TEST(SplitCells, AllTrainUnlessAShareIsHeldOut) {
  for (const Validation validate : {Validation::FiveFold, Validation::None}) {
    const Prepared p = prepared(validate, SplitKind::Stratified);
    const Split split = split_cells(p.data, p.options, Context(1, 3));
    EXPECT_EQ(split.training.size(), 200U);
    EXPECT_TRUE(split.validation.empty());
  }
  for (const SplitKind kind : {SplitKind::Stratified, SplitKind::Random}) {
    const Prepared p = prepared(Validation::HeldOut, kind);
    const Split split = split_cells(p.data, p.options, Context(1, 3));
    EXPECT_EQ(split.training.size(), 160U);
    EXPECT_EQ(split.validation.size(), 40U);
  }
}

TEST(SplitCells, WholeDonorsAreHeldOut) {
  const Prepared p = prepared(Validation::HeldOut, SplitKind::ByDonor, "donor");
  const auto donors = donors_of(p.data, p.options);
  const Split split = split_cells(p.data, p.options, Context(1, 3));
  std::set<std::string> trained;
  for (const CellIndex cell : split.training) trained.insert(donors[as_size(cell)]);
  ASSERT_FALSE(split.validation.empty());
  for (const CellIndex cell : split.validation) {
    EXPECT_FALSE(trained.contains(donors[as_size(cell)]));
  }
}

TEST(DonorsOf, NamesTheColumnsThereAre) {
  const Prepared p = prepared(Validation::HeldOut, SplitKind::ByDonor, "patient");
  try {
    static_cast<void>(donors_of(p.data, p.options));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::BadFormat);
    const std::string message = error.what();
    EXPECT_NE(message.find("'patient'"), std::string::npos) << message;
    EXPECT_NE(message.find("donor"), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace saithe
