#pragma once

// What a file holds as SHA-256, as tests/golden/h5ad/digests.py takes it of what AnnData reads.

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "saithe/core/sha256.h"
#include "saithe/data/cell_source.h"

namespace saithe::testing {

inline std::string sha256_of(const std::string& bytes) {
  Sha256 digest;
  digest.update(bytes.data(), bytes.size());
  return digest.hex_digest();
}

/// Of row starts, columns and values, without zeros.
inline std::string matrix_digest(const CsrMatrix& matrix) {
  CsrMatrix kept{matrix.n_rows, matrix.n_cols, {0}, {}, {}};
  for (CellIndex row = 0; row < matrix.n_rows; ++row) {
    for (auto i = as_size(matrix.row_start[as_size(row)]);
         i < as_size(matrix.row_start[as_size(row) + 1]); ++i) {
      if (matrix.values[i] == 0) continue;
      kept.columns.push_back(matrix.columns[i]);
      kept.values.push_back(matrix.values[i]);
    }
    kept.row_start.push_back(static_cast<RowPointer>(kept.values.size()));
  }
  std::string bytes;
  const auto append = [&](const auto& values) {
    bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values[0]));
  };
  append(kept.row_start);
  append(kept.columns);
  append(kept.values);
  return sha256_of(bytes);
}

/// Of the index and of the columns that are not floating-point numbers.
inline std::string table_digest(const Table& table) {
  std::string text = "\n";
  const auto append = [&](const std::vector<std::string>& entries) {
    for (const std::string& entry : entries) text += entry + "\n";
  };
  append(table.index());
  for (const auto& [name, column] : table.columns()) {
    const auto* number = std::get_if<NumberColumn>(&column);
    if (number != nullptr && number->kind != NumberColumn::Kind::Integer &&
        number->kind != NumberColumn::Kind::Boolean) {
      continue;
    }
    text += name + "\n";
    append(table.as_text(name));
  }
  return sha256_of(text);
}

/// A line of digests.py.
struct ExpectedMatrix {
  std::string file;
  std::string place;  ///< "X", "raw", or a layer
  CellIndex n_cells = 0;
  GeneIndex n_genes = 0;
  std::string matrix;
  std::string table;
};

inline std::vector<ExpectedMatrix> read_expected(const std::string& path) {
  std::vector<ExpectedMatrix> all;
  std::ifstream lines(path);
  for (std::string line; std::getline(lines, line);) {
    ExpectedMatrix expected;
    std::istringstream fields(line);
    std::getline(fields, expected.file, '\t');
    std::getline(fields, expected.place, '\t');
    fields >> expected.n_cells >> expected.n_genes >> expected.matrix >> expected.table;
    all.push_back(expected);
  }
  return all;
}

}  // namespace saithe::testing
