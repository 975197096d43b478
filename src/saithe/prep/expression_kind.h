#pragma once

// What the values of a matrix are, seen from the values: counts, or logarithms of normalised
// counts.

#include <span>

#include "saithe/core/options.h"
#include "saithe/data/cell_source.h"
#include "saithe/data/value_kind.h"

namespace saithe {

/// What stored values mean.
enum class ExpressionKind {
  Counts,        ///< whole numbers of molecules
  LogNormalized  ///< ln(1 + counts of 10 000), or a subset of its genes
};
template <>
struct EnumNames<ExpressionKind> {
  static constexpr std::pair<ExpressionKind, const char*> values[] = {
      {ExpressionKind::Counts, "counts"}, {ExpressionKind::LogNormalized, "log1p(CP10k)"}};
};

/// The kind of the stored values: counts if all are whole numbers of 0 or more, log-normalised if
/// all lie in [0, ln(10 001)] and one is no whole number. Throws Error(BadFormat) naming cell and
/// gene of the first value that is neither, with what to do, and for logarithms of another kind
/// (ValueKindFinder on the first 256 cells with values, unless opening the source looked at them);
/// warns where they may be of another. A matrix without values holds counts.
ExpressionKind find_expression_kind(const CellSource& source, const CsrView& values,
                                    CellIndex first_cell, const Context& context);

/// The same of the first 4 096 cells of a source, of which those of `first_block` have been read:
/// values of that block are checked, those of others, which are read for it, only looked at.
ExpressionKind find_expression_kind(CellSource& source, const CsrView& first_block,
                                    const Context& context);

/// Throws Error(BadFormat) naming two sources unless their first cells hold values of one kind, and
/// as find_expression_kind().
void require_common_kind(std::span<CellSource* const> sources, const Context& context);

/// Throws Error(BadFormat) at the first value that is not of the kind.
void require_expression(const CellSource& source, const CsrView& values, CellIndex first_cell,
                        ExpressionKind kind, const Context& context);

}  // namespace saithe
