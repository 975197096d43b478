#include "saithe/nn/minibatches.h"

#include <algorithm>

#include "saithe/core/random.h"

namespace saithe {

Minibatches Minibatches::shuffled(std::span<const CellIndex> cells, int size, std::uint64_t seed,
                                  int epoch) {
  Minibatches minibatches = in_order(cells, size);
  Random(seed, stream::kMinibatchOrder + static_cast<std::uint64_t>(epoch))
      .shuffle(std::span<CellIndex>(minibatches.cells_));
  return minibatches;
}

Minibatches Minibatches::in_order(std::span<const CellIndex> cells, int size) {
  if (size < 1) {
    fail(ErrorKind::InvalidArgument, "minibatch-size: {} is not 1 or more", size);
  }
  Minibatches minibatches;
  minibatches.cells_.assign(cells.begin(), cells.end());
  minibatches.size_ = size;
  return minibatches;
}

std::int64_t Minibatches::n_minibatches() const {
  const auto n = static_cast<std::int64_t>(cells_.size());
  return (n + size_ - 1) / size_;
}

std::span<const CellIndex> Minibatches::between(std::int64_t begin, std::int64_t end) const {
  const std::span<const CellIndex> all(cells_);
  const std::size_t first = std::min(as_size(begin * size_), all.size());
  return all.subspan(first, std::min(as_size((end - begin) * size_), all.size() - first));
}

}  // namespace saithe
