#include "saithe/matrix/csr_matrix.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <tuple>
#include <utility>

#include "saithe/core/parallel.h"

namespace saithe {
namespace {

constexpr std::int64_t kChunkRows = 256;

bool is_ascending(std::span<const GeneIndex> columns) {
  return std::adjacent_find(columns.begin(), columns.end(),
                            [](GeneIndex a, GeneIndex b) { return a >= b; }) == columns.end();
}

void require_good_columns(const CsrView& matrix, CellIndex row, std::string_view where) {
  const auto columns = matrix.row_columns(row);
  for (const GeneIndex column : columns) {
    if (column < 0 || column >= matrix.n_cols) {
      fail(ErrorKind::BadFormat, "{}: cell {} has gene index {}; expected 0 to {}", where, row,
           column, matrix.n_cols - 1);
    }
  }
  if (!is_ascending(columns)) {
    fail(ErrorKind::BadFormat, "{}: the gene indices of cell {} do not ascend", where, row);
  }
}

}  // namespace

void validate(const CsrView& matrix, std::string_view where, const Context& context) {
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
  // A row may be looked at by another thread before the one that its start depends on.
  for (CellIndex r = 0; r < matrix.n_rows; ++r) {
    const RowPointer begin = matrix.row_start[as_size(r)];
    const RowPointer end = matrix.row_start[as_size(r) + 1];
    if (end < begin || end > matrix.row_start.back()) {
      fail(ErrorKind::BadFormat, "{}: row starts go from {} to {} at cell {}, the last one is {}",
           where, begin, end, r, matrix.row_start.back());
    }
  }
  parallel_for(context, matrix.n_rows, kChunkRows, [&](std::int64_t begin, std::int64_t end) {
    for (CellIndex r = begin; r < end; ++r) require_good_columns(matrix, r, where);
  });
}

bool sort_rows(CsrMatrix& matrix, const Context& context) {
  std::atomic<bool> has_repeats = false;
  parallel_for(context, matrix.n_rows, kChunkRows, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::pair<GeneIndex, float>> entries;
    for (CellIndex row = begin; row < end; ++row) {
      const auto first = as_size(matrix.row_start[as_size(row)]);
      const auto n = as_size(matrix.row_start[as_size(row) + 1]) - first;
      const std::span columns(matrix.columns.data() + first, n);
      const std::span values(matrix.values.data() + first, n);
      if (is_ascending(columns)) continue;
      entries.clear();
      for (std::size_t i = 0; i < n; ++i) entries.emplace_back(columns[i], values[i]);
      std::stable_sort(entries.begin(), entries.end(),
                       [](const auto& a, const auto& b) { return a.first < b.first; });
      for (std::size_t i = 0; i < n; ++i) std::tie(columns[i], values[i]) = entries[i];
      if (!is_ascending(columns)) has_repeats = true;
    }
  });
  return has_repeats;
}

RowPointer sort_and_merge(CsrMatrix& matrix, const Context& context) {
  if (!sort_rows(matrix, context)) return 0;
  RowPointer write = 0;
  RowPointer row_begin = matrix.row_start.front();
  for (CellIndex r = 0; r < matrix.n_rows; ++r) {
    const RowPointer row_end = matrix.row_start[as_size(r) + 1];
    const RowPointer new_begin = write;
    for (RowPointer i = row_begin; i < row_end; ++i) {
      const GeneIndex column = matrix.columns[as_size(i)];
      const float value = matrix.values[as_size(i)];
      if (write > new_begin && matrix.columns[as_size(write) - 1] == column) {
        matrix.values[as_size(write) - 1] += value;
      } else {
        matrix.columns[as_size(write)] = column;
        matrix.values[as_size(write)] = value;
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
                      GeneIndex n_new_cols, const Context& context) {
  SAITHE_ASSERT(new_column.size() == as_size(matrix.n_cols));
  CsrMatrix mapped;
  mapped.n_rows = matrix.n_rows;
  mapped.n_cols = n_new_cols;
  mapped.row_start.assign(as_size(matrix.n_rows) + 1, 0);
  parallel_for(context, matrix.n_rows, kChunkRows, [&](std::int64_t begin, std::int64_t end) {
    for (CellIndex r = begin; r < end; ++r) {
      RowPointer n_kept = 0;
      for (const GeneIndex column : matrix.row_columns(r)) {
        n_kept += new_column[as_size(column)] < 0 ? 0 : 1;
      }
      mapped.row_start[as_size(r) + 1] = n_kept;
    }
  });
  std::partial_sum(mapped.row_start.begin(), mapped.row_start.end(), mapped.row_start.begin());
  mapped.columns.resize(as_size(mapped.n_stored()));
  mapped.values.resize(as_size(mapped.n_stored()));
  parallel_for(context, matrix.n_rows, kChunkRows, [&](std::int64_t begin, std::int64_t end) {
    std::vector<GeneIndex> kept_columns;
    std::vector<float> kept_values;
    for (CellIndex r = begin; r < end; ++r) {
      const auto columns = matrix.row_columns(r);
      const auto values = matrix.row_values(r);
      kept_columns.resize(columns.size());
      kept_values.resize(columns.size());
      std::size_t n_kept = 0;
      for (std::size_t i = 0; i < columns.size(); ++i) {
        // Written in any case, kept by the step: a processor cannot foretell which genes are
        // wanted.
        const GeneIndex column = new_column[as_size(columns[i])];
        kept_columns[n_kept] = column;
        kept_values[n_kept] = values[i];
        n_kept += column < 0 ? 0 : 1;
      }
      const RowPointer first = mapped.row_start[as_size(r)];
      std::copy_n(kept_columns.data(), n_kept, mapped.columns.data() + first);
      std::copy_n(kept_values.data(), n_kept, mapped.values.data() + first);
    }
  });
  sort_and_merge(mapped, context);
  return mapped;
}

CsrMatrix map_logarithms(const CsrView& matrix, std::span<const GeneIndex> new_column,
                         GeneIndex n_new_cols, const Context& context) {
  std::vector<int> n_sources(as_size(n_new_cols));
  bool meet_any = false;
  for (const GeneIndex column : new_column) {
    if (column >= 0) meet_any = ++n_sources[as_size(column)] > 1 || meet_any;
  }
  if (!meet_any) return map_columns(matrix, new_column, n_new_cols, context);
  // Only what meets leaves the logarithms, so that every other value keeps its bits.
  std::vector<float> values(matrix.values.begin(), matrix.values.end());
  const auto first = as_size(matrix.row_start.front());
  for (std::size_t i = first; i < first + as_size(matrix.n_stored()); ++i) {
    const GeneIndex column = new_column[as_size(matrix.columns[i])];
    if (column >= 0 && n_sources[as_size(column)] > 1) values[i] = std::expm1(values[i]);
  }
  CsrMatrix mapped =
      map_columns({matrix.n_rows, matrix.n_cols, matrix.row_start, matrix.columns, values},
                  new_column, n_new_cols, context);
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
