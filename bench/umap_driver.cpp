// What umap_compare.py runs: neighbours or UMAP of a raw float32 matrix, timed inside.
//
//   umap_driver umap      POINTS N_POINTS N_DIMS OUT SEED THREADS    OUT: (n, 2) float32
//   umap_driver neighbors POINTS N_POINTS N_DIMS OUT SEED THREADS    OUT: (n, 15) int32
//
// Prints {"seconds": ...}.

#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "saithe/saithe.h"

namespace {

constexpr int kNeighbors = 15;

saithe::DenseMatrix read_points(const std::string& path, std::int64_t n_points,
                                std::int64_t n_dims) {
  saithe::DenseMatrix points(n_points, n_dims);
  const auto n_bytes = static_cast<std::streamsize>(sizeof(float)) * n_points * n_dims;
  std::ifstream file(path, std::ios::binary);
  // The file's bytes are the matrix.
  if (!file.read(reinterpret_cast<char*>(points.data()), n_bytes)) {
    throw std::runtime_error(path + " is shorter than " + std::to_string(n_bytes) + " bytes");
  }
  return points;
}

void write_bytes(const std::string& path, const void* bytes, std::size_t n_bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(n_bytes));
  if (!file.flush()) throw std::runtime_error(path + " cannot be written");
}

void run(const std::vector<std::string>& words) {
  const auto points = read_points(words[1], std::stoll(words[2]), std::stoll(words[3]));
  const saithe::Context context(std::stoi(words[6]), std::stoull(words[5]));
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  double elapsed = 0;
  if (words[0] == "umap") {
    const auto layout = saithe::umap(points.view(), saithe::UmapOptions(), context);
    elapsed = seconds();
    write_bytes(words[4], layout.data(), sizeof(float) * saithe::as_size(2 * layout.n_rows()));
  } else {
    const auto neighbors = saithe::find_neighbors(points.view(), kNeighbors, context);
    elapsed = seconds();
    write_bytes(words[4], neighbors.indices.data(),
                sizeof(std::int32_t) * neighbors.indices.size());
  }
  std::printf("{\"seconds\": %.4f}\n", elapsed);
}

}  // namespace

int main(int n_arguments, char** arguments) {
  const std::vector<std::string> words(arguments + 1, arguments + n_arguments);
  if (words.size() != 7 || (words[0] != "umap" && words[0] != "neighbors")) {
    std::fprintf(stderr,
                 "usage: umap_driver umap|neighbors POINTS N_POINTS N_DIMS OUT SEED "
                 "THREADS\n");
    return 2;
  }
  try {
    run(words);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "umap_driver: %s\n", error.what());
    return 1;
  }
  return 0;
}
