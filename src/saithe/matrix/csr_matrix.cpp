#include "saithe/matrix/csr_matrix.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace saithe {
namespace {

bool is_ascending(std::span<const GeneIndex> columns) {
  return std::adjacent_find(columns.begin(), columns.end(),
                            [](GeneIndex a, GeneIndex b) { return a >= b; }) == columns.end();
}

}  // namespace

void validate(const CsrView& matrix, std::string_view where) {
  if (matrix.n_rows < 0 || matrix.n_cols < 0 ||
      matrix.row_start.size() != as_size(matrix.n_rows) + 1) {
    fail(ErrorKind::BadFormat, "{}: {} row starts for {} cells; expected {}", where,
         matrix.row_start.size(), matrix.n_rows, matrix.n_rows + 1);
  }
  if (matrix.columns.size() != matrix.values.size()) {
    fail(ErrorKind::BadFormat, "{}: {} column indices for {} values", where, matrix.columns.size(),
         matrix.values.size());
  }
  if (matrix.row_start.front() < 0 ||
      matrix.row_start.back() > static_cast<RowPointer>(matrix.columns.size())) {
    fail(ErrorKind::BadFormat, "{}: row starts run from {} to {}, but {} values are stored", where,
         matrix.row_start.front(), matrix.row_start.back(), matrix.columns.size());
  }
  for (CellIndex r = 0; r < matrix.n_rows; ++r) {
    const RowPointer begin = matrix.row_start[as_size(r)];
    const RowPointer end = matrix.row_start[as_size(r) + 1];
    if (end < begin || end > matrix.row_start.back()) {
      fail(ErrorKind::BadFormat, "{}: row starts go from {} to {} at cell {}, the last one is {}",
           where, begin, end, r, matrix.row_start.back());
    }
    const auto columns = matrix.row_columns(r);
    for (const GeneIndex column : columns) {
      if (column < 0 || column >= matrix.n_cols) {
        fail(ErrorKind::BadFormat, "{}: cell {} has gene index {}; expected 0 to {}", where, r,
             column, matrix.n_cols - 1);
      }
    }
    if (!is_ascending(columns)) {
      fail(ErrorKind::BadFormat, "{}: the gene indices of cell {} do not ascend", where, r);
    }
  }
}

RowPointer sort_and_merge(CsrMatrix& matrix) {
  std::vector<std::size_t> order;
  std::vector<GeneIndex> sorted_columns;
  std::vector<float> sorted_values;
  RowPointer write = 0;
  RowPointer row_begin = matrix.row_start.front();
  for (CellIndex r = 0; r < matrix.n_rows; ++r) {
    const RowPointer row_end = matrix.row_start[as_size(r) + 1];
    const std::size_t n = as_size(row_end - row_begin);
    const std::span<GeneIndex> columns(matrix.columns.data() + row_begin, n);
    const std::span<float> values(matrix.values.data() + row_begin, n);
    const bool is_sorted = is_ascending(columns);
    if (!is_sorted) {
      order.resize(n);
      std::iota(order.begin(), order.end(), std::size_t{0});
      std::stable_sort(order.begin(), order.end(),
                       [&](std::size_t a, std::size_t b) { return columns[a] < columns[b]; });
      sorted_columns.resize(n);
      sorted_values.resize(n);
      for (std::size_t i = 0; i < n; ++i) {
        sorted_columns[i] = columns[order[i]];
        sorted_values[i] = values[order[i]];
      }
      std::copy(sorted_columns.begin(), sorted_columns.end(), columns.begin());
      std::copy(sorted_values.begin(), sorted_values.end(), values.begin());
    }
    const RowPointer new_begin = write;
    if (is_sorted && write == row_begin) {  // nothing to merge, nothing to move
      write = row_end;
      row_begin = row_end;
      continue;
    }
    for (std::size_t i = 0; i < n; ++i) {
      if (write > new_begin && matrix.columns[as_size(write) - 1] == columns[i]) {
        matrix.values[as_size(write) - 1] += values[i];
      } else {
        matrix.columns[as_size(write)] = columns[i];
        matrix.values[as_size(write)] = values[i];
        ++write;
      }
    }
    row_begin = row_end;
    matrix.row_start[as_size(r)] = new_begin;
  }
  const RowPointer n_merged = row_begin - write;
  matrix.row_start[as_size(matrix.n_rows)] = write;
  matrix.columns.resize(as_size(write));
  matrix.values.resize(as_size(write));
  return n_merged;
}

CsrMatrix select_rows(const CsrView& matrix, std::span<const CellIndex> rows) {
  CsrMatrix selected;
  selected.n_rows = static_cast<CellIndex>(rows.size());
  selected.n_cols = matrix.n_cols;
  selected.row_start.reserve(rows.size() + 1);
  std::size_t n_stored = 0;
  for (const CellIndex r : rows) n_stored += matrix.row_size(r);
  selected.columns.reserve(n_stored);
  selected.values.reserve(n_stored);
  for (const CellIndex r : rows) {
    const auto columns = matrix.row_columns(r);
    const auto values = matrix.row_values(r);
    selected.columns.insert(selected.columns.end(), columns.begin(), columns.end());
    selected.values.insert(selected.values.end(), values.begin(), values.end());
    selected.row_start.push_back(static_cast<RowPointer>(selected.columns.size()));
  }
  return selected;
}

