#pragma once

// The order in which an epoch visits the training cells.

#include <cstdint>
#include <span>
#include <vector>

#include "saithe/core/types.h"

namespace saithe {

/// Cells cut into minibatches; the last may be short.
class Minibatches {
 public:
  /// Shuffles `cells` for an epoch by Random(seed, kMinibatchOrder + epoch).
  static Minibatches shuffled(std::span<const CellIndex> cells, int size, std::uint64_t seed,
                              int epoch);
  /// Keeps the order.
  static Minibatches in_order(std::span<const CellIndex> cells, int size);

  [[nodiscard]] std::int64_t n_minibatches() const;
  /// The cells of minibatch i; empty for i == n_minibatches().
  [[nodiscard]] std::span<const CellIndex> at(std::int64_t i) const { return between(i, i + 1); }
  /// The cells of the minibatches [begin, end).
  [[nodiscard]] std::span<const CellIndex> between(std::int64_t begin, std::int64_t end) const;

 private:
  std::vector<CellIndex> cells_;
  int size_ = 1;
};

}  // namespace saithe
