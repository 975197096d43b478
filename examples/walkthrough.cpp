// A small deep-learning walk-through: from counts of single cells to cell types, step by step.
//
// The page docs/walkthrough.md explains every step beside its code, which is taken from here.
// Run it from the root of the source tree; it writes its pictures into the folder it is given:
//   build/release/bin/example_walkthrough data/pbmc3k.h5ad walkthrough_pictures

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "saithe/saithe.h"

using namespace saithe;

namespace {

/// Announces a step of the page.
void heading(const char* step) {
  fmt::print("\n== {} ==\n", step);
}

/// Prints a matrix's shape and its first rows.
void show(const std::string& name, DenseView matrix, std::int64_t n_rows = 1) {
  fmt::print("{}: shape ({}, {})\n", name, matrix.n_rows, matrix.n_cols);
  for (std::int64_t r = 0; r < std::min(n_rows, matrix.n_rows); ++r) {
    const auto row =
        matrix.row(r).first(static_cast<std::size_t>(std::min<std::int64_t>(8, matrix.n_cols)));
    fmt::print("  [{:.4f}{}]\n", fmt::join(row, ", "), matrix.n_cols > 8 ? ", ..." : "");
  }
}

/// The labels of the cells `cells`, in their order.
std::vector<LabelIndex> labels_of(std::span<const LabelIndex> labels,
                                  std::span<const CellIndex> cells) {
  std::vector<LabelIndex> chosen;
  for (const CellIndex cell : cells) chosen.push_back(labels[static_cast<std::size_t>(cell)]);
  return chosen;
}

void run(const std::filesystem::path& input, const std::filesystem::path& pictures) {
  heading("load");
  // [step load]
  const Context context(/*n_threads=*/0, /*seed=*/0);
  Dataset pbmc = read_dataset(input, {}, context);
  fmt::print("{} cells x {} genes, {} values stored ({:.1f} % of the matrix)\n", pbmc.n_cells(),
             pbmc.n_genes(), pbmc.counts.n_stored(),
             100.0 * static_cast<double>(pbmc.counts.n_stored()) /
                 (static_cast<double>(pbmc.n_cells()) * pbmc.n_genes()));
  fmt::print("columns of obs: {}\n", pbmc.obs().column_names());
  // [end]

  heading("filter");
  // [step filter]
  QcOptions qc;
  qc.min_genes = 200;
  qc.min_cells = 3;
  qc.max_genes = 2500;
  qc.max_percent_mt = 5;
  const QcResult kept = filter_cells_and_genes(pbmc, qc, context);
  for (const FilterStep& step : kept.steps) {
    fmt::print("{}: {} cells and {} genes dropped\n", step.name, step.n_cells_dropped,
               step.n_genes_dropped);
  }
  pbmc = select_genes(select_cells(pbmc, kept.cells), kept.genes);
  fmt::print("{} cells x {} genes remain\n", pbmc.n_cells(), pbmc.n_genes());
  plot_qc(kept.metrics, qc).write(pictures, /*overwrite=*/true);
  // [end]

  heading("normalise");
  // [step normalise]
  const auto preprocessor = Preprocessor::fit(
      pbmc.counts.view(), /*all cells*/ {}, pbmc.var().index(), {}, PreprocessorOptions{}, context);
  const Features features = preprocessor.apply(pbmc.counts.view(), context);
  const auto z = [&](const CsrView& values, CellIndex cell, GeneIndex gene) {
    const auto expressed = values.row_columns(cell);
    const auto found = std::ranges::lower_bound(expressed, gene);
    const bool is_expressed = found != expressed.end() && *found == gene;
    const auto stored = static_cast<std::size_t>(found - expressed.begin());
    return (is_expressed ? values.row_values(cell)[stored] : 0) -
           features.shift[static_cast<std::size_t>(gene)];
  };
  const GeneIndex first_gene = features.values.columns[0];
  fmt::print("first cell, first expressed gene {}: z = {:.4f}\n",
             pbmc.var().index()[static_cast<std::size_t>(first_gene)],
             z(features.values.view(), 0, first_gene));
  // [end]

  heading("split");
  // [step split]
  const LabelSet types = LabelSet::from_names(pbmc.obs().as_text("louvain"));
  const std::vector<LabelIndex> labels = types.encode(pbmc.obs().as_text("louvain"));
  const Split split = split_random(labels, types.names(), /*validation_fraction=*/0.2, context);
  fmt::print("training: {} cells, validation: {} cells, each x {} genes\n", split.training.size(),
             split.validation.size(), pbmc.n_genes());
  // [end]

  heading("one-hot");
  // [step one-hot]
  fmt::print("{} types: {}\n", types.n_types(), fmt::join(types.names(), ", "));
  const DenseMatrix y_train = one_hot(labels_of(labels, split.training), types.n_types());
  const DenseMatrix y_val = one_hot(labels_of(labels, split.validation), types.n_types());
  show("y_train", y_train.view(), 3);
  show("y_val", y_val.view(), 3);
  // [end]

  heading("minibatches");
  // [step minibatches]
  const auto minibatches =
      Minibatches::shuffled(split.training, /*size=*/64, context.seed(), /*epoch=*/0);
  const auto first_minibatch = minibatches.at(0);
  fmt::print("{} minibatches; the last has {} cells\n", minibatches.n_minibatches(),
             minibatches.at(minibatches.n_minibatches() - 1).size());
  const CsrMatrix b_x = select_rows(features.values.view(), first_minibatch);
  fmt::print("b_x, one minibatch: shape ({}, {}), {} values stored\n", b_x.n_rows, b_x.n_cols,
             b_x.n_stored());
  const auto some_genes = b_x.view().row_columns(0).first(8);  // that its first cell expresses
  DenseMatrix b_z(b_x.n_rows, 8);
  for (CellIndex cell = 0; cell < b_x.n_rows; ++cell) {
    std::ranges::transform(some_genes, b_z.row(cell).begin(),
                           [&](GeneIndex gene) { return z(b_x.view(), cell, gene); });
  }
  show("its z of eight genes", b_z.view(), 3);
  show("its targets", one_hot(labels_of(labels, first_minibatch), types.n_types()).view(), 3);
  // [end]

  heading("linear");
  // [step linear]
  const auto backend = kernels::make_backend(kernels::Device::Auto, context);
  MlpShape one_layer;
  one_layer.n_inputs = pbmc.n_genes();
  one_layer.n_outputs = 128;
  const Mlp layer(one_layer, initial_parameters(one_layer, context.seed()), features.shift,
                  *backend);
  DenseMatrix activations = layer.forward(b_x.view(), /*with_hidden=*/false, context).logits;
  show("Linear(genes -> 128)", activations.view());
  for (std::int64_t cell = 0; cell < activations.n_rows(); ++cell) {
    for (float& activation : activations.row(cell))
      activation = std::max(activation, 0.0F);  // ReLU
  }
  show("after ReLU", activations.view());
  // [end]

  heading("softmax");
  // [step softmax]
  DenseMatrix x(1, 5);
  std::ranges::copy(std::array{1.3F, 5.1F, 2.2F, 0.7F, 1.1F}, x.row(0).begin());
  show("softmax of [1.3, 5.1, 2.2, 0.7, 1.1]", softmax(x.view()).view());
  // [end]

  heading("network");
  // [step network]
  MlpShape shape;
  shape.n_inputs = pbmc.n_genes();
  shape.hidden = {1028, 256, 128};
  shape.dropout = {0.2, 0.2};
  shape.n_outputs = types.n_types();
  Mlp network(shape, initial_parameters(shape, context.seed()), features.shift, *backend);
  fmt::print("{}", shape.summary());
  show("probabilities of one minibatch, untrained",
       softmax(network.forward(b_x.view(), false, context).logits.view()).view());
  // [end]

  heading("train");
  // [step train]
  TrainerOptions training;
  training.epochs = 10;
  training.minibatch_size = 64;
  training.learning_rate = 1e-4;
  training.loss = kernels::Loss::Article;
  const TrainHistory history = train_network(
      network, features.values.view(), labels, split.training, split.validation, training, context,
      [](const EpochRecord& epoch) {
        fmt::print(
            "Epoch: {}, Train loss: {:.4f}, Val loss: {:.4f}, Train acc: {:.4f}, Val acc: {:.4f}\n",
            epoch.epoch, epoch.train_loss, epoch.validation_loss, epoch.train_accuracy,
            epoch.validation_accuracy);
      });
  plot_loss(history).write(pictures, true);
  plot_accuracy(history).write(pictures, true);
  // [end]

  heading("predict");
  // [step predict]
  const Activations all = network.forward(features.values.view(), /*with_hidden=*/true, context);
  const DenseMatrix probabilities = softmax(all.logits.view());
  const DenseMatrix train_probabilities = select_rows(probabilities.view(), split.training);
  const DenseMatrix val_probabilities = select_rows(probabilities.view(), split.validation);
  show("train_probabilities", train_probabilities.view());
  show("val_probabilities", val_probabilities.view());
  // [end]

  heading("confusion");
  // [step confusion]
  const Evaluation validation =
      evaluate(val_probabilities.view(), labels_of(labels, split.validation), types);
  fmt::print("validation accuracy {:.4f}\nrows: true type, columns: predicted\n",
             validation.accuracy);
  for (LabelIndex truth = 0; truth < types.n_types(); ++truth) {
    const auto row = std::span(validation.confusion)
                         .subspan(static_cast<std::size_t>(truth * types.n_types()),
                                  static_cast<std::size_t>(types.n_types()));
    fmt::print("{:>18} {:4}\n", types.name(truth), fmt::join(row, " "));
  }
  plot_confusion(validation, "confusion_validation", "Validation cells").write(pictures, true);
  for (const Confusion& pair : most_confused(validation, 3)) {
    fmt::print("{} cells of {} were called {}\n", pair.n_cells, pair.truth, pair.predicted);
  }
  // [end]

  heading("embed");
  // [step embed]
  for (const auto& [name, cells] :
       {std::pair("training", &split.training), std::pair("validation", &split.validation)}) {
    const DenseMatrix hidden = select_rows(all.hidden.view(), *cells);
    const DenseMatrix embedding = umap(hidden.view(), UmapOptions{}, context);
    show(fmt::format("UMAP of the {} cells", name), embedding.view(), 5);
    plot_embedding(embedding.view(), labels_of(labels, *cells), types.names(),
                   fmt::format("umap_{}", name), fmt::format("Last hidden layer, {} cells", name))
        .write(pictures, true);
  }
  const DenseMatrix together = umap(all.hidden.view(), UmapOptions{}, context);
  show("UMAP of all cells, one layout", together.view(), 5);
  plot_embedding(together.view(), labels, types.names(), "umap_all_label",
                 "Last hidden layer, all cells")
      .write(pictures, true);
  // [end]
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: {} COUNTS.h5ad PICTURES_FOLDER\n", argv[0]);
    return 2;
  }
  try {
    std::filesystem::create_directories(argv[2]);
    run(argv[1], argv[2]);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
  return 0;
}
