#include "saithe/classify/import_celltypist.h"

#include <gtest/gtest.h>

#include "saithe/classify/celltypist_model.h"

namespace saithe {
namespace {

std::string fixture(const std::string& name) {
  return std::string(SAITHE_TEST_FILES) + "/celltypist/" + name;
}

TEST(ImportCellTypist, HoldsTheSameNumbersWithTypesSorted) {
  const CellTypistModel source = load_celltypist_model(fixture("logistic.pkl"));
  const Model model = import_celltypist(fixture("logistic.pkl"));
  EXPECT_EQ(model.output, OutputKind::OneVsRest);
  EXPECT_EQ(model.preprocessor.gene_names(), source.genes);
  EXPECT_EQ(model.preprocessor.mean(), source.mean);
  EXPECT_EQ(model.preprocessor.sd(), source.scale);
  EXPECT_EQ(model.preprocessor.options().max_value, 10);
  EXPECT_TRUE(model.preprocessor.reference().count_share.empty());  // totals over all genes
  ASSERT_EQ(model.members.size(), 1U);
  const auto& weights = model.members[0].parameters.weights[0];
  for (std::size_t type = 0; type < source.cell_types.size(); ++type) {
    const auto at = static_cast<std::size_t>(model.types.find(source.cell_types[type]));
    EXPECT_EQ(model.members[0].parameters.biases[0][at],
              static_cast<float>(source.intercepts[type]));
    for (std::size_t gene = 0; gene < source.genes.size(); gene += 17) {
      EXPECT_EQ(weights[gene * source.cell_types.size() + at],
                static_cast<float>(source.coefficients[type * source.genes.size() + gene]));
    }
  }
}

TEST(ImportCellTypist, SaysWhereItComesFrom) {
  const Model model = import_celltypist(fixture("sgd.pkl"));
  EXPECT_EQ(model.card.sources, std::vector<std::string>{"sgd.pkl"});
  ASSERT_FALSE(model.options.empty());
  EXPECT_NE(model.options[0].second.find("SGDClassifier"), std::string::npos);
}

TEST(ImportCellTypist, AMissingFileIsNamed) {
  EXPECT_THROW(import_celltypist("no_such_model.pkl"), Error);
}

}  // namespace
}  // namespace saithe
