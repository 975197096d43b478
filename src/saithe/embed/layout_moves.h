#pragma once

// The inner loop of the layout: the moves of single points, in vectors of eight forces. Private to
// embed/; dispatched to the processor as the kernels are.

#include <cstdint>

namespace saithe::embed {

/// A layout (n_points, 2), its links and what moves it in one epoch.
struct LayoutMoves {
  std::int64_t n_points = 0;
  const std::int64_t* first_link =
      nullptr;                          ///< links of point p: [first_link[p], first_link[p + 1])
  const std::int32_t* other = nullptr;  ///< the other end of each link
  const float* period = nullptr;        ///< epochs between two acts of a link
  float* next_epoch = nullptr;          ///< when it acts next
  /// of each point, from first_link[p]: the links that act in this epoch, counted from its first
  std::int32_t* acting = nullptr;
  std::int32_t* n_acting = nullptr;  ///< of each point: how many
  const float* positions = nullptr;  ///< (n_points, 2)
  float* moved = nullptr;            ///< (n_points, 2): the new positions
  float a = 1;
  float b = 1;
  int n_samples = 5;  ///< points that push, per act of a link
  int epoch = 0;
  float rate = 1;
  std::uint64_t seed = 0;
};

/// The first half of an epoch: each link that is due pulls its point once, and points at random
/// push it. Moves the points begin, begin + stride, ... below end.
void move_points(const LayoutMoves& moves, std::int64_t begin, std::int64_t end,
                 std::int64_t stride);

/// The second half: the same links pull once more, in the opposite order. Call it for the groups of
/// points in the opposite order, too.
void pull_back(const LayoutMoves& moves, std::int64_t begin, std::int64_t end, std::int64_t stride);

}  // namespace saithe::embed
