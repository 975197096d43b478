#pragma once

// Columns of a table of AnnData that stay in their file until they are asked for: what is checked
// when they are read, whatever they lie in, and what of them can be written. Private to io/.

#include <span>
#include <string>
#include <vector>

#include "saithe/core/context.h"
#include "saithe/data/table.h"

namespace saithe::io {

/// Throws Error(BadFormat), beginning with `where` and naming `what`, on a text that no other
/// program could read of a file that is written with it. `first`: the number of the first text.
void require_utf8(std::span<const std::string> texts, std::int64_t first, const std::string& where,
                  const std::string& what);
/// The same of the texts of a column.
void require_utf8(const Column& column, const std::string& where, const std::string& name);

/// What a row takes at most while an index is read as a whole: a column of categories, each of one
/// row, and the row's name.
inline constexpr std::int64_t kBytesOfIndexEntry = kBytesOfTextEntry + kBytesOfOtherEntry + 64;
/// A table whose rows are called by `index`: texts, or the texts of what it holds; floats as
/// AnnData names rows by them ("7.0").
Table table_named_by(Column index);
/// How whole numbers call rows; of std::int64_t and std::uint64_t.
template <typename Whole>
std::vector<std::string> whole_names(std::span<const Whole> index);
/// Names as they are read, where the rows that `is_missing`, of all rows or empty, marks have the
/// one that AnnData gives them.
ReadNames with_mask(ReadNames read, std::vector<bool> is_missing);
/// A table whose names are read later, and then must be UTF-8 and what they were before, if they
/// were read. They are read in whole chunks of `chunk` names, of which the last are kept, or parts
/// of chunks that are long. `where`:
/// what messages call the table.
Table table_named_later(std::int64_t n_rows, std::int64_t chunk, ReadNames read,
                        const std::string& where);

/// Adds a column that is read later, and then must fit the memory and have one entry per row, of
/// UTF-8; what it cannot hold exactly is warned of. `frame` and `where` are what messages call the
/// table and the column.
void add_column_later(Table& table, const std::string& name, ReadColumn read,
                      const std::string& frame, const std::string& where, const Context& context);
/// Holds the whole numbers of a column exactly; `whole` are all, and those that are missing, which
/// may be anything, are not looked at.
void hold_exactly(NumberColumn& column, std::vector<std::int64_t> whole);
/// The same of numbers without a sign; nothing is done where one does not fit 64 bits with a sign.
void hold_exactly(NumberColumn& column, std::span<const std::uint64_t> whole);
/// Makes levels that stand more than once one, of which it warns, and entries whose level among
/// numbers is no number missing: AnnData reads neither.
void tidy_levels(CategoryColumn& column, const std::string& where, const Context& context);
/// Makes the masked numbers missing; an empty mask has none.
void apply_mask(NumberColumn& column, const std::vector<bool>& mask);
/// Warns that a column is left out, since no column can hold it.
void warn_of_unread_column(const std::string& where, const Context& context);
/// Warns of a column that the list of them names and the file does not have.
void warn_of_missing_column(const std::string& where, const std::string& name,
                            const Context& context);

}  // namespace saithe::io
