#pragma once

// Which of a file's matrices is used: the first that holds counts, else the first that holds
// log1p(CP10k). Private to io/.

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "saithe/io/open.h"

namespace saithe::io {

/// A matrix of cells x genes in a file, read by blocks of cells.
class CellMatrix {
 public:
  virtual ~CellMatrix() = default;
  virtual CsrMatrix read(CellIndex begin, CellIndex end, const Context& context) = 0;
  /// CellSource::most_stored().
  [[nodiscard]] virtual std::int64_t most_stored(CellIndex begin, CellIndex end) const = 0;
  /// Whether it is stored as booleans, which are read as 0 and 1.
  [[nodiscard]] virtual bool is_boolean() const { return false; }
  /// Gives back memory that is kept for the blocks that follow.
  virtual void let_go() {}
};

/// The cells of a file, from the matrix that is used; `are_values_chosen`:
/// CellSource::are_values_chosen().
std::unique_ptr<CellSource> source_of_matrix(std::string name, Table obs, Table var,
                                             std::unique_ptr<CellMatrix> matrix,
                                             bool are_values_chosen);

/// Layers in which counts are looked for before the main matrix, in this order.
inline constexpr const char* kLayersOfCounts[] = {"counts", "raw_counts", "raw"};

/// "a, b": the others of a file's layers.
std::string layers_not_looked_at(std::vector<std::string> layers);

/// Throws the Error(BadFormat) of a matrix that is not as long and wide as obs and var; `found` is
/// empty where it has no shape.
[[noreturn]] void fail_shape(const std::string& where, std::span<const std::int64_t> found,
                             std::span<const std::int64_t> expected);

/// A matrix that may be used.
struct ValuePlace {
  std::string name;  ///< "layers/counts"
  const Table* var;  ///< its genes
  std::function<std::unique_ptr<CellMatrix>()> open;
};

/// The matrix that is used, and the index of its place.
struct ChosenValues {
  std::size_t place = 0;
  std::unique_ptr<CellMatrix> matrix;
};

/// Opens the first of `places`, in their order, that holds counts; else the first that holds
/// log1p(CP10k); else, with accept_any, the last. Says in a warning what was chosen, and what the
/// places before it hold, unless the last place of all holds counts and is used.
///
/// What a place holds is told from a sample: 8 blocks of 32 cells, spread over the file. Throws
/// Error(BadFormat) where no place is usable; it names what each holds. `other_layers`: "a, b", of
/// which nothing is known.
ChosenValues choose_values(const std::string& file, const Table& obs,
                           std::span<const ValuePlace> places, bool accept_any,
                           const std::string& other_layers, const Context& context);

/// What to do about a file without counts.
std::string advice_without_counts(const std::string& other_layers);

/// Warns where the matrix that is used holds booleans.
void warn_of_booleans(const std::string& file, const std::string& place, const CellMatrix& matrix,
                      const Context& context);

/// What each place holds, of the same sample, or why it cannot be read.
std::vector<PlaceSummary> survey_values(const Table& obs, std::span<const ValuePlace> places,
                                        const Context& context);

}  // namespace saithe::io
