#pragma once

// Entries of a matrix by genes, dealt to parts of the cells. Private to io/.

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "saithe/core/temporary_file.h"
#include "saithe/core/types.h"

namespace saithe::io {

/// What parts of few cells each have of the genes, in the order in which it came.
///
/// Beside 8 bytes for a gene of a part, an entry takes 2 bytes where the gene's values in the part
/// are whole numbers up to 255 (most counts are), otherwise 5. All lie in memory until they pass
/// what is given, then all in a temporary file.
class DealtEntries {
 public:
  /// Cells of a part at most: numbered in 8 bits, and while a part's entries become rows the ends
  /// of so many stay in a thread's nearest cache.
  static constexpr std::int64_t kMostCells = 256;

  /// `n_entries` will come. Throws Error(Output) if more than `bytes` is needed for them, and no
  /// temporary file can be made.
  DealtEntries(std::int64_t n_parts, std::int64_t n_entries, std::int64_t bytes);
  /// Adds a gene's entries in a part: `cells` never fall from `first_cell` on, the part's first.
  /// Several threads may add to a part each.
  void add(std::int64_t part, GeneIndex gene, GeneIndex first_cell,
           std::span<const GeneIndex> cells, std::span<const float> values);
  /// Moves to the temporary file what passes the memory; to be called after about a million
  /// entries. Throws Error(Output), as on a full disk.
  void make_room();
  /// All have come. Throws as make_room().
  void finish();
  [[nodiscard]] bool are_in_memory() const { return file_ == nullptr; }
  /// Calls visit(gene, cells, values) for each gene of a part, or for some of its cells and then
  /// for those that follow; cells counted from the part's first on. Throws Error(Output) where the
  /// temporary file cannot be read.
  template <typename Visit>
  void visit(std::int64_t part, const Visit& visit) const;

 private:
  using Bytes = std::span<const unsigned char>;
  /// Before the cells of each, and their values.
  struct Run {
    GeneIndex gene = 0;
    std::uint16_t n_entries = 0;
    std::uint16_t are_small = 0;  // whether values have a byte each
  };
  struct Block {
    unsigned char* begin = nullptr;
    std::size_t n_used = 0;
  };
  /// Runs of a part in the temporary file. Before them stands the stretch that came before, so
  /// that memory holds the last one only, however many there are.
  struct Stretch {
    std::int64_t position = -1;  // none
    std::int64_t n_bytes = 0;
  };
  struct Part {
    std::vector<Block> blocks;  // runs do not pass from one to the next
    Stretch last;
  };

  void add_run(Part& part, GeneIndex gene, GeneIndex first_cell, std::span<const GeneIndex> cells,
               std::span<const float> values);
  [[nodiscard]] std::size_t room_of(const Part& part) const {
    return part.blocks.empty() ? 0 : block_bytes_ - part.blocks.back().n_used;
  }
  unsigned char* take_block();
  void move_to_file();
  [[nodiscard]] std::vector<Stretch> stretches_of(const Part& part) const;
  template <typename Visit>
  static void visit_runs(Bytes runs, const Visit& visit);

  std::vector<Part> parts_;
  std::int64_t bytes_;
  std::size_t block_bytes_;
  std::mutex pool_;
  std::vector<std::unique_ptr<unsigned char[]>> slabs_;
  std::vector<unsigned char*> free_blocks_;
  std::int64_t n_taken_ = 0;             // blocks
  std::unique_ptr<TemporaryFile> file_;  // none while all lie in memory
};

template <typename Visit>
void DealtEntries::visit(std::int64_t part, const Visit& visit) const {
  const Part& wanted = parts_[as_size(part)];
  std::vector<unsigned char> runs;
  for (const Stretch& stretch : stretches_of(wanted)) {
    runs.resize(as_size(stretch.n_bytes));
    file_->read(stretch.position + static_cast<std::int64_t>(sizeof(Stretch)), runs);
    visit_runs(runs, visit);
  }
  for (const Block& block : wanted.blocks) visit_runs({block.begin, block.n_used}, visit);
}

template <typename Visit>
void DealtEntries::visit_runs(Bytes runs, const Visit& visit) {
  std::array<float, kMostCells> values;
  while (!runs.empty()) {
    Run run;
    std::memcpy(&run, runs.data(), sizeof(run));
    const std::size_t n = run.n_entries;
    const Bytes cells = runs.subspan(sizeof(run), n);
    const Bytes packed = runs.subspan(sizeof(run) + n, run.are_small != 0 ? n : n * sizeof(float));
    if (run.are_small != 0) {
      for (std::size_t i = 0; i < n; ++i) values[i] = packed[i];
    } else {
      std::memcpy(values.data(), packed.data(), packed.size());
    }
    visit(run.gene, cells, std::span<const float>(values.data(), n));
    runs = runs.subspan(sizeof(run) + cells.size() + packed.size());
  }
}

}  // namespace saithe::io
