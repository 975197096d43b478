#pragma once

// Dense values -> sparse rows. Private to io/.

#include <span>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/matrix/csr_matrix.h"

namespace saithe::io {

/// The entries that are not 0 of stretches of dense rows, one stretch after the other.
class SparseStretches {
 public:
  /// `dense`: a row's values from `first_column` on. NaN is an entry, -0 is none.
  void add(std::span<const float> dense, std::int64_t first_column);
  [[nodiscard]] std::size_t n_stretches() const { return ends_.size(); }
  [[nodiscard]] std::span<const GeneIndex> columns(std::size_t stretch) const {
    return std::span(columns_).subspan(begin(stretch), ends_[stretch] - begin(stretch));
  }
  [[nodiscard]] std::span<const float> values(std::size_t stretch) const {
    return std::span(values_).subspan(begin(stretch), ends_[stretch] - begin(stretch));
  }

 private:
  [[nodiscard]] std::size_t begin(std::size_t stretch) const {
    return stretch == 0 ? 0 : ends_[stretch - 1];
  }

  std::vector<GeneIndex> columns_;  // longer than what is in them
  std::vector<float> values_;
  std::vector<std::size_t> ends_;
};

/// Rows of tiles that lie in a grid, `n_across` of them beside one another, row after row of the
/// grid. Tiles of one row of the grid have one number of stretches. On all threads.
CsrMatrix join_tiles(std::span<const SparseStretches> tiles, std::int64_t n_across,
                     std::int64_t n_columns, const Context& context);

}  // namespace saithe::io
