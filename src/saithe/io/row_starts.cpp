#include "saithe/io/row_starts.h"

#include "saithe/core/error.h"

namespace saithe::io {

void RowStarts::append(std::span<const RowPointer> positions) {
  std::int64_t row = positions_.n_rows();
  for (const RowPointer position : positions) {
    if (row == 0 && position != 0) {
      fail(ErrorKind::BadFormat, "{}/indptr: begins with {}; expected 0", where_, position);
    }
    if (position < last_) {
      fail(ErrorKind::BadFormat, "{}/indptr: falls from {} to {} at entry {}; the file is damaged",
           where_, last_, position, row);
    }
    most_of_a_row_ = std::max(most_of_a_row_, position - last_);
    last_ = position;
    ++row;
  }
  positions_.append(positions);
}

}  // namespace saithe::io
