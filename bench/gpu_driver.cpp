// What compare_gpu.py starts: the article's network on a device, beside the processor.
//
//   gpu_driver parity DEVICE PBMC3K.h5ad          the same 100 steps on the processor and on DEVICE
//   gpu_driver steps DEVICE MINIBATCH STEPS       seconds of a training step, five rounds
//   gpu_driver predict DEVICE CELLS               seconds of the prediction of cells in memory
//
// Prints one JSON object.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include "saithe/core/parallel.h"
#include "saithe/core/random.h"
#include "saithe/saithe.h"

namespace {

using namespace saithe;

// PBMC3K as the walk-through leaves it.
constexpr CellIndex kCells = 2110;
constexpr GeneIndex kGenes = 13656;
constexpr int kStored = 852;
constexpr int kTypes = 8;
constexpr int kRounds = 5;
constexpr int kParitySteps = 100;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Cells that express kStored genes each, one of every kGenes / kStored.
CsrMatrix make_cells(CellIndex n_cells, const Context& context) {
  CsrMatrix cells;
  cells.n_rows = n_cells;
  cells.n_cols = kGenes;
  cells.row_start.resize(as_size(n_cells) + 1);
  cells.columns.resize(as_size(n_cells) * kStored);
  cells.values.resize(cells.columns.size());
  parallel_for(context, n_cells, 256, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t cell = begin; cell < end; ++cell) {
      const Random random(1, static_cast<std::uint64_t>(cell));
      cells.row_start[as_size(cell) + 1] = (cell + 1) * kStored;
      for (int k = 0; k < kStored; ++k) {
        const auto at = as_size(cell * kStored + k);
        const double place = (k + random.uniform(2 * static_cast<std::uint64_t>(k))) / kStored;
        cells.columns[at] = static_cast<GeneIndex>(place * kGenes);
        cells.values[at] = 3 * random.uniform_float(2 * static_cast<std::uint64_t>(k) + 1);
      }
    }
  });
  return cells;
}

MlpShape article_shape(std::int64_t n_genes, std::vector<double> dropout) {
  return {n_genes, {1028, 256, 128}, std::move(dropout), kTypes, false};
}

/// Losses of the article's first steps.
std::vector<double> losses_of(const Features& features, std::span<const LabelIndex> labels,
                              const MlpShape& shape, kernels::Device device,
                              const Context& context) {
  const auto backend = kernels::make_backend(device, context);
  Mlp mlp(shape, initial_parameters(shape, context.seed()), features.shift, *backend);
  const auto rows = mlp.upload_rows(features.values.view());
  std::vector<CellIndex> cells(labels.size());
  std::iota(cells.begin(), cells.end(), CellIndex{0});
  std::vector<double> losses;
  kernels::AdamStep adam;
  adam.step = 0;
  for (int epoch = 0; adam.step < kParitySteps; ++epoch) {
    const auto minibatches = Minibatches::shuffled(cells, 64, context.seed(), epoch);
    for (std::int64_t i = 0; i < minibatches.n_minibatches() && adam.step < kParitySteps; ++i) {
      ++adam.step;
      mlp.start_step(*rows, labels, minibatches.at(i), minibatches.at(i + 1),
                     kernels::Loss::Article, adam, context.seed());
    }
    for (const auto& result : mlp.finish_steps()) losses.push_back(result.mean_loss);
  }
  return losses;
}

double largest_difference(const std::vector<double>& found, const std::vector<double>& expected) {
  double largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(found[i] - expected[i]) / expected[i];
    largest = std::isnan(difference) ? HUGE_VAL : std::max(largest, difference);
  }
  return largest;
}

void compare_losses(kernels::Device device, const std::string& path) {
  const Context context(0, 1);
  Dataset cells = read_dataset(path, {}, context);
  QcOptions qc;  // the article's
  qc.min_genes = 200;
  qc.min_cells = 3;
  qc.max_genes = 2500;
  qc.max_percent_mt = 5;
  const QcResult kept = filter_cells_and_genes(cells, qc, context);
  cells = select_genes(select_cells(cells, kept.cells), kept.genes);
  const LabelSet types = LabelSet::from_names(cells.obs().as_text("louvain"));
  const auto labels = types.encode(cells.obs().as_text("louvain"));
  const auto preprocessor = Preprocessor::fit(cells.counts.view(), {}, cells.var().index(), {},
                                              PreprocessorOptions{}, context);
  const Features features = preprocessor.apply(cells.counts.view(), context);
  const auto differ = [&](std::vector<double> dropout) {
    const MlpShape shape = article_shape(cells.n_genes(), std::move(dropout));
    const auto found = losses_of(features, labels, shape, device, context);
    if (losses_of(features, labels, shape, device, context) != found) {
      std::fputs("the same seed gave other losses the second time\n", stderr);
      std::exit(1);
    }
    return largest_difference(found,
                              losses_of(features, labels, shape, kernels::Device::Cpu, context));
  };
  const double without = differ({});
  std::printf("{\"largest_difference\": %g, \"with_dropout\": %g, \"steps\": %d}\n", without,
              differ({0.2, 0.2}), kParitySteps);
}

