#pragma once

// Cells that a reference holds twice. A model that is judged on a cell whose twin it was trained on
// looks better than it is. Private to classify/.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/matrix/csr_matrix.h"

namespace saithe {

class RepeatedCells {
 public:
  /// The rows `rows` of a block that begins with the cell `first_cell`. Of values rather than
  /// names: the same cells may come under other names. Cells with few genes, which may be alike by
  /// chance, are passed over.
  void add(const CsrView& block, std::span<const CellIndex> rows, CellIndex first_cell,
           const Context& context);

  struct Found {
    std::int64_t n_cells = 0;  ///< that are like an earlier one
    CellIndex cell = -1;       ///< the first of them
    CellIndex earlier = -1;
  };
  /// Of all that were added. By a hash of 64 bits: of a million cells two differ and are taken for
  /// one once in forty million times.
  /// Once: what was added is sorted where it lies.
  [[nodiscard]] Found find();

 private:
  struct Seen {
    std::uint64_t hash = 0;
    CellIndex cell = -1;
  };
  std::vector<Seen> seen_;
};

}  // namespace saithe
