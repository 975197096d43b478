// Another program's use of the library: cells are drawn, a model is trained, they are labelled.

#include <saithe/saithe.h>

#include <cstdio>

int main() {
  const saithe::Context context(2, 1);
  saithe::SimulateOptions simulate;
  simulate.n_cells = 300;
  simulate.n_genes = 1000;
  simulate.stored_per_cell = 200;
  saithe::Dataset cells = saithe::SimulatedCells(simulate, context).draw(0, 300, context);

  saithe::TrainOptions options;
  options.hidden = {32};
  options.dropout = {};
  options.trainer.epochs = 20;
  options.trainer.learning_rate = 1e-3;
  saithe::TrainingData data =
      saithe::prepare_training_data(cells, cells.obs().as_text("cell_type"), options, context);
  const saithe::TrainResult result =
      saithe::train(std::move(data), options, saithe::kernels::Device::Cpu, context);
  const saithe::Predictions predictions =
      saithe::predict(result.model, cells, {}, saithe::kernels::Device::Cpu, context);

  std::printf("%zu cells labelled, validation accuracy %.3f\n", predictions.labels.size(),
              result.validation.accuracy);
  return predictions.labels.size() == 300 && result.validation.accuracy > 0.7 ? 0 : 1;
}
