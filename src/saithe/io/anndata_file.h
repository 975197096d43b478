#pragma once

// What an AnnData file or store has, whatever it lies in: obs, and matrices with the var of each.
// The one place that knows where counts are looked for in it. Private to io/.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "saithe/io/choose_values.h"

namespace saithe::io {

/// The tables of AnnData, and the matrices by their places: "X", "layers/NAME", "raw/X" ("raw.X" of
/// AnnData 0.5 and 0.6). Tables of genes are read when a matrix of theirs is asked for.
class AnnDataFile {
 public:
  virtual ~AnnDataFile() = default;
  AnnDataFile(const AnnDataFile&) = delete;
  AnnDataFile& operator=(const AnnDataFile&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const Table& obs() const { return obs_; }
  [[nodiscard]] virtual std::vector<std::string> layers() const = 0;

  /// A place; nothing where there is no such matrix (AnnData may write a null in its stead).
  [[nodiscard]] std::optional<ValuePlace> layer(const std::string& layer);
  [[nodiscard]] std::optional<ValuePlace> raw();
  [[nodiscard]] std::optional<ValuePlace> x();
  /// A place without values, for those who look at a file that has no matrix.
  [[nodiscard]] ValuePlace nothing();
  /// The places where counts are looked for, in this order.
  [[nodiscard]] std::vector<ValuePlace> places_of_counts();

  /// The tables, to be kept by who reads a matrix.
  [[nodiscard]] Table take_obs() { return std::move(obs_); }
  [[nodiscard]] Table take_var(const ValuePlace& place);

 protected:
  /// `name`: what messages call the file.
  AnnDataFile(std::string name, Table obs, const Context& context)
      : name_(std::move(name)), obs_(std::move(obs)), context_(context) {}
  [[nodiscard]] const Context& context() const { return context_; }

 private:
  [[nodiscard]] virtual bool has_matrix(const std::string& place) const = 0;
  [[nodiscard]] virtual std::unique_ptr<CellMatrix> open_matrix(const std::string& place,
                                                                GeneIndex n_genes) const = 0;
  /// var, or that of raw, as it stands; `where` gets what messages call it.
  [[nodiscard]] virtual Table read_var(bool of_raw, std::string& where) const = 0;
  /// "raw/X" or "raw.X"
  [[nodiscard]] virtual std::string raw_place() const = 0;

  [[nodiscard]] std::optional<ValuePlace> place(const std::string& place, bool of_raw);
  const Table& var(bool of_raw);

  std::string name_;
  Table obs_;
  const Context& context_;
  std::optional<Table> var_;
  std::optional<Table> raw_var_;
};

/// Opens the matrix that the options name, or the one that choose_values() takes. Throws
/// Error(InvalidArgument) and Error(BadFormat).
std::unique_ptr<CellSource> open_cells(AnnDataFile& file, const ReadOptions& options,
                                       const Context& context);

}  // namespace saithe::io
