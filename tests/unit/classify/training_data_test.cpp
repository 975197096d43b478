// prepare_training_data(): which cells and genes train, and what is refused.

#include <gtest/gtest.h>

#include <cmath>

#include "saithe/classify/train.h"
#include "saithe/prep/normalize.h"
#include "support/marker_cells.h"

namespace saithe {
namespace {

using testing::empty_cell;
using testing::first_gene;
using testing::marker_cells;
using testing::stored_value;

/// The message of the Error(BadFormat) that preparing gives.
std::string refusal(const Dataset& dataset, const std::vector<std::string>& labels,
                    const TrainOptions& options = {}) {
  try {
    prepare_training_data(dataset, labels, options, Context(1));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::BadFormat) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "the data were accepted";
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(TrainingData, DropsAndCountsUnlabelledAndEmptyCells) {
  Dataset dataset = marker_cells(30, 20, 3);
  auto labels = dataset.obs().as_text("cell_type");
  labels[4] = "";
  labels[5] = "";
  empty_cell(dataset, 5);  // without label comes first: it is counted once
  empty_cell(dataset, 7);
  const auto data = prepare_training_data(dataset, labels, {}, Context(1));
  EXPECT_EQ(data.n_cells_read, 30);
  EXPECT_EQ(data.n_genes_read, 20);
  EXPECT_EQ(data.n_cells_without_label, 2);
  EXPECT_EQ(data.n_cells_without_counts, 1);
  ASSERT_EQ(data.dataset.n_cells(), 27);
  EXPECT_EQ(data.dataset.n_genes(), 20);
  EXPECT_EQ(data.dataset.obs().index()[4], "cell6");
  EXPECT_EQ(data.dataset.obs().index()[5], "cell8");
  EXPECT_EQ(data.types.names(), (std::vector<std::string>{"type0", "type1", "type2"}));
  EXPECT_EQ(data.labels[5], 8 % 3);
  EXPECT_EQ(data.labels.size(), 27U);
}

TEST(TrainingData, FiltersCellsAndOverAllCellsGenes) {
  Dataset dataset = marker_cells(30, 20, 3);
  const auto labels = dataset.obs().as_text("cell_type");
  for (CellIndex cell = 0; cell < 29; ++cell) {  // gene 13 is left in the last cell alone
    for (auto i = dataset.counts.row_start[as_size(cell)];
         i < dataset.counts.row_start[as_size(cell) + 1]; ++i) {
      if (dataset.counts.columns[as_size(i)] == 13) dataset.counts.values[as_size(i)] = 0;
    }
  }
  TrainOptions options;
  options.qc.min_genes = 5;
  options.qc.min_cells = 2;
  options.scale_on = ScaleOn::All;
  const auto data = prepare_training_data(dataset, labels, options, Context(1));
  EXPECT_EQ(data.dataset.n_genes(), 19);
  EXPECT_EQ(data.dataset.var().index()[13], "gene14");
  CellIndex n_rich = 0;
  for (CellIndex cell = 0; cell < 30; ++cell) {
    const auto values = dataset.counts.view().row_values(cell);
    n_rich += std::count_if(values.begin(), values.end(), [](float v) { return v > 0; }) >= 5;
  }
  ASSERT_LT(n_rich, 30);  // the filter has something to do
  EXPECT_EQ(data.dataset.n_cells(), n_rich);
  EXPECT_EQ(static_cast<CellIndex>(data.qc.cells.size()), n_rich);
  ASSERT_EQ(data.qc.steps.size(), 2U);
  EXPECT_EQ(data.qc.steps[0].n_cells_dropped, 30 - n_rich);
  EXPECT_EQ(data.qc.steps[1].n_genes_dropped, 1);

  options.scale_on = ScaleOn::Training;  // the gene filter waits for the split
  EXPECT_EQ(prepare_training_data(dataset, labels, options, Context(1)).dataset.n_genes(), 20);
}

TEST(TrainingData, ValuesThatAreNoCountsAreLocated) {
  const Dataset good = marker_cells(30, 20, 3);
  const auto labels = good.obs().as_text("cell_type");
  for (const float value : {-1.0F, 10.5F, std::nanf(""), INFINITY}) {
    Dataset bad = good;
    const GeneIndex gene = first_gene(bad, 11);
    stored_value(bad, 11, gene) = value;
    const std::string message = refusal(bad, labels);
    EXPECT_TRUE(contains(message, "'cell11'")) << message;
    EXPECT_TRUE(contains(message, "'gene" + std::to_string(gene) + "'")) << message;
  }
}

/// ln(1 + counts of 10 000) of every cell.
Dataset log_normalized(Dataset dataset) {
  normalize_total(dataset.counts, 1e4, Context(1));
  log1p_in_place(dataset.counts, Context(1));
  return dataset;
}

TEST(TrainingData, LogarithmsAreTakenWhereNoFilterNeedsCounts) {
  const Dataset dataset = log_normalized(marker_cells(30, 20, 3));
  const auto labels = dataset.obs().as_text("cell_type");
  TrainOptions options;
  options.qc.min_genes = 2;  // counts genes, not molecules
  const auto data = prepare_training_data(dataset, labels, options, Context(1));
  EXPECT_EQ(data.kind, ExpressionKind::LogNormalized);
  EXPECT_EQ(data.dataset.unpack(Context(1)).counts.values, dataset.counts.values);
  EXPECT_EQ(prepare_training_data(marker_cells(30, 20, 3), labels, options, Context(1)).kind,
            ExpressionKind::Counts);
  options.qc.max_percent_mt = 5;  // a share of the molecules
  EXPECT_TRUE(contains(refusal(dataset, labels, options), "whole numbers"));
  // the walk-through shows counts step by step
  EXPECT_TRUE(
      contains(refusal(dataset, labels, TrainOptions::preset("walkthrough")), "whole numbers"));
}

TEST(TrainingData, SmallTypesAreLeftOutAndReported) {
  const Dataset dataset = marker_cells(62, 20, 3);
  auto labels = dataset.obs().as_text("cell_type");
  for (const std::size_t cell : {5U, 6U, 7U}) labels[cell] = "rare";
  labels[10] = "single";
  labels[11] = "";
  TrainOptions options;
  options.min_cells_per_type = 4;
  const auto data = prepare_training_data(dataset, labels, options, Context(1));
  EXPECT_EQ(data.small_types,
            (std::vector<std::pair<std::string, std::int64_t>>{{"rare", 3}, {"single", 1}}));
  EXPECT_EQ(data.types.names(), (std::vector<std::string>{"type0", "type1", "type2"}));
  ASSERT_EQ(data.dataset.n_cells(), 57);
  ASSERT_EQ(data.cells.size(), 57U);
  for (std::size_t i = 0; i < data.cells.size(); ++i) {  // labels and barcodes stayed together
    const auto cell = as_size(data.cells[i]);
    EXPECT_EQ(data.dataset.obs().index()[i], dataset.obs().index()[cell]);
    EXPECT_EQ(data.types.name(data.labels[i]), labels[cell]);
  }
  options.min_cells_per_type = 3;
  EXPECT_EQ(prepare_training_data(dataset, labels, options, Context(1)).types.n_types(), 4);
  options.min_cells_per_type = 1;
  EXPECT_TRUE(prepare_training_data(dataset, labels, options, Context(1)).small_types.empty());
  options.min_cells_per_type = 100;
  EXPECT_TRUE(contains(refusal(dataset, labels, options), "--min-cells-per-type"));
  options.min_cells_per_type = 20;  // 58 cells in types of 20, 19 and 19
  EXPECT_TRUE(contains(refusal(dataset, labels, options), "--min-cells-per-type"));
}

TEST(TrainingData, NamesThatMayBeOneTypeAreSaid) {
  const Dataset dataset = marker_cells(30, 20, 3);
  auto labels = dataset.obs().as_text("cell_type");
  for (const std::size_t cell : {0U, 3U}) labels[cell] += " ";
  labels[1] = "TYPE1";
  Context context(1);
  std::vector<std::string> warnings;
  context.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  (void)prepare_training_data(dataset, labels, {}, context);
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_TRUE(contains(warnings[0], "'type0', 'type0 ' differ by blanks")) << warnings[0];
  EXPECT_TRUE(contains(warnings[1], "'TYPE1', 'type1' differ by")) << warnings[1];
}

TEST(TrainingData, CellsThatStandTwiceAreSaid) {
  Dataset dataset = marker_cells(12, 200, 3);
  CsrMatrix& counts = dataset.counts;
  counts = CsrMatrix{};
  counts.n_rows = 12;
  counts.n_cols = 200;
  for (CellIndex cell = 0; cell < 12; ++cell) {
    for (GeneIndex gene = 0; gene < 60; ++gene) {
      counts.columns.push_back(gene);
      counts.values.push_back(static_cast<float>(1 + (gene == 0 ? cell % 11 : 0)));
    }
    counts.row_start.push_back(std::ssize(counts.columns));
  }
  auto labels = dataset.obs().as_text("cell_type");
  Context context(1);
  std::vector<std::string> warnings;
  context.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  (void)prepare_training_data(dataset, labels, {}, context);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(contains(warnings[0], "1 cell has the values of an earlier cell")) << warnings[0];
  EXPECT_TRUE(contains(warnings[0], "'" + dataset.obs().name_of(11) + "' those of '" +
                                        dataset.obs().name_of(0) + "'"))
      << warnings[0];
  labels[11] = "";  // without a label it is not trained on
  warnings.clear();
  (void)prepare_training_data(dataset, labels, {}, context);
  EXPECT_TRUE(warnings.empty());
}

TEST(TrainingData, OneTypeIsRefused) {
  const Dataset dataset = marker_cells(30, 20, 3);
  const std::vector<std::string> labels(30, "B cell");
  const std::string message = refusal(dataset, labels);
  EXPECT_TRUE(contains(message, "30 cells are left, all of the type 'B cell'")) << message;
  EXPECT_TRUE(contains(message, "more types")) << message;
}

TEST(TrainingData, TypesThatTheFiltersTookAreBlamedOnThem) {
  Dataset dataset = marker_cells(30, 20, 2);
  for (CellIndex cell = 1; cell < 30; cell += 2) {  // type1 has one gene left
    const float one = stored_value(dataset, cell, first_gene(dataset, cell));
    empty_cell(dataset, cell);
    stored_value(dataset, cell, first_gene(dataset, cell)) = one;
  }
  TrainOptions options;
  options.qc.min_genes = 2;
  const std::string message = refusal(dataset, dataset.obs().as_text("cell_type"), options);
  EXPECT_TRUE(contains(message, "all of the type 'type0'")) << message;
  EXPECT_TRUE(contains(message, "filters took the other types")) << message;
}

TEST(TrainingData, NoUsableCellIsRefused) {
  const Dataset dataset = marker_cells(30, 20, 3);
  const std::string message = refusal(dataset, std::vector<std::string>(30));
  EXPECT_TRUE(contains(message, "30 of its 30 cells have no label")) << message;
  TrainOptions options;
  options.qc.min_genes = 1000;
  EXPECT_TRUE(contains(refusal(dataset, dataset.obs().as_text("cell_type"), options),
                       "min_genes 1000 took 30 cells"));
}

TEST(TrainingData, AGeneTwiceIsRefused) {
  const Dataset dataset = marker_cells(30, 20, 3);
  const auto labels = dataset.obs().as_text("cell_type");
  auto names = dataset.var().index();
  names[7] = "gene3";
  EXPECT_TRUE(contains(refusal(Dataset("f", dataset.counts, dataset.obs(), Table(names)), labels),
                       "gene name 'gene3'"));
  Dataset twice_id = dataset;
  auto ids = dataset.var().as_text("gene_ids");
  ids[7] = "ENSG3";
  twice_id.var().set("gene_ids", TextColumn{ids, {}});
  EXPECT_TRUE(contains(refusal(twice_id, labels), "gene id 'ENSG3'"));
}

TEST(TrainingData, ASourceReadInBlocksWithLittleMemoryGivesTheSame) {
  Dataset dataset = marker_cells(9000, 30, 3);  // three blocks
  auto labels = dataset.obs().as_text("cell_type");
  labels[5] = "";
  labels[8000] = "";
  Context little(2);
  little.max_memory = 1000;
  const auto whole = prepare_training_data(dataset, labels, {}, Context(1));
  CellSource& source = dataset;
  const auto spilled = prepare_training_data(source, labels, {}, little);
  EXPECT_EQ(whole.n_cells_without_label, 2);
  EXPECT_EQ(spilled.cells, whole.cells);
  EXPECT_EQ(spilled.labels, whole.labels);
  EXPECT_EQ(spilled.dataset.unpack(little).counts.values,
            whole.dataset.unpack(Context(1)).counts.values);
  EXPECT_EQ(hash_training_cells(spilled, little), hash_training_cells(whole, Context(1)));
  labels[7] = labels[8];
  const auto other = prepare_training_data(dataset, labels, {}, Context(1));
  EXPECT_NE(hash_training_cells(other, little), hash_training_cells(whole, Context(1)));
}

}  // namespace
}  // namespace saithe
