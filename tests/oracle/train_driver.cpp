// Takes the first steps of the walk-through's training and tells everything about them, so that
// another program can take the same ones.
//
//   saithe_oracle_driver DATA.h5ad LABEL_KEY OUTPUT_FOLDER LOSS SEED STEPS DROPOUT THREADS
//
// Prints {"losses": [...], "step_seconds": [...], ...} as JSON. Into OUTPUT_FOLDER it writes, raw
// and little-endian, the features (values.f32, columns.i32, row_start.i64, shift.f32), labels.i32,
// training.i64, barcodes.txt, genes.txt, and of the first minibatch at the initial weights, dropout
// off, the gradient of each layer (gradient_weight0.f32 (genes, units), gradient_bias0.f32, ...).

#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>

#include <nlohmann/json.hpp>

#include "saithe/classify/train.h"
#include "saithe/io/open.h"
#include "saithe/nn/minibatches.h"
#include "saithe/nn/mlp.h"

namespace {

using namespace saithe;

template <typename T>
void write_raw(const std::filesystem::path& path, std::span<const T> values) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(values.data()),
             static_cast<std::streamsize>(values.size_bytes()));
  if (!file.flush()) fail(ErrorKind::Output, "{}: cannot be written", path.string());
}

void write_lines(const std::filesystem::path& path, const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  write_raw(path, std::span<const char>(text));
}

/// What the walk-through trains on.
struct Problem {
  TrainingData data;
  Split split;
  Features features;
  MlpShape shape;
};

Problem prepare(const std::filesystem::path& path, const std::string& label_key,
                const Context& context) {
  const TrainOptions options = TrainOptions::preset("walkthrough");
  Problem problem;
  Dataset dataset = read_dataset(path, {}, context);
  const auto labels = dataset.obs().as_text(label_key);
  problem.data = prepare_training_data(std::move(dataset), labels, options, context);
  const TrainingData& data = problem.data;
  problem.split =
      split_random(data.labels, data.types.names(), options.validation_fraction, context);
  const auto fitted = Preprocessor::fit(data.dataset, {}, data.dataset.var().index(), {},
                                        options.preprocessor, context);
  problem.features = fitted.apply(data.dataset.unpack(context).counts.view(), context);
  problem.shape = {data.dataset.n_genes(), options.hidden, options.dropout, data.types.n_types()};
  return problem;
}

void write_problem(const Problem& problem, const std::filesystem::path& folder) {
  const CsrMatrix& values = problem.features.values;
  write_raw(folder / "values.f32", std::span<const float>(values.values));
  write_raw(folder / "columns.i32", std::span<const GeneIndex>(values.columns));
  write_raw(folder / "row_start.i64", std::span<const RowPointer>(values.row_start));
  write_raw(folder / "shift.f32", std::span<const float>(problem.features.shift));
  write_raw(folder / "labels.i32", std::span<const LabelIndex>(problem.data.labels));
  write_raw(folder / "training.i64", std::span<const CellIndex>(problem.split.training));
  write_lines(folder / "barcodes.txt", problem.data.dataset.obs().index());
  write_lines(folder / "genes.txt", problem.data.dataset.var().index());
}

void write_gradient(const MlpParameters& gradient, const std::filesystem::path& folder) {
  for (std::size_t layer = 0; layer < gradient.weights.size(); ++layer) {
    write_raw(folder / fmt::format("gradient_weight{}.f32", layer),
              std::span<const float>(gradient.weights[layer]));
    write_raw(folder / fmt::format("gradient_bias{}.f32", layer),
              std::span<const float>(gradient.biases[layer]));
  }
}

nlohmann::json train_steps(Mlp& mlp, const Problem& problem, kernels::Loss loss, int n_steps,
                           const Context& context) {
  const TrainerOptions defaults;
  std::vector<double> losses;
  std::vector<double> seconds;
  kernels::AdamStep adam;
  adam.learning_rate = defaults.learning_rate;
  for (int epoch = 0; adam.step <= n_steps; ++epoch) {
    const auto minibatches = Minibatches::shuffled(problem.split.training, defaults.minibatch_size,
                                                   context.seed(), epoch);
    for (std::int64_t i = 0; i < minibatches.n_minibatches() && adam.step <= n_steps; ++i) {
      const auto start = std::chrono::steady_clock::now();
      losses.push_back(mlp.train_step(problem.features.values.view(), problem.data.labels,
                                      minibatches.at(i), minibatches.at(i + 1), loss, adam,
                                      context.seed())
                           .mean_loss);
      seconds.push_back(
          std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
      ++adam.step;
    }
  }
  return {{"losses", losses}, {"step_seconds", seconds}};
}

int run(const std::vector<std::string>& arguments) {
  const std::filesystem::path folder = arguments[2];
  const auto loss = from_text<kernels::Loss>(arguments[3], "loss");
  const std::uint64_t seed = std::stoull(arguments[4]);
  const int n_steps = std::stoi(arguments[5]);
  const Context context(std::stoi(arguments[7]), seed);

  Problem problem = prepare(arguments[0], arguments[1], context);
  if (arguments[6] == "off") problem.shape.dropout.clear();
  write_problem(problem, folder);
  const auto backend = kernels::make_backend(kernels::Device::Cpu, context);
  const auto start = initial_parameters(problem.shape, seed);
  Mlp mlp(problem.shape, start, problem.features.shift, *backend);
  const TrainerOptions defaults;
  const auto first =
      Minibatches::shuffled(problem.split.training, defaults.minibatch_size, seed, 0);
  write_gradient(
      mlp.gradient(problem.features.values.view(), problem.data.labels, first.at(0), loss), folder);
  nlohmann::json result = train_steps(mlp, problem, loss, n_steps, context);
  result["n_cells"] = problem.features.values.n_rows;
  result["n_genes"] = problem.features.values.n_cols;
  result["types"] = problem.data.types.names();
  result["hidden"] = problem.shape.hidden;
  result["minibatch_size"] = defaults.minibatch_size;
  result["learning_rate"] = defaults.learning_rate;
  std::puts(result.dump().c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() != 8) {
    std::fputs(
        "usage: saithe_oracle_driver DATA.h5ad LABEL_KEY OUTPUT_FOLDER LOSS SEED STEPS on|off "
        "THREADS\n",
        stderr);
    return 2;
  }
  try {
    return run(arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
