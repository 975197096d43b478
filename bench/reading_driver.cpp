// What compare_reading.py runs: reading alone, predicting from memory alone, and both as one.
//
//   reading_driver decode FILE [THREADS]            every block of cells, nothing done with it
//   reading_driver compute MODEL FILE [THREADS]     all cells read first, then predicted: only that
//   is timed reading_driver predict MODEL FILE [THREADS]     predicted from the file, block by
//   block
//
// Prints {"seconds": ..., "n_cells": ..., "n_stored": ...}.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <string>
#include <vector>

#include "saithe/saithe.h"

namespace {

using saithe::CellIndex;

constexpr CellIndex kBlockCells = 1024;  // as predict() takes on two threads

struct Result {
  double seconds = 0;
  CellIndex n_cells = 0;
  std::int64_t n_stored = 0;
};

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Result decode(const std::string& path, const saithe::Context& context) {
  Result result;
  result.seconds = seconds_of([&] {
    const auto source = saithe::open_source(path, {}, context);
    result.n_cells = source->n_cells();
    for (CellIndex begin = 0; begin < result.n_cells; begin += kBlockCells) {
      const CellIndex end = std::min(begin + kBlockCells, result.n_cells);
      result.n_stored += source->read_cells(begin, end, context).n_stored();
    }
  });
  return result;
}

Result predict(const std::string& model_path, const std::string& path, bool from_memory,
               const saithe::Context& context) {
  const saithe::Model model = saithe::load_model(model_path);
  Result result;
  const auto run = [&](saithe::CellSource& source) {
    result.n_cells = source.n_cells();
    static_cast<void>(saithe::predict(model, source, {}, saithe::kernels::Device::Cpu, context));
  };
  if (!from_memory) {
    result.seconds = seconds_of([&] { run(*saithe::open_source(path, {}, context)); });
    return result;
  }
  saithe::Dataset cells = saithe::read_dataset(path, {}, context);
  result.n_stored = cells.counts.n_stored();
  result.seconds = seconds_of([&] { run(cells); });
  return result;
}

Result run(const std::vector<std::string>& words) {
  const std::size_t n_paths = words[0] == "decode" ? 1 : 2;
  const saithe::Context context(words.size() > n_paths + 1 ? std::stoi(words[n_paths + 1]) : 0);
  if (words[0] == "decode") return decode(words[1], context);
  return predict(words[1], words[2], words[0] == "compute", context);
}

}  // namespace

int main(int argc, char** argv) {
  saithe::keep_freed_memory();  // as the program does
  const std::vector<std::string> words(argv + 1, argv + argc);
  const bool is_known = words.size() >= 2 &&
                        (words[0] == "decode" ||
                         ((words[0] == "compute" || words[0] == "predict") && words.size() >= 3));
  if (!is_known) {
    std::fprintf(stderr,
                 "usage: reading_driver decode FILE [THREADS] | compute|predict MODEL FILE "
                 "[THREADS]\n");
    return 2;
  }
  try {
    const Result result = run(words);
    std::printf("{\"seconds\": %.4f, \"n_cells\": %lld, \"n_stored\": %lld}\n", result.seconds,
                static_cast<long long>(result.n_cells), static_cast<long long>(result.n_stored));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "reading_driver: %s\n", error.what());
    return 1;
  }
}
