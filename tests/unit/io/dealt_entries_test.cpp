#include "saithe/io/dealt_entries.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>

#include "saithe/core/random.h"

namespace saithe {
namespace {

using io::DealtEntries;

constexpr std::int64_t kPlenty = std::int64_t{1} << 30;

struct Run {
  GeneIndex gene = 0;
  std::vector<GeneIndex> cells;
  std::vector<float> values;
  bool operator==(const Run&) const = default;
};

std::vector<Run> runs_of(const DealtEntries& entries, std::int64_t part, GeneIndex first_cell) {
  std::vector<Run> runs;
  entries.visit(part, [&](GeneIndex gene, std::span<const std::uint8_t> cells,
                          std::span<const float> values) {
    if (runs.empty() || runs.back().gene != gene) runs.emplace_back().gene = gene;
    Run& run = runs.back();
    for (const std::uint8_t cell : cells) run.cells.push_back(first_cell + cell);
    run.values.insert(run.values.end(), values.begin(), values.end());
  });
  return runs;
}

/// A gene's values in each of the 256 cells of the only part, and what comes back.
std::vector<float> there_and_back(const std::vector<float>& values) {
  std::vector<GeneIndex> cells(values.size());
  for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = static_cast<GeneIndex>(i);
  DealtEntries entries(1, std::ssize(values), kPlenty);
  entries.add(0, 7, 0, cells, values);
  entries.finish();
  const auto runs = runs_of(entries, 0, 0);
  EXPECT_EQ(runs.size(), 1);
  EXPECT_EQ(runs[0].cells, cells);
  return runs[0].values;
}

TEST(DealtEntries, ValuesOfAnyKindComeBackBitByBit) {
  std::vector<float> bytes(256);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<float>(i);
  EXPECT_EQ(there_and_back(bytes), bytes);
  using Limits = std::numeric_limits<float>;
  // Each alone makes the others be kept as they are, too.
  for (const float odd :
       {256.0F, -1.0F, 0.5F, 254.99998F, 1e-45F, 1e30F, -1e30F, 8388608.0F, 16777216.0F,
        -8388608.0F, -0.0F, Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN()}) {
    std::vector<float> values = {1, 2, odd, 255};
    const std::vector<float> back = there_and_back(values);
    ASSERT_EQ(back.size(), values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(std::bit_cast<std::uint32_t>(back[i]), std::bit_cast<std::uint32_t>(values[i]))
          << odd;
    }
  }
}

/// Entries of genes that come one after the other, in parts of 256 cells; a gene's values are small
/// or not.
struct Dealt {
  std::vector<std::vector<Run>> parts;
  std::int64_t n_entries = 0;
};

Dealt random_entries(std::int64_t n_parts, GeneIndex n_genes) {
  const Random stream(4, 0);
  std::uint64_t n_drawn = 0;
  const auto below = [&](std::uint64_t n) { return stream.below(n_drawn++, n); };
  Dealt dealt;
  dealt.parts.resize(as_size(n_parts));
  for (GeneIndex gene = 0; gene < n_genes; ++gene) {
    for (std::int64_t part = 0; part < n_parts; ++part) {
      Run run;
      run.gene = gene;
      const auto one_of = 1 + below(40);
      for (GeneIndex cell = 0; cell < 256; ++cell) {
        if (below(one_of) != 0) continue;
        run.cells.push_back(static_cast<GeneIndex>(part * 256) + cell);
        run.values.push_back(static_cast<float>(below(gene % 3 == 0 ? 1000 : 200)));
      }
      if (run.cells.empty()) continue;
      dealt.n_entries += std::ssize(run.cells);
      dealt.parts[as_size(part)].push_back(std::move(run));
    }
  }
  return dealt;
}

TEST(DealtEntries, InMemoryInTheFileOrMovedThereHalfWayTheyAreTheSame) {
  constexpr std::int64_t kParts = 9;
  constexpr GeneIndex kGenes = 300;
  const Dealt expected = random_entries(kParts, kGenes);
  // All fit; the first of them do; it is known that they do not.
  const std::int64_t least = expected.n_entries * 2;
  int n_in_memory = 0;
  for (const std::int64_t bytes : {kPlenty, least, least / 4, std::int64_t{1}}) {
    DealtEntries entries(kParts, expected.n_entries, bytes);
    EXPECT_EQ(entries.are_in_memory(), bytes >= least);
    std::vector<std::size_t> next(kParts);
    for (GeneIndex gene = 0; gene < kGenes; ++gene) {
      for (std::int64_t part = 0; part < kParts; ++part) {
        const auto& runs = expected.parts[as_size(part)];
        std::size_t& at = next[as_size(part)];
        if (at == runs.size() || runs[at].gene != gene) continue;
        entries.add(part, gene, static_cast<GeneIndex>(part * 256), runs[at].cells,
                    runs[at].values);
        ++at;
      }
      entries.make_room();
    }
    entries.finish();
    n_in_memory += entries.are_in_memory() ? 1 : 0;
    for (std::int64_t part = 0; part < kParts; ++part) {
      for (int pass = 0; pass < 2; ++pass) {
        EXPECT_EQ(runs_of(entries, part, static_cast<GeneIndex>(part * 256)),
                  expected.parts[as_size(part)]);
      }
    }
  }
  EXPECT_EQ(n_in_memory, 1);
}

TEST(DealtEntries, ThereMayBeNone) {
  DealtEntries none(0, 0, 1000);
  none.make_room();
  none.finish();
  DealtEntries empty(2, 0, 1000);
  empty.finish();
  EXPECT_TRUE(runs_of(empty, 1, 256).empty());
}

}  // namespace
}  // namespace saithe
