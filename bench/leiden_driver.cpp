// What leiden_compare.py runs: Leiden on a raw list of links, processor time taken inside.
//
//   leiden_driver EDGES N_NODES RESOLUTION SEED [OUT]    EDGES: (n, 3) int32, int32, float32
//
// Prints {"seconds": ..., "modularity": ..., "clusters": ...}; OUT: (n_nodes) int32.

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "saithe/embed/leiden.h"

namespace {

std::vector<saithe::WeightedEdge> read_edges(const std::string& path) {
  static_assert(sizeof(saithe::WeightedEdge) == 12);
  const auto n_bytes = std::filesystem::file_size(path);
  std::vector<saithe::WeightedEdge> edges(n_bytes / sizeof(saithe::WeightedEdge));
  std::ifstream file(path, std::ios::binary);
  // The file's bytes are the list.
  if (!file.read(reinterpret_cast<char*>(edges.data()), static_cast<std::streamsize>(n_bytes))) {
    throw std::runtime_error(path + " cannot be read");
  }
  return edges;
}

void run(const std::vector<std::string>& words) {
  const auto edges = read_edges(words[0]);
  const auto graph = saithe::graph_from_edges(std::stoi(words[1]), edges);
  const double resolution = std::stod(words[2]);
  const saithe::Context context(1, std::stoull(words[3]));
  const std::clock_t start = std::clock();  // one thread, and the machine may be shared
  const auto clusters = saithe::leiden(graph.view(), resolution, context);
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  if (words.size() > 4) {
    std::ofstream file(words[4], std::ios::binary);
    file.write(reinterpret_cast<const char*>(clusters.data()),
               static_cast<std::streamsize>(sizeof(std::int32_t) * clusters.size()));
    if (!file.flush()) throw std::runtime_error(words[4] + " cannot be written");
  }
  std::printf("{\"seconds\": %.4f, \"modularity\": %.6f, \"clusters\": %d}\n", seconds,
              saithe::modularity(graph.view(), clusters, resolution),
              1 + *std::max_element(clusters.begin(), clusters.end()));
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 4) {
    std::fprintf(stderr, "usage: leiden_driver EDGES N_NODES RESOLUTION SEED [OUT]\n");
    return 2;
  }
  try {
    run(words);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "leiden_driver: %s\n", error.what());
    return 1;
  }
  return 0;
}
