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
  /// the place of each link's other direction among the links
  const std::int64_t* back = nullptr;
  /// (n_links, 2): the moves of points by links that acted from the other end, not yet taken
  float* reactions = nullptr;
  const float* positions = nullptr;  ///< (n_points, 2)
  float* moved = nullptr;            ///< (n_points, 2): the new positions
  float a = 1;
  float b = 1;
  int n_samples = 5;  ///< points that push, per act of a link
  int epoch = 0;
  float rate = 1;
  std::uint64_t seed = 0;
};

/// Moves the points [begin, end) by their links that are due and by the
/// points at random that push them; leaves the other end of each link its reaction.
void move_points(const LayoutMoves& moves, std::int64_t begin, std::int64_t end);

/// Moves the same points by the reactions that wait for them. Not at the same time as
/// move_points().
void take_reactions(const LayoutMoves& moves, float* positions, std::int64_t begin,
                    std::int64_t end);

}  // namespace saithe::embed