CsrMatrix map_columns(const CsrView& matrix, std::span<const GeneIndex> new_column,
                      GeneIndex n_new_cols) {
  SAITHE_ASSERT(new_column.size() == as_size(matrix.n_cols));
  CsrMatrix mapped;
  mapped.n_rows = matrix.n_rows;
  mapped.n_cols = n_new_cols;
  mapped.row_start.reserve(as_size(matrix.n_rows) + 1);
  mapped.columns.reserve(as_size(matrix.n_stored()));
  mapped.values.reserve(as_size(matrix.n_stored()));
  std::vector<GeneIndex> kept_columns;
  std::vector<float> kept_values;
  for (CellIndex r = 0; r < matrix.n_rows; ++r) {
    const auto columns = matrix.row_columns(r);
    const auto values = matrix.row_values(r);
    kept_columns.resize(columns.size());
    kept_values.resize(columns.size());
    std::size_t n_kept = 0;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      // Written in any case, kept by the step: a processor cannot foretell which genes are wanted.
      const GeneIndex column = new_column[as_size(columns[i])];
      kept_columns[n_kept] = column;
      kept_values[n_kept] = values[i];
      n_kept += column < 0 ? 0 : 1;
    }
    mapped.columns.insert(mapped.columns.end(), kept_columns.data(), kept_columns.data() + n_kept);
    mapped.values.insert(mapped.values.end(), kept_values.data(), kept_values.data() + n_kept);
    mapped.row_start.push_back(static_cast<RowPointer>(mapped.columns.size()));
  }
  sort_and_merge(mapped);
  return mapped;
}

CsrMatrix map_logarithms(const CsrView& matrix, std::span<const GeneIndex> new_column,
                         GeneIndex n_new_cols) {
  std::vector<int> n_sources(as_size(n_new_cols));
  bool meet_any = false;
  for (const GeneIndex column : new_column) {
    if (column >= 0) meet_any = ++n_sources[as_size(column)] > 1 || meet_any;
  }
  if (!meet_any) return map_columns(matrix, new_column, n_new_cols);
  // Only what meets leaves the logarithms, so that every other value keeps its bits.
  std::vector<float> values(matrix.values.begin(), matrix.values.end());
  const auto first = as_size(matrix.row_start.front());
  for (std::size_t i = first; i < first + as_size(matrix.n_stored()); ++i) {
    const GeneIndex column = new_column[as_size(matrix.columns[i])];
    if (column >= 0 && n_sources[as_size(column)] > 1) values[i] = std::expm1(values[i]);
  }
  CsrMatrix mapped =
      map_columns({matrix.n_rows, matrix.n_cols, matrix.row_start, matrix.columns, values},
                  new_column, n_new_cols);
  for (std::size_t i = 0; i < mapped.values.size(); ++i) {
    if (n_sources[as_size(mapped.columns[i])] > 1) mapped.values[i] = std::log1p(mapped.values[i]);
  }
  return mapped;
}

CsrMatrix transpose(const CsrView& matrix) {
  CsrMatrix turned;
  turned.n_rows = matrix.n_cols;
  turned.n_cols = checked_cast<GeneIndex>(matrix.n_rows, "transposed matrix");
  turned.row_start.assign(as_size(matrix.n_cols) + 1, 0);
  const RowPointer first = matrix.row_start.front();
  const auto columns = matrix.columns.subspan(as_size(first), as_size(matrix.n_stored()));
  for (const GeneIndex c : columns) ++turned.row_start[as_size(c) + 1];
  std::partial_sum(turned.row_start.begin(), turned.row_start.end(), turned.row_start.begin());
  turned.columns.resize(columns.size());
  turned.values.resize(columns.size());
  std::vector<RowPointer> write(turned.row_start.begin(), turned.row_start.end() - 1);
  for (CellIndex r = 0; r < matrix.n_rows; ++r) {
    const auto row_columns = matrix.row_columns(r);
    const auto row_values = matrix.row_values(r);
    for (std::size_t i = 0; i < row_columns.size(); ++i) {
      const auto position = as_size(write[as_size(row_columns[i])]++);
      turned.columns[position] = static_cast<GeneIndex>(r);
      turned.values[position] = row_values[i];
    }
  }
  return turned;
}

void append_rows(CsrMatrix& matrix, const CsrView& more) {
  SAITHE_ASSERT(matrix.n_cols == more.n_cols);
  const RowPointer offset = matrix.n_stored() - more.row_start.front();
  const auto begin = as_size(more.row_start.front());
  const auto n = as_size(more.n_stored());
  const auto columns = more.columns.subspan(begin, n);
  const auto values = more.values.subspan(begin, n);
  matrix.columns.insert(matrix.columns.end(), columns.begin(), columns.end());
  matrix.values.insert(matrix.values.end(), values.begin(), values.end());
  for (CellIndex r = 0; r < more.n_rows; ++r) {
    matrix.row_start.push_back(more.row_start[as_size(r) + 1] + offset);
  }
  matrix.n_rows += more.n_rows;
}

}  // namespace saithe
