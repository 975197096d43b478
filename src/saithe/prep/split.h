#pragma once

// Which cells train and which judge.

#include <span>
#include <string>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/core/options.h"
#include "saithe/core/types.h"

namespace saithe {

enum class SplitKind {
  Random,      ///< any cells, as the article
  Stratified,  ///< the same share of every type
  ByDonor      ///< whole donors
};
template <>
struct EnumNames<SplitKind> {
  static constexpr std::pair<SplitKind, const char*> values[] = {
      {SplitKind::Random, "random"},
      {SplitKind::Stratified, "stratified"},
      {SplitKind::ByDonor, "donor"}};
};

/// Cell indices of both sets. Training cells come in the order drawn, validation cells ascending,
/// as in the article.
struct Split {
  std::vector<CellIndex> training;
  std::vector<CellIndex> validation;
};

/// int((1 - validation_fraction) * n) cells drawn without replacement train. Seeded by the context.
/// Throws Error(InvalidArgument) unless 0 < validation_fraction < 1, Error(BadFormat) unless both
/// sets get a cell.
/// Warns of a type that has no training cell.
Split split_random(std::span<const LabelIndex> labels, const std::vector<std::string>& type_names,
                   double validation_fraction, const Context& context);

/// The share of every type; a type with a single cell keeps it in training, with a warning.
Split split_stratified(std::span<const LabelIndex> labels,
                       const std::vector<std::string>& type_names, double validation_fraction,
                       const Context& context);

/// Throws Error(BadFormat) if a cell has none; the message begins with `option`.
void require_donors(std::span<const std::string> donors, const char* option);

/// Whole donors: seeded order, donors go to validation until its share of cells is reached.
/// Throws Error(BadFormat) with fewer than two donors or a cell without a donor.
Split split_by_donor(std::span<const std::string> donors, double validation_fraction,
                     const Context& context);

}  // namespace saithe