void time_steps(kernels::Device device, int minibatch, int n_steps) {
  const Context context(0, 1);
  const auto backend = kernels::make_backend(device, context);
  const CsrMatrix cells = make_cells(kCells, context);
  const std::vector<float> shift(kGenes, 0.1F);
  std::vector<LabelIndex> labels;
  std::vector<CellIndex> all;
  for (CellIndex cell = 0; cell < kCells; ++cell) {
    labels.push_back(static_cast<LabelIndex>(cell % kTypes));
    all.push_back(cell);
  }
  const MlpShape shape = article_shape(kGenes, {0.2, 0.2});
  Mlp mlp(shape, initial_parameters(shape, 1), shift, *backend);
  const auto rows = mlp.upload_rows(cells.view());
  const auto rows_of = [&](std::int64_t step) {
    const CellIndex first = step * minibatch % (kCells - minibatch + 1);
    return std::span<const CellIndex>(all).subspan(as_size(first), as_size(minibatch));
  };
  kernels::AdamStep adam;
  adam.step = 0;
  std::vector<double> seconds;
  for (int round = 0; round <= kRounds; ++round) {  // the first is not counted
    const auto start = std::chrono::steady_clock::now();
    for (int step = 0; step < n_steps; ++step) {
      ++adam.step;
      mlp.start_step(*rows, labels, rows_of(adam.step), rows_of(adam.step + 1),
                     kernels::Loss::Article, adam, 1);
    }
    const auto results = mlp.finish_steps();
    if (!std::isfinite(results.back().mean_loss)) std::exit(1);
    if (round > 0) seconds.push_back(seconds_since(start) / n_steps);
  }
  std::ranges::sort(seconds);
  std::printf("{\"hardware\": \"%s\", \"median\": %g, \"least\": %g, \"most\": %g}\n",
              backend->hardware().c_str(), seconds[kRounds / 2], seconds.front(), seconds.back());
}

void time_prediction(kernels::Device device, CellIndex n_cells) {
  const Context context(0, 1);
  const auto backend = kernels::make_backend(device, context);
  const CsrMatrix cells = make_cells(n_cells, context);
  const std::vector<float> shift(kGenes, 0.1F);
  const MlpShape shape = article_shape(kGenes, {});
  const Mlp mlp(shape, initial_parameters(shape, 1), shift, *backend);
  const CsrMatrix few = make_cells(4096, context);
  static_cast<void>(mlp.forward(few.view(), false, context));  // not counted
  const auto start = std::chrono::steady_clock::now();
  const Activations result = mlp.forward(cells.view(), false, context);
  const double seconds = seconds_since(start);
  double sum = 0;
  for (const float logit : result.logits.row(n_cells - 1)) sum += static_cast<double>(logit);
  std::printf("{\"hardware\": \"%s\", \"seconds\": %g, \"last_logits\": %.9g}\n",
              backend->hardware().c_str(), seconds, sum);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  try {
    if (arguments.size() == 3 && arguments[0] == "parity") {
      compare_losses(kernels::parse_device(arguments[1]), arguments[2]);
    } else if (arguments.size() == 4 && arguments[0] == "steps") {
      time_steps(kernels::parse_device(arguments[1]), std::stoi(arguments[2]),
                 std::stoi(arguments[3]));
    } else if (arguments.size() == 3 && arguments[0] == "predict") {
      time_prediction(kernels::parse_device(arguments[1]), std::stoll(arguments[2]));
    } else {
      std::fputs("usage: gpu_driver parity|steps|predict DEVICE ...\n", stderr);
      return 2;
    }
  } catch (const Error& error) {
    std::fprintf(stderr, "gpu_driver: %s\n", error.what());
    return error.kind() == ErrorKind::Device ? 5 : 1;
  }
  return 0;
}
